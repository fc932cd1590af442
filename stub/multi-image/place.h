/* SPDX-License-Identifier: MIT */
/* Writing a variant's bodies; private to the stage (place.c). */
#ifndef STUB_MULTI_IMAGE_PLACE_H
#define STUB_MULTI_IMAGE_PLACE_H

#include "unpack.h"

/* A whole body that patches are told against: it stays in its chunk's buffer,
 * and its unwind records are read once more for each patch. */
struct base {
        const uint8_t *bytes; /* NULL: no patch may come */
        uint32_t size;
        uint32_t orc_count;
        struct reader orc_gaps, orc_indexes;
};

struct placer {
        struct unpacker *u;
        struct reader op, membership, sizes; /* as layout() read them */
        uint64_t orc_done;  /* unwind records written */
        uint32_t orc_total; /* that there is room for */
        uint32_t palette_count;
        uint64_t prefix_done;
        uint8_t *compact; /* next byte */
        uint8_t *suffix;
        struct base base;
        uint8_t *patched;  /* a patch's bytes */
        uint8_t *gathered; /* those of code that was taken apart */
};

/* Where some bytes go. */
struct target {
        uint8_t *out;       /* NULL if this variant does not hold them */
        uint64_t addr;
        uint64_t load_addr; /* the one that the KASLR table knows */
};

/* What lies offset bytes behind t. */
static inline struct target target_at(const struct target *t, uint32_t offset)
{
        return (struct target){ t->out ? t->out + offset : NULL,
                                t->addr + offset, t->load_addr + offset };
}

/* The fields of a body, whose bytes are in place as well as at bytes. */
int place_fields(struct unpacker *u, const struct section *s, struct group *g,
                 const uint8_t *bytes, const struct target *t, uint64_t size);
/* The next body's (or inserted bytes') unwind records. */
int place_orc(struct placer *p, struct group *g, const struct target *t);
/* One unwind record. */
int place_orc_record(struct placer *p, uint64_t addr, uint32_t index);

/* A body that is told by its differences from p->base. */
int place_patch(struct placer *p, const struct section *s, struct group *g,
                const struct target *t, uint64_t size);

#endif
