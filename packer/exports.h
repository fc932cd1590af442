/* SPDX-License-Identifier: MIT */
/*
 * Entries of strings: those that name symbols, and what symbols they export.
 */
#ifndef PACKER_EXPORTS_H
#define PACKER_EXPORTS_H

#include "symbol-names.h"

struct exports;

/* All are used until exports_free(). */
struct exports *exports_new(const struct master *m, struct symbol_names *symbols,
                            struct streams *streams);
void exports_free(struct exports *e);

/* Version x of p, or those of the run of places that p begins. */
void exports_put(struct exports *e, const struct place *p, const struct version *x);

#endif
