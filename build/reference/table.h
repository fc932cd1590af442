/* SPDX-License-Identifier: MIT */
/* Between the backends' table and the patcher. */
#ifndef REFERENCE_TABLE_H
#define REFERENCE_TABLE_H

#include "kernel.h"

struct backend_row {
        struct backend backend;
        const struct operations *operations;
};
extern const struct backend_row backend_rows[];

/* For vmi.c, whose ROM may leave the native instructions in place. */
extern const struct operations native_operations;
extern const void *const patch_nothing; /* the function without instructions */

struct patch_rule {
        const void *function;      /* NULL ends the table */
        const uint8_t *code, *end; /* what does the same; none: nothing */
};
extern const struct patch_rule patch_rules[];

#endif
