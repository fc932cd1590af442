/* SPDX-License-Identifier: MIT */
/*
 * A picture of where the bytes of a multi-image go.
 */
#ifndef PACKER_TREEMAP_H
#define PACKER_TREEMAP_H

#include "account.h"

/* An SVG document, to be freed. */
void treemap_make(const struct store *store, const struct account *a,
                  char **ret_text, size_t *ret_size);

#endif
