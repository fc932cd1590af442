/* SPDX-License-Identifier: MIT */
/* Code in parts (stub/multi-image/gather.c). */
#ifndef PACKER_SCATTER_H
#define PACKER_SCATTER_H

#include "field-marks.h"
#include "vector.h"

/* Parts of a body's instructions, and its turns (struct code). */
struct scattered {
        struct bytes parts[CODE_PART_COUNT];
        VECTOR(uint16_t) turns;
};

/* BODY_SLACK bytes more can be read.  False: it can't be put together again, and
 * what was made is of no use. */
bool scatter(const struct field_marks *marks, const uint8_t *bytes, uint32_t size,
             struct scattered *ret);
void scattered_free(struct scattered *s);

#endif
