/* SPDX-License-Identifier: MIT */
/* The Linux set-up header, as a loader and a variant fill it in. */
#ifndef STUB_BOOT_PARAMS_H
#define STUB_BOOT_PARAMS_H

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stdint.h>

/* In an image or in boot_params, both laid out alike. */
#define SETUP_HEADER 0x1f1

/* Makes in header, which lies at SETUP_HEADER of an image's first bytes or of
 * boot_params, the variant's header with what the loader filled in.  Both may
 * be the same memory.  variant: the variant's first bytes. */
void header_merge(struct setup_header *header,
                  const struct setup_header *loader, const uint8_t *variant);

/* The set-up header in an image's first bytes. */
static inline struct setup_header *header_of(uint8_t *image)
{
        return (struct setup_header *)(image + SETUP_HEADER);
}

#endif
