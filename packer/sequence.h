/* SPDX-License-Identifier: MIT */
/*
 * A common supersequence: one order in which the elements of several sequences
 * stand, so that each sequence is a selection from it.
 */
#ifndef PACKER_SEQUENCE_H
#define PACKER_SEQUENCE_H

#include <stdbool.h>

#include "vector.h"

struct sequence_node {
        uint32_t key;
        uint32_t next;     /* node in order; SEQUENCE_END */
        uint32_t original; /* node that this one repeats elsewhere, or itself */
        uint32_t again;    /* next node that repeats the same one */
        uint32_t position; /* in the order, while merging */
};

struct sequence {
        VECTOR(struct sequence_node) nodes;
        uint32_t head;
        uint32_t *by_key; /* original node + 1 */
        uint32_t key_room;
};

#define SEQUENCE_END UINT32_MAX

void sequence_init(struct sequence *s);
void sequence_free(struct sequence *s);

/* Merges a sequence of count distinct keys; ret_nodes[i] is the node of
 * keys[i], and following the nodes' next from head meets them in this order. */
void sequence_merge(struct sequence *s, const uint32_t *keys, size_t count,
                    uint32_t *ret_nodes);

#endif
