/* SPDX-License-Identifier: MIT */
/* Which versions are patches, and which entries share streams. */
#ifndef PACKER_GROUPS_H
#define PACKER_GROUPS_H

#include "merge.h"

/* The group that every variant reads; others follow. */
#define SHARED_GROUP 0

struct groups;

/* orcs: unwind records by number, of 6 bytes; those of versions that may be
 * patches are added.  m is used until groups_free(). */
struct groups *groups_new(const struct master *m, struct interner *orcs,
                          enum aim aim);
void groups_free(struct groups *g);

uint32_t groups_count(const struct groups *g);

/* Of version i of a place: whether it is told by its differences from the
 * first; the variants that have to read it, as bits; its group. */
bool groups_is_patch(const struct groups *g, const struct place *p, uint32_t i);
uint32_t groups_readers(const struct groups *g, const struct place *p,
                        uint32_t i);
uint8_t groups_of(const struct groups *g, const struct place *p, uint32_t i);

#endif
