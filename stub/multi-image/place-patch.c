/* SPDX-License-Identifier: MIT */
/*
 * A body that is told by its differences from the one before.
 *
 * Ops take runs of the base, with all that hangs on them, and put other bytes in
 * between, which bring fields and unwind records of their own:
 *
 *      base    48 8b 47 [08] 48 85 c0 74 05 e8 [pool address] c3
 *      ops     copy 3, insert 1 (10) instead of 1, copy 13
 */
#include <string.h>

#include "place.h"

/* The base's fields, or its unwind records, as they are passed. */
struct cursor {
        struct reader gaps, values; /* types, or indexes */
        uint32_t count;             /* behind this one */
        bool is_orc;
        bool has;        /* this one: */
        uint32_t value;
        uint32_t offset; /* in the base */
        uint32_t size;
};

static void advance(struct cursor *c)
{
        c->has = c->count;
        if (!c->has)
                return;
        c->count--;
        c->offset += c->size + read_varint(&c->gaps);
        c->value = c->is_orc ? read_varint(&c->values) : read_byte(&c->values);
        c->size = c->is_orc ? 0 : field_size((uint8_t)c->value);
}

static int carry_field(struct placer *p, const struct cursor *c, struct target t)
{
        le32 pool;

        memcpy(&pool, t.out, sizeof(pool));
        return place_field(p->u, (uint8_t)c->value, get_le32(pool), t);
}

/* What hangs on count bytes of the base from start on, which are at t now. */
static int carry(struct placer *p, struct cursor *c, uint32_t start,
                 uint32_t count, const struct target *t)
{
        int err;

        for (; c->has && c->offset < start + count; advance(c)) {
                uint32_t offset = c->offset - start;

                if (c->offset < start || c->size > count - offset)
                        continue; /* of bytes not taken */
                err = c->is_orc ?
                              place_orc_record(p, t->addr + offset, c->value) :
                              carry_field(p, c, target_at(t, offset));
                if (err)
                        return err;
        }
        return MULTI_IMAGE_OK;
}

static int insert(struct placer *p, const struct section *s, struct group *g,
                  const struct target *t, uint32_t size, bool has_marks)
{
        struct reader *bytes = &g->streams[GROUP_PATCH_BYTE];
        int err;

        REQUIRE(size <= (size_t)(bytes->end - bytes->at), MULTI_IMAGE_BAD_PATCH);
        if (t->out)
                memcpy(t->out, bytes->at, size);
        bytes->at += size;
        if (!has_marks)
                return MULTI_IMAGE_OK;
        if (s->flags & SECTION_SLOTS && (err = place_fields(p->u, s, g, t, size)))
                return err;
        return s->flags & SECTION_CODE ? place_orc(p, g, t) : MULTI_IMAGE_OK;
}

int place_patch(struct placer *p, const struct section *s, struct group *g,
                struct target t, uint64_t size)
{
        const struct base *base = &p->base;
        struct cursor fields = { .gaps = base->gaps,
                                 .values = base->types,
                                 .count = base->field_count };
        struct cursor orcs = { .gaps = base->orc_gaps,
                               .values = base->orc_indexes,
                               .count = base->orc_count,
                               .is_orc = true };
        uint32_t x = 0; /* passed of the base */
        uint32_t left = (uint32_t)size;
        int err;

        REQUIRE(base->bytes, MULTI_IMAGE_BAD_PATCH);
        advance(&fields);
        advance(&orcs);
        for (;;) {
                struct reader *ops = &g->streams[GROUP_PATCH_OP];
                uint32_t copy = read_varint(ops);
                uint32_t n, drop;

                REQUIRE(copy <= left && copy <= base->size - x,
                        MULTI_IMAGE_BAD_PATCH);
                if (t.out) {
                        memcpy(t.out, base->bytes + x, copy);
                        if ((err = carry(p, &fields, x, copy, &t)) ||
                            (err = carry(p, &orcs, x, copy, &t)))
                                return err;
                }
                t = target_at(&t, copy);
                x += copy;
                left -= copy;
                if (!left)
                        return MULTI_IMAGE_OK;
                n = read_varint(ops);
                drop = (uint32_t)read_signed(ops) + (n >> 1);
                REQUIRE(n >> 1 <= left && drop <= base->size - x &&
                                (copy || n >> 1 || drop),
                        MULTI_IMAGE_BAD_PATCH);
                if ((err = insert(p, s, g, &t, n >> 1, n & 1)))
                        return err;
                t = target_at(&t, n >> 1);
                x += drop;
                left -= n >> 1;
                if (!left)
                        return MULTI_IMAGE_OK;
        }
}
