/* SPDX-License-Identifier: MIT */
/* What one body differs by from another. */
#ifndef PACKER_PATCH_H
#define PACKER_PATCH_H

#include <stdbool.h>

#include "vector.h"

/*
 * A body is compared in units: a byte, or a whole relocated field, with the
 * unwind record that begins at it.  Units are equal if their values are.
 */
struct unit {
        uint64_t value;
        uint32_t offset; /* in the body, bytes */
};

typedef VECTOR(struct unit) unit_list;

/* Pass over copy units of the base and take them, then over drop units that
 * are not taken; then take insert units of the body itself. */
struct patch_op {
        uint32_t copy, drop, insert;
};

typedef VECTOR(struct patch_op) patch;

/* Makes *ret (emptied before) the ops that lead from base to body, both
 * without an end mark.  False: they are too different for a patch to pay. */
bool patch_make(const unit_list *base, const unit_list *body, patch *ret);

#endif
