/* SPDX-License-Identifier: MIT */
/* Bodies of entries as streams: bytes, fields, unwind records. */
#ifndef PACKER_BODIES_H
#define PACKER_BODIES_H

#include "encode.h"

struct bodies;

/* orc_rank: number of each unwind record by its number in orcs; NULL, with
 * streams NULL too: nothing will be written.  Both, m and streams are used until
 * bodies_free().  scatter: code is taken apart. */
struct bodies *bodies_new(const struct master *m, struct streams *streams,
                          enum codec_id codec, struct interner *orcs,
                          const uint32_t *orc_rank, bool scatter);
void bodies_free(struct bodies *b);

void bodies_begin_section(struct bodies *b, const struct master_section *s);
/* A new place: what follows is no version of what came before. */
void bodies_begin_place(struct bodies *b);
/* The next entry's body, for the streams of a group: that of version x of p, or
 * those of the run of places that p begins; at most MULTI_IMAGE_MAX_BODY bytes.
 * Returns the entry's kind: ENTRY_BODY or ENTRY_CODE, or ENTRY_PATCH if its differences from
 * the place's first are gain times smaller; gain 0: no patch. */
uint8_t bodies_read(struct bodies *b, const struct place *p,
                    const struct version *x, uint8_t group, uint32_t gain);
uint32_t bodies_size(const struct bodies *b);
/* Its bytes, if it is of a section of strings and has nothing but these; NULL. */
const uint8_t *bodies_strings(const struct bodies *b);
/* Of a patch: bytes that are not the base's, or that of the base are left out,
 * whichever is more at each place. */
uint32_t bodies_difference(const struct bodies *b);
/* Makes it the place's first unless there is one: what is not written. */
void bodies_keep(struct bodies *b);
void bodies_put(struct bodies *b); /* writes it, and keeps it */

#endif
