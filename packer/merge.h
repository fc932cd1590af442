/* SPDX-License-Identifier: MIT */
/*
 * The master sequence: all variants' fragments in one order, equal ones once.
 */
#ifndef PACKER_MERGE_H
#define PACKER_MERGE_H

#include "field-marks.h"
#include "variant.h"

/* One content of a slot, and the variants that have it there. */
struct version {
        uint32_t membership; /* bit i: variant i */
        uint32_t variant;    /* the first of them, and its */
        uint32_t fragment;   /* fragment */
};

/* A place in the master sequence. */
struct place {
        uint32_t slot;  /* NONE in a section without */
        bool is_moved;  /* stands for a slot that begins elsewhere */
        bool is_joined; /* told with the place before, in one entry */
        uint32_t run;   /* places told in the entry that begins here */
        uint32_t version_first, version_count;
};

/* Where a slot is in the store: runs of places share one. */
struct master_slot {
        uint32_t index;      /* of the store's slot */
        uint32_t offset;     /* in it, bytes */
        uint32_t pool;       /* pool address */
        uint32_t membership; /* variants that hold it */
};

struct master_section {
        const char *name;
        uint8_t part, flags, body, columns;
        bool has_exports; /* names of exported symbols, some variant's: they tell
                           * which these are */
        uint64_t addr[MULTI_IMAGE_MAX_VARIANTS]; /* FORMAT_ABSENT: none */
        uint64_t load_addr[MULTI_IMAGE_MAX_VARIANTS];
        uint32_t place_first, place_count;
};

/* A symbol of kallsyms in the variants of a membership. */
struct master_symbol {
        uint32_t slot, offset, name;
        uint32_t membership;
};

struct master {
        struct variant *variants;
        uint32_t variant_count;
        VECTOR(struct master_section) sections;
        VECTOR(struct place) places;
        VECTOR(struct version) versions;
        VECTOR(struct master_symbol) symbols;
        struct master_slot *slots; /* by the slots of places */
        uint32_t slot_count;
        uint32_t slot_index_count; /* slots of the store */
        struct field_marks pool;   /* pool addresses */
};

void merge(struct master *m, struct variant *variants, uint32_t count);
void master_free(struct master *m);

/* Whether two fragments of merged variants are the same but for where things
 * are. */
bool fragments_equal(const struct variant *v, const struct fragment *f,
                     const struct variant *w, const struct fragment *g);

#endif
