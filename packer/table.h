/* SPDX-License-Identifier: MIT */
/*
 * Reads the table of backends, configs/backends: which variants belong into a
 * multi-image, and on which platforms each boots.
 */
#ifndef PACKER_TABLE_H
#define PACKER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stub/multi-image/format.h"

#define TABLE_MAX_BACKENDS 256

enum backend_role {
        BACKEND_VARIANT,
        BACKEND_DEFAULT,    /* a variant, and what boots when no rule matches */
        BACKEND_FLAVOUR,    /* a variant that is built only if it is named */
        BACKEND_COMPARATOR, /* built and measured, never packed */
};

struct backend {
        char name[MULTI_IMAGE_NAME_SIZE];
        char *fragment;     /* Kconfig fragment; the packer has no use for it */
        uint32_t platforms[LEVEL_COUNT]; /* 1 << enum platform, by the level
                                          * that is asked for; 0: any */
        uint32_t priority;
        enum backend_role role;
        unsigned line;
};

struct backend_table {
        char *path;
        struct backend *backends;
        size_t count;
};

/* path NULL: the table that was built into the program.  On failure an exit
 * code and "FILE:LINE: fault and values". */
int table_read(const char *path, struct backend_table *ret_table,
               char **ret_message);
void table_free(struct backend_table *table);

/* Reads PLATFORM or PLATFORM@LEVEL, the level being v2, v3 or v4; false if word
 * is neither.  Level 0: any. */
bool table_read_platform(const char *word, unsigned *ret_platform,
                         unsigned *ret_level);

/* NULL: there is no such row. */
const struct backend *table_find(const struct backend_table *table,
                                 const char *name);

#endif
