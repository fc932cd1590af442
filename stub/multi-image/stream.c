/* SPDX-License-Identifier: MIT */
/*
 * Streams: the small ones are unpacked as a whole into the arena, those of
 * bodies chunk by chunk into one buffer each, so that a rebuild never holds
 * more than a chunk of bodies beside the image.
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

static int unpack_chunk(const struct unpacker *u, uint32_t index,
                        const uint8_t *packed, uint8_t *out)
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
                                                raw_size);
        return MULTI_IMAGE_UNKNOWN_CODEC;
}

int streams_open(struct unpacker *u)
{
        const struct multi_image *mi = u->mi;
        const uint8_t *packed = mi->store + get_le32(mi->header->tables_size);
        uint32_t chunk = 0;
        uint32_t i;
        int err;

        for (i = 0; i < STREAM_COUNT; i++) {
                const struct format_stream *s = &mi->streams[i];
                uint32_t chunk_end = chunk + get_le32(s->chunk_count);
                uint8_t *out;

                if (i >= STREAM_BODY_FIRST) {
                        u->bodies[i - STREAM_BODY_FIRST] = (struct body_stream){
                                .chunk = chunk,
                                .chunk_end = chunk_end,
                                .packed = packed,
                        };
                        for (; chunk < chunk_end; chunk++)
                                packed += get_le32(mi->chunks[chunk].packed_size);
                        continue;
                }
                out = arena_take(&u->arena, get_le64(s->raw_size));
                REQUIRE(out, MULTI_IMAGE_NO_MEMORY);
                u->streams[i] = (struct reader){ out,
                                                 out + get_le64(s->raw_size) };
                for (; chunk < chunk_end; chunk++) {
                        if ((err = unpack_chunk(u, chunk, packed, out)))
                                return err;
                        packed += get_le32(mi->chunks[chunk].packed_size);
                        out += get_le32(mi->chunks[chunk].raw_size);
                }
        }
        return MULTI_IMAGE_OK;
}

int bodies_open(struct unpacker *u)
{
        uint32_t i;

        for (i = 0; i < STREAM_BODY_COUNT; i++) {
                uint32_t size = get_le32(
                        u->mi->streams[STREAM_BODY_FIRST + i].max_chunk);

                u->bodies[i].buffer = arena_take(&u->arena, size);
                REQUIRE(u->bodies[i].buffer, MULTI_IMAGE_NO_MEMORY);
        }
        return MULTI_IMAGE_OK;
}

int body_take(struct unpacker *u, struct body_stream *s, size_t size,
              const uint8_t **ret_bytes)
{
        int err;

        if (s->position == s->size && size) {
                const struct format_chunk *c = &u->mi->chunks[s->chunk];

                REQUIRE(s->chunk < s->chunk_end, MULTI_IMAGE_BAD_LAYOUT);
                if ((err = unpack_chunk(u, s->chunk, s->packed, s->buffer)))
                        return err;
                s->packed += get_le32(c->packed_size);
                s->size = get_le32(c->raw_size);
                s->position = 0;
                s->chunk++;
        }
        REQUIRE(size <= s->size - s->position, MULTI_IMAGE_BAD_LAYOUT);
        *ret_bytes = s->buffer + s->position;
        s->position += size;
        return MULTI_IMAGE_OK;
}
