/* SPDX-License-Identifier: MIT */
/*
 * Streams: the small ones are unpacked as a whole into the arena, those of
 * bodies chunk by chunk into one buffer each, so that a rebuild never holds
 * more than a chunk or two of bodies beside the image.
 */
#include <string.h>

#include "unpack.h"

void *arena_take(struct arena *arena, uint64_t size)
{
        size_t start = (arena->used + 15) & ~(size_t)15;

        if (start > arena->size || size > arena->size - start)
                return NULL;
        arena->used = start + (size_t)size;
        if (arena->used > arena->peak)
                arena->peak = arena->used;
        return arena->base + start;
}

struct varint read_long_varint(const uint8_t *at, const uint8_t *end)
{
        uint32_t value = 0;
        unsigned shift = 0;

        for (; at < end && shift <= 28; shift += 7) {
                uint8_t byte = *at++;

                value |= (uint32_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return (struct varint){ at, value };
        }
        return (struct varint){ end + 1, 0 }; /* overrun: reader_ok() tells */
}

uint32_t read_varint(struct reader *r)
{
        return read_varint_fast(r);
}

static int unpack_chunk(const struct unpacker *u, uint32_t index,
                        const uint8_t *packed, uint8_t *out, size_t history)
{
        const struct format_chunk *c = &u->mi->chunks[index];
        uint32_t packed_size = get_le32(c->packed_size);
        uint32_t raw_size = get_le32(c->raw_size);
        const struct codec *const *codec;

        if (packed_size == raw_size) {
                memcpy(out, packed, raw_size);
                return MULTI_IMAGE_OK;
        }
        for (codec = multi_image_codecs; *codec; codec++)
                if ((*codec)->id == u->mi->header->codec)
                        return (*codec)->decode(packed, packed_size, out,
                                                raw_size, history);
        return MULTI_IMAGE_UNKNOWN_CODEC;
}

/* Where the next stream's chunks are. */
struct position {
        uint32_t stream, chunk;
        const uint8_t *packed;
};

static void skip_stream(const struct multi_image *mi, struct position *p)
{
        uint32_t n = get_le32(mi->streams[p->stream++].chunk_count);

        for (; n; n--)
                p->packed += get_le32(mi->chunks[p->chunk++].packed_size);
}

static int open_whole(struct unpacker *u, struct position *p, struct reader *ret)
{
        const struct format_stream *s = &u->mi->streams[p->stream++];
        uint32_t n = get_le32(s->chunk_count);
        uint64_t size = get_le64(s->raw_size);
        uint8_t *out = arena_take(&u->arena, size + READER_SLACK);
        int err;

        REQUIRE(out, MULTI_IMAGE_NO_MEMORY);
        memset(out + size, 0, READER_SLACK);
        *ret = (struct reader){ out, out + size };
        for (; n; n--, p->chunk++) {
                if ((err = unpack_chunk(u, p->chunk, p->packed, out, 0)))
                        return err;
                p->packed += get_le32(u->mi->chunks[p->chunk].packed_size);
                out += get_le32(u->mi->chunks[p->chunk].raw_size);
        }
        return MULTI_IMAGE_OK;
}

static int read_memberships(struct unpacker *u)
{
        const struct reader *masks = &u->streams[STREAM_MEMBERSHIPS];
        const struct reader *groups = &u->streams[STREAM_GROUPS];
        size_t count = (size_t)(groups->end - groups->at);
        uint32_t i;

        REQUIRE(count <= MULTI_IMAGE_MAX_MEMBERSHIPS &&
                        (size_t)(masks->end - masks->at) == count * sizeof(le32),
                MULTI_IMAGE_BAD_LAYOUT);
        u->membership_count = (uint32_t)count;
        u->memberships = arena_take(&u->arena, count * sizeof(*u->memberships));
        REQUIRE(u->memberships, MULTI_IMAGE_NO_MEMORY);
        for (i = 0; i < count; i++) {
                uint32_t mask = get_le32(((const le32 *)masks->at)[i]);
                struct membership *m = &u->memberships[i];

                REQUIRE(!((uint64_t)mask >> u->mi->variant_count),
                        MULTI_IMAGE_BAD_LAYOUT);
                m->is_member = mask >> u->variant & 1;
                m->group = groups->at[i];
                REQUIRE(m->group < u->group_count, MULTI_IMAGE_BAD_LAYOUT);
                if (m->is_member || u->all_groups)
                        u->groups[m->group].is_used = true;
        }
        return MULTI_IMAGE_OK;
}

static int open_group(struct unpacker *u, struct position *p, struct group *g)
{
        uint32_t i;
        int err;

        for (i = 0; i < GROUP_BODY_FIRST; i++)
                if ((err = open_whole(u, p, &g->streams[i])))
                        return err;
        for (i = 0; i < GROUP_BODY_COUNT; i++) {
                g->bodies[i] = (struct body_stream){
                        .chunk = p->chunk,
                        .packed = p->packed,
                };
                skip_stream(u->mi, p);
                g->bodies[i].chunk_end = p->chunk;
        }
        return MULTI_IMAGE_OK;
}

/* Streams of tables that are derived when everything else is in place. */
static bool is_late(uint32_t stream)
{
        return stream - STREAM_SYMBOL_MEMBERSHIP <=
                       STREAM_EXPORT_PLACE - STREAM_SYMBOL_MEMBERSHIP ||
               stream - STREAM_BTF_KIND <= STREAM_BTF_ORDER - STREAM_BTF_KIND;
}

static struct position first_stream(const struct multi_image *mi)
{
        return (struct position){
                .packed = mi->store + get_le32(mi->header->tables_size),
        };
}

int streams_open_late(struct unpacker *u, uint32_t first, uint32_t last)
{
        struct position p = first_stream(u->mi);
        int err;

        while (p.stream < first)
                skip_stream(u->mi, &p);
        while (p.stream <= last)
                if ((err = open_whole(u, &p, &u->streams[p.stream])))
                        return err;
        return MULTI_IMAGE_OK;
}

int streams_open(struct unpacker *u)
{
        const struct multi_image *mi = u->mi;
        struct position p = first_stream(mi);
        uint32_t i, n;
        int err;

        u->row = &mi->variants[u->variant];
        u->group_count = (mi->stream_count - STREAM_GROUP_FIRST) /
                         GROUP_STREAM_COUNT;
        u->groups = arena_take(&u->arena, u->group_count * sizeof(*u->groups));
        REQUIRE(u->groups, MULTI_IMAGE_NO_MEMORY);
        memset(u->groups, 0, u->group_count * sizeof(*u->groups));
        for (i = 0; i < STREAM_GROUP_FIRST; i++)
                if (is_late(i) && !u->all_groups)
                        skip_stream(mi, &p);
                else if ((err = open_whole(u, &p, &u->streams[i])))
                        return err;
        if ((err = read_memberships(u)))
                return err;
        for (i = 0; i < u->group_count; i++) {
                if (u->groups[i].is_used) {
                        if ((err = open_group(u, &p, &u->groups[i])))
                                return err;
                        continue;
                }
                for (n = 0; n < GROUP_STREAM_COUNT; n++)
                        skip_stream(mi, &p);
        }
        return MULTI_IMAGE_OK;
}

int bodies_open(struct unpacker *u)
{
        const struct format_stream *s = u->mi->streams + STREAM_GROUP_FIRST;
        bool has_history = u->mi->header->codec == CODEC_ZSTD;
        uint32_t g, i;

        for (g = 0; g < u->group_count; g++, s += GROUP_STREAM_COUNT) {
                if (!u->groups[g].is_used)
                        continue;
                for (i = 0; i < GROUP_BODY_COUNT; i++) {
                        struct body_stream *b = &u->groups[g].bodies[i];

                        uint32_t chunk = get_le32(
                                s[GROUP_BODY_FIRST + i].max_chunk);
                        uint32_t history = 0;

                        if (has_history && b->chunk_end - b->chunk > 1)
                                history = chunk;
                        b->buffer = arena_take(&u->arena, history + chunk + BODY_SLACK);
                        REQUIRE(b->buffer, MULTI_IMAGE_NO_MEMORY);
                        b->buffer += history;
                }
        }
        return MULTI_IMAGE_OK;
}

int body_refill(struct unpacker *u, struct body_stream *s)
{
        const struct format_chunk *c = &u->mi->chunks[s->chunk];
        int err;

        if (s->position != s->size || s->chunk == s->chunk_end)
                return MULTI_IMAGE_OK;
        if ((err = unpack_chunk(u, s->chunk, s->packed, s->buffer, s->size)))
                return err;
        s->packed += get_le32(c->packed_size);
        s->size = get_le32(c->raw_size);
        s->position = 0;
        s->chunk++;
        return MULTI_IMAGE_OK;
}

int body_take(struct unpacker *u, struct body_stream *s, size_t size,
              const uint8_t **ret_bytes)
{
        int err;

        if (size && (err = body_refill(u, s)))
                return err;
        REQUIRE(size <= s->size - s->position, MULTI_IMAGE_BAD_LAYOUT);
        *ret_bytes = s->buffer + s->position;
        s->position += size;
        return MULTI_IMAGE_OK;
}
