/* SPDX-License-Identifier: MIT */
/*
 * A body that is told by its differences from the one before.
 *
 * Ops take runs of the base, with its unwind records, and put other bytes in
 * between, which bring unwind records of their own:
 *
 *      base    48 8b 47 [08] 48 85 c0 74 05 e8 [pool address] c3
 *      ops     copy 3, insert 1 (10) instead of 1, copy 13
 *
 * Fields are found when the body is complete.
 */
#include <string.h>

#include "place.h"

/* The base's unwind records, one ahead. */
struct ahead {
        struct orc_cursor orcs; /* offset: in the base */
        uint32_t count;         /* behind this one */
        bool has;               /* this one: */
        uint32_t index;
};

static int advance(struct ahead *a)
{
        a->has = a->count;
        if (!a->has)
                return MULTI_IMAGE_OK;
        a->count--;
        a->index = read_varint(&a->orcs.indexes);
        REQUIRE(orc_next(&a->orcs), MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

/* Those of count bytes of the base from start on, which are at addr now. */
static int carry(struct placer *p, struct ahead *a, uint32_t start,
                 uint32_t count, uint64_t addr)
{
        int err;

        while (a->has && a->orcs.offset < start + count) {
                if (a->orcs.offset >= start && /* else of bytes not taken */
                    (err = place_orc_record(p, addr + (a->orcs.offset - start),
                                            a->index)))
                        return err;
                if ((err = advance(a)))
                        return err;
        }
        return MULTI_IMAGE_OK;
}

static int insert(struct placer *p, const struct section *s, struct group *g,
                  const struct target *t, uint8_t *out, uint32_t size,
                  bool has_orcs)
{
        struct reader *bytes = &g->streams[GROUP_PATCH_BYTE];

        REQUIRE(size <= (size_t)(bytes->end - bytes->at), MULTI_IMAGE_BAD_PATCH);
        memcpy(out, bytes->at, size);
        bytes->at += size;
        REQUIRE(!has_orcs || s->flags & SECTION_CODE, MULTI_IMAGE_BAD_PATCH);
        return has_orcs ? place_orc(p, g, t, NULL) : MULTI_IMAGE_OK;
}

/* Fills p->patched. */
static int apply(struct placer *p, const struct section *s, struct group *g,
                 const struct target *t, uint32_t size)
{
        const struct base *base = &p->base;
        struct ahead orcs = { .orcs = base->orcs, .count = base->orc_count };
        uint32_t x = 0; /* passed of the base */
        uint32_t y = 0; /* done of the patch */
        int err = advance(&orcs);

        if (err)
                return err;
        for (;;) {
                struct reader *ops = &g->streams[GROUP_PATCH_OP];
                uint32_t copy = read_varint(ops);
                struct target at;
                uint32_t n, drop;

                REQUIRE(copy <= size - y && copy <= base->size - x,
                        MULTI_IMAGE_BAD_PATCH);
                memcpy(p->patched + y, base->bytes + x, copy);
                if (t->out && (err = carry(p, &orcs, x, copy, t->addr + y)))
                        return err;
                x += copy;
                y += copy;
                if (y == size)
                        return MULTI_IMAGE_OK;
                n = read_varint(ops);
                drop = (uint32_t)read_signed(ops) + (n >> 1);
                REQUIRE(n >> 1 <= size - y && drop <= base->size - x &&
                                (copy || n >> 1 || drop),
                        MULTI_IMAGE_BAD_PATCH);
                at = target_at(t, y);
                if ((err = insert(p, s, g, &at, p->patched + y, n >> 1, n & 1)))
                        return err;
                x += drop;
                y += n >> 1;
                if (y == size)
                        return MULTI_IMAGE_OK;
        }
}

int place_patch(struct placer *p, const struct section *s, struct group *g,
                const struct target *t, uint64_t size)
{
        int err;

        REQUIRE(p->base.bytes, MULTI_IMAGE_BAD_PATCH);
        if ((err = apply(p, s, g, t, (uint32_t)size)))
                return err;
        if (t->out)
                memcpy(t->out, p->patched, size);
        return s->flags & SECTION_SLOTS ?
                       place_fields(p->u, s, g, p->patched, t, size) :
                       MULTI_IMAGE_OK;
}
