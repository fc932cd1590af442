/* SPDX-License-Identifier: MIT */
/*
 * Derives the tables of sites: the places that branch to a thunk, which the
 * kernel patches when it boots.
 *
 * Each is a field whose target is a thunk, so they are noted as fields are
 * relocated.  The table has them object file by object file, as objtool wrote
 * it: in runs of the order in which they were noted.
 */
#include <string.h>

#include "unpack.h"

static int open_table(struct unpacker *u, struct reader *r, bool is_ours,
                      enum site_table table)
{
        struct sites s = { .run_count = read_varint(r) };
        uint32_t i;

        if (!s.run_count)
                return MULTI_IMAGE_OK;
        s.first = read_varint(r);
        s.span = read_varint(r);
        s.max = read_varint(r);
        s.runs = *r;
        for (i = 0; i < 2; i++)
                skip_varints(r, s.run_count);
        if (!is_ours)
                return MULTI_IMAGE_OK;
        REQUIRE(reader_ok(r) && u->derived[ENTRY_SITES + table].size,
                MULTI_IMAGE_BAD_DERIVED);
        s.at = arena_take(&u->arena, s.max * (uint64_t)sizeof(*s.at));
        REQUIRE(s.at, MULTI_IMAGE_NO_MEMORY);
        u->sites[table] = s;
        return MULTI_IMAGE_OK;
}

int sites_open(struct unpacker *u)
{
        struct reader r = u->streams[STREAM_SITES];
        uint32_t low = UINT32_MAX, high = 0;
        uint32_t v, t;
        int err;

        for (v = 0; v < u->mi->variant_count; v++)
                for (t = 0; t < SITE_TABLE_COUNT; t++)
                        if ((err = open_table(u, &r, v == u->variant, t)))
                                return err;
        REQUIRE(reader_done(&r), MULTI_IMAGE_BAD_DERIVED);
        for (t = 0; t < SITE_TABLE_COUNT; t++) {
                const struct sites *s = &u->sites[t];

                REQUIRE(!s->run_count == !u->derived[ENTRY_SITES + t].size &&
                                s->span <= UINT32_MAX - s->first,
                        MULTI_IMAGE_BAD_DERIVED);
                if (!s->span)
                        continue;
                low = s->first < low ? s->first : low;
                high = s->first + s->span > high ? s->first + s->span : high;
        }
        u->thunk_first = low;
        u->thunk_span = high > low ? high - low : 0;
        return MULTI_IMAGE_OK;
}

int site_note(struct unpacker *u, uint32_t target, uint32_t addr)
{
        struct sites *s;

        for (s = u->sites; s < u->sites + SITE_TABLE_COUNT; s++) {
                if (target - s->first >= s->span)
                        continue;
                REQUIRE(s->count < s->max, MULTI_IMAGE_BAD_DERIVED);
                s->at[s->count++] = addr;
        }
        return MULTI_IMAGE_OK;
}

static int derive_table(struct unpacker *u, struct sites *s,
                        const struct derived *d)
{
        uint8_t *out = u->compact + d->offset;
        uint32_t addr = (uint32_t)d->addr;
        uint32_t left = (uint32_t)(d->size / sizeof(le32));
        uint32_t next = 0; /* site */
        uint32_t i;

        REQUIRE(d->size % sizeof(le32) == 0, MULTI_IMAGE_BAD_DERIVED);
        for (i = 0; i < s->run_count; i++) {
                uint32_t count, back;

                next += (uint32_t)read_signed(&s->runs);
                count = read_varint(&s->runs);
                back = count & SITE_MAX_BACK;
                count >>= 2;
                REQUIRE(next <= s->count && count <= s->count - next &&
                                count <= left,
                        MULTI_IMAGE_BAD_DERIVED);
                left -= count;
                for (; count; count--, addr += 4, out += 4) {
                        le32 v = put_le32(s->at[next++] - back - addr);

                        memcpy(out, &v, sizeof(v));
                }
        }
        REQUIRE(!left, MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

int sites_derive(struct unpacker *u)
{
        uint32_t t;
        int err;

        for (t = 0; t < SITE_TABLE_COUNT; t++)
                if ((err = derive_table(u, &u->sites[t],
                                        &u->derived[ENTRY_SITES + t])))
                        return err;
        return MULTI_IMAGE_OK;
}
