/* SPDX-License-Identifier: MIT */
/*
 * Reads the table of backends, configs/backends: which variants belong into a
 * multi-image, and on which platforms each boots.
 */
#ifndef PACKER_TABLE_H
#define PACKER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../stub/multi-image/format.h"

#define TABLE_MAX_BACKENDS 256

enum backend_role {
        BACKEND_VARIANT,
        BACKEND_DEFAULT,    /* a variant, and what boots when no rule matches */
        BACKEND_COMPARATOR, /* built and measured, never packed */
};

struct backend {
        char name[MULTI_IMAGE_NAME_SIZE];
        char *fragment;     /* Kconfig fragment; the packer has no use for it */
        uint32_t platforms; /* 1 << enum platform */
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

/* NULL: there is no such row. */
const struct backend *table_find(const struct backend_table *table,
                                 const char *name);

#endif
