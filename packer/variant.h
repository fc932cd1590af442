/* SPDX-License-Identifier: MIT */
/*
 * One image in pieces: what the packer's stages hand on.
 */
#ifndef PACKER_VARIANT_H
#define PACKER_VARIANT_H

#include "pack.h"
#include "vector.h"

/* A relocated field of a fragment. */
struct field {
        uint32_t offset; /* in the fragment */
        uint8_t type;    /* enum field_type, perhaps FIELD_UNLISTED */
        uint32_t target; /* index of the fragment that it points into */
        uint32_t addend; /* bytes behind that fragment's start */
};

/* An ORC unwind record of a fragment. */
struct orc {
        uint32_t offset; /* in the fragment; at most its size */
        uint8_t entry[6];
};

/* A run of bytes with its relocations: the unit that is shared. */
struct fragment {
        uint8_t kind;      /* enum entry_op & ENTRY_KIND */
        uint8_t value;     /* of a fold */
        bool is_pointer;   /* one of an array: key is the array's until it has
                            * its own */
        uint32_t region;   /* index into variant.regions */
        uint32_t key;      /* what it is called, interned; equal in all variants */
        uint32_t name;     /* the same for people: its key before that was made
                            * distinct; NONE: a record */
        uint32_t number;   /* among those of that name in its region, from 1 */
        uint64_t addr;     /* virtual; 0 if the region has none */
        uint64_t size;     /* bytes */
        const uint8_t *bytes; /* in the image; NULL without bytes */
        uint32_t field_first, field_count;
        uint32_t orc_first, orc_count;
        uint32_t slot;     /* set by merge */
};

/* A section of the image, or what lies between sections. */
struct region {
        const char *name;
        uint8_t part;  /* enum section_part */
        uint8_t flags; /* enum section_flag */
        uint8_t body;  /* stream */
        uint8_t columns;
        uint64_t addr, load_addr;
        uint64_t size;
        const uint8_t *bytes;
        uint64_t payload_offset; /* PART_PAYLOAD only */
        uint32_t fragment_first, fragment_count;
        uint32_t linked;         /* section of the linked kernel, or NONE */
        uint32_t section;        /* set by merge: master section */
};

/* Whole pages of one value in the unpacked payload; bytes. */
struct run {
        uint64_t offset, size;
        uint8_t value;
};

/* One symbol of kallsyms. */
struct kernel_symbol {
        uint32_t fragment, offset;
        uint32_t name; /* type and name, interned */
};

/* So many bytes behind a fragment's start. */
struct fragment_place {
        uint32_t fragment, offset;
};

/* An exported symbol, that is, one that modules may use. */
struct export {
        uint8_t table;   /* enum export_table */
        uint32_t record; /* fragment */
        struct fragment_place string; /* its name, perhaps the end of another one */
        struct fragment_place value, space; /* of its namespace's name */
};

/* Where their names are. */
#define EXPORT_STRINGS "__ksymtab_strings"

/* A type of BTF. */
struct btf_type {
        uint32_t start, size; /* of its record, words */
        uint8_t kind;
        uint32_t key; /* what it is called, interned; equal in all variants */
};

struct btf_string {
        uint32_t offset; /* in the section's strings */
        uint32_t name;   /* interned */
};

/* .BTF: types from number 1, strings but the empty one at 0. */
struct btf {
        const uint8_t *words; /* of the records */
        VECTOR(struct btf_type) types;
        VECTOR(struct btf_string) strings;
};

/* The string at offset: its index, or NONE. */
uint32_t btf_string(const struct btf *b, uint32_t offset);

/* Which tables follow from the fragments. */
struct derivation {
        bool orc, kallsyms, slide, btf, exports, sites[SITE_TABLE_COUNT];
};

/* Records of a table of sites that are next to each other among all sites. */
struct site_run {
        int32_t skip; /* sites passed over since the last run */
        uint32_t count;
        uint8_t back; /* bytes from a site's field to the start of its instruction */
};

struct sites {
        uint32_t first, span; /* addresses of the thunks, the lower 32 bits */
        uint32_t site_count;
        VECTOR(struct site_run) runs;
};

struct variant {
        const struct pack_input *input;
        VECTOR(struct region) regions;
        VECTOR(struct fragment) fragments; /* in order of the image */
        VECTOR(struct field) fields;
        VECTOR(struct orc) orcs;
        VECTOR(struct kernel_symbol) symbols;
        VECTOR(struct export) exports;
        uint8_t tokens[256][3]; /* code, left, right; in order of making */
        uint32_t token_count;
        struct run *runs; /* as the frame folds them */
        size_t run_count;
        VECTOR(struct run) pieces; /* runs, cut where sections begin */
        uint64_t slide_offset; /* of the KASLR table in the payload; 0: none */
        uint32_t slide_count[3];
        uint32_t *by_addr; /* fragments with addresses, by address, then index */
        uint32_t by_addr_count;
        uint32_t *symbol_fragment; /* by linked symbol: its fragment or NONE */
        struct derivation derived;
        struct sites sites[SITE_TABLE_COUNT];
        struct btf btf;
};

#define NONE UINT32_MAX

/* A section that is a table of equal records. */
struct record_table {
        const char *name;
        uint8_t size;    /* of a record, bytes */
        uint8_t columns; /* relocated fields of a record */
        uint8_t unlinked; /* bit i: a distance at byte 4 * i that has no
                           * relocation */
};

/* NULL: the section is no such table. */
const struct record_table *record_table_find(const char *name);

struct interner;

/* Finds the runs of pages that are folded, and lays v->input out in regions. */
void variant_regions(struct variant *v, struct interner *names);

/* Cuts v->input into fragments; v->derived says which tables to take for derived
 * ones. */
void variant_split(struct variant *v, struct interner *names);

/* Finds and resolves the fields of all fragments; gives records their keys. */
void variant_fields(struct variant *v, struct interner *names);

/* Recognises the derived tables; clears v->derived where a table does not follow
 * its model, and returns true if it did so: split again then. */
bool variant_tables(struct variant *v, struct interner *names);

/* All of these, in order; a table that does not follow its model is split as
 * bytes, so once more. */
void variant_make(struct variant *v, const struct pack_input *input,
                  struct interner *names);

void variant_free(struct variant *v);

/* Makes by_addr. */
void variant_sort(struct variant *v);

/* The fragment that addr lies in, or that ends there if none begins; NONE. */
uint32_t variant_find(const struct variant *v, uint64_t addr);

#endif
