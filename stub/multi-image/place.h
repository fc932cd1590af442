/* SPDX-License-Identifier: MIT */
/* Writing a variant's bodies; private to the stage (place.c). */
#ifndef STUB_MULTI_IMAGE_PLACE_H
#define STUB_MULTI_IMAGE_PLACE_H

#include "unpack.h"

/* Unwind records of a body as they are passed. */
struct orc_cursor {
        struct reader gaps, indexes;
        const uint16_t *turn, *turn_end; /* NULL: gaps are bytes */
        uint32_t offset;                 /* of the last one */
        uint32_t from;                   /* the next is here or behind */
};

/* Passes one: offset is its place; false: it has none. */
static inline bool orc_next(struct orc_cursor *c)
{
        uint32_t gap = read_varint_fast(&c->gaps);

        if (!c->turn) {
                c->offset += gap;
                return true;
        }
        if (gap & 1) {
                c->offset += gap >> 1;
        } else {
                while (c->turn < c->turn_end && *c->turn < c->from)
                        c->turn++;
                if (gap >> 1 >= (size_t)(c->turn_end - c->turn))
                        return false;
                c->turn += gap >> 1;
                c->offset = *c->turn;
        }
        c->from = c->offset + 1;
        return true;
}

/* A whole body that patches are told against: it stays in its chunk's buffer,
 * and its unwind records are read once more for each patch. */
struct base {
        const uint8_t *bytes; /* NULL: no patch may come */
        uint32_t size;
        uint32_t orc_count;
        struct orc_cursor orcs;
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
        uint8_t *patched; /* a patch's bytes */
        struct code code; /* that was taken apart */
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
/* The next body's (or inserted bytes') unwind records; code: of a body that was
 * taken apart, else NULL. */
int place_orc(struct placer *p, struct group *g, const struct target *t,
              const struct code *code);
/* One unwind record. */
int place_orc_record(struct placer *p, uint64_t addr, uint32_t index);

/* A body that is told by its differences from p->base. */
int place_patch(struct placer *p, const struct section *s, struct group *g,
                const struct target *t, uint64_t size);

#endif
