/* SPDX-License-Identifier: MIT */
/*
 * Function by function, what two kernels have in common.
 */
#ifndef PACKER_DIFF_H
#define PACKER_DIFF_H

#include "pack.h"
#include "vector.h"

enum diff_class {
        DIFF_EQUAL,     /* the same but for where things are */
        DIFF_NEAR,      /* the packer would tell one as a patch of the other */
        DIFF_DIFFERENT, /* they have the name in common */
        DIFF_ONLY_A,    /* the second kernel has none of that name */
        DIFF_ONLY_B,    /* nor the first */
        DIFF_CLASS_COUNT,
};

/* A function or an object; or all strings of a section, say. */
struct diff_item {
        const char *name; /* "(strings)", "(records)", "(unnamed)": many */
        const char *file; /* source file of a static one, "" if not known */
        const char *section;
        uint32_t number; /* among those of that name, file and section: 1 … */
        bool is_ambiguous; /* others have that name */
        uint64_t size[2];  /* bytes in the first and the second kernel */
        uint64_t changed;  /* bytes that are not the same */
        enum diff_class class;
};

/* Of all items of one class. */
struct diff_sum {
        uint64_t items, size[2], changed;
};

struct diff {
        VECTOR(struct diff_item) items; /* by how much their size differs */
        struct diff_sum sums[DIFF_CLASS_COUNT];
        struct interner *names;
};

/* What is compared. */
enum diff_what {
        DIFF_CODE,
        DIFF_DATA
};

/* Two kernels with symbols.  *ret is to be freed. */
void diff_make(const struct pack_input inputs[2], enum diff_what what,
               struct diff *ret);
void diff_free(struct diff *d);

/* "equal", "near", "different", "only"; for both of only */
const char *diff_class_name(enum diff_class class);

#endif
