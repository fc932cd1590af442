/* SPDX-License-Identifier: MIT */
/*
 * Writes a store again with every chunk stored instead of compressed, so that
 * a fuzzer's changes reach what is behind the decoders.
 *
 *      store-plain MULTI-IMAGE STORE
 *
 * A chunk whose packed_size equals its raw_size is stored, whatever the codec.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multi-image/sha256.h"
#include "store.h"

static const struct codec *find_codec(unsigned id)
{
        for (size_t i = 0; multi_image_codecs[i]; i++)
                if (multi_image_codecs[i]->id == id)
                        return multi_image_codecs[i];
        errx(1, "codec %u is not linked", id);
}

int main(int argc, char **argv)
{
        struct store s;
        char *message = NULL;
        uint64_t raw_size = 0;

        if (argc != 3)
                errx(2, "usage: store-plain MULTI-IMAGE STORE");
        if (store_open(argv[1], &s, &message))
                errx(1, "%s", message);
        for (uint32_t i = 0; i < s.mi.chunk_count; i++)
                raw_size += get_le32(s.mi.chunks[i].raw_size);

        size_t tables_size = get_le32(s.mi.header->tables_size);
        size_t size = tables_size + raw_size;
        uint8_t *plain = calloc(1, size);
        if (!plain)
                err(1, "memory");
        memcpy(plain, s.mi.store, tables_size);

        struct multi_image_header *h = (void *)plain;
        struct format_chunk *chunks =
                (void *)(plain + ((const uint8_t *)s.mi.chunks - s.mi.store));
        const struct codec *codec = find_codec(h->codec);
        const uint8_t *in = s.mi.store + tables_size;
        uint8_t *out = plain + tables_size;
        /* As the reader has it: the chunk before stays where it was. */
        uint8_t *room = malloc(2 * MULTI_IMAGE_MAX_CHUNK);
        uint8_t *chunk = room + MULTI_IMAGE_MAX_CHUNK;
        if (!room)
                err(1, "memory");
        for (uint32_t i = 0, stream = 0, end = 0, history = 0;
             i < s.mi.chunk_count; i++) {
                for (; i == end; stream++, history = 0)
                        end += get_le32(s.mi.streams[stream].chunk_count);
                uint32_t packed = get_le32(chunks[i].packed_size);
                uint32_t raw = get_le32(chunks[i].raw_size);

                if (packed == raw)
                        memcpy(chunk, in, raw);
                else if (codec->decode(in, packed, chunk, raw, history))
                        errx(1, "%s: chunk %u is damaged", argv[1], i);
                memcpy(out, chunk, raw);
                history = raw;
                chunks[i].packed_size = chunks[i].raw_size;
                in += packed;
                out += raw;
        }

        struct sha256 sha;
        h->store_size = put_le64(size);
        sha256_init(&sha);
        sha256_update(&sha, plain + tables_size, raw_size);
        sha256_final(&sha, h->store_digest);
        memset(h->table_digest, 0, sizeof(h->table_digest));
        sha256_init(&sha);
        sha256_update(&sha, plain, tables_size);
        sha256_final(&sha, h->table_digest);

        FILE *f = fopen(argv[2], "wb");
        if (!f || fwrite(plain, 1, size, f) != size || fclose(f))
                err(1, "%s", argv[2]);
        free(room);
        free(plain);
        store_close(&s);
        return 0;
}
