/* SPDX-License-Identifier: MIT */
/* Code in parts (stub/multi-image/gather.c). */
#ifndef PACKER_SCATTER_H
#define PACKER_SCATTER_H

#include "field-marks.h"
#include "vector.h"

/* Appends the parts of a body's instructions; BODY_SLACK bytes more can be read.
 * False: it can't be told apart again, and parts are of no use. */
bool scatter(const struct field_marks *marks, const uint8_t *bytes, uint32_t size,
             struct bytes parts[CODE_PART_COUNT]);

#endif
