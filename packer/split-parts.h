/* SPDX-License-Identifier: MIT */
/* What split.c, split-unnamed.c and split-exports.c share. */
#ifndef PACKER_SPLIT_PARTS_H
#define PACKER_SPLIT_PARTS_H

#include "variant.h"

struct splitter {
        struct variant *v;
        struct interner *names;
        const struct linked *linked; /* NULL: no symbols */
        uint32_t *by_value;          /* symbols in order of section, value */
        size_t symbol_count;
        const uint64_t *targets;     /* sorted addresses that something refers to */
        size_t target_count;
        uint32_t last_key;           /* of the last named fragment */
        uint32_t behind;             /* unnamed ones since */
};

/* Adds fragments of [start, end), at most MULTI_IMAGE_MAX_BODY bytes each; all
 * but the first have a number behind the key. */
void split_add_pieces(struct splitter *s, uint32_t region, uint32_t key,
                      uint64_t start, uint64_t end);

/* Adds one. */
struct fragment *split_add(struct splitter *s, uint32_t region, uint8_t kind,
                           uint32_t key, uint64_t offset, uint64_t size);

/* The kind of entries that tell a table of exported symbols; ENTRY_BODY: it is
 * none. */
uint8_t split_export_kind(const struct splitter *s, const struct region *r);
/* Cuts such a table. */
void split_exports(struct splitter *s, uint32_t region, uint8_t kind);

/* Cuts at each string. */
void split_strings(struct splitter *s, uint32_t region, uint64_t start,
                   uint64_t end);

/* Cuts what lies between symbols. */
void split_unnamed(struct splitter *s, uint32_t region, uint64_t start,
                   uint64_t end);

#endif
