/* SPDX-License-Identifier: MIT */
/*
 * Fills in the strings that are mostly names of symbols, as those of exported
 * ones are: when the names are at hand, which the store keeps once.
 *
 *      stream     01 01 "CRYPTO_INTERNAL\0" 01
 *      symbols    +812 +0 +3
 *      strings    "sha256_update\0" "sha256_final\0" "CRYPTO_INTERNAL\0" ...
 */
#include <string.h>

#include "unpack.h"

int names_find(struct unpacker *u)
{
        struct reader r = u->streams[STREAM_SYMBOL_NAME];
        const uint8_t *at, *start = r.at;
        uint32_t count = 0;

        for (at = r.at; at < r.end; at++)
                count += !*at;
        u->names = arena_take(&u->arena, count * (uint64_t)sizeof(*u->names));
        REQUIRE(u->names, MULTI_IMAGE_NO_MEMORY);
        u->name_count = count;
        for (count = 0, at = r.at; at < r.end; at++)
                if (!*at) {
                        /* the type is no part of it */
                        u->names[count++] = start + (start < at);
                        start = at + 1;
                }
        return MULTI_IMAGE_OK;
}

/* An entry's bytes; out: NULL if this variant does not hold them. */
static int put_entry(struct unpacker *u, uint32_t *symbol, uint8_t *out,
                     uint32_t size)
{
        struct reader *text = &u->streams[STREAM_STRING];
        struct reader *symbols = &u->streams[STREAM_STRING_SYMBOL];
        uint32_t done = 0, n;

        for (; done < size; done += n) {
                uint8_t byte = read_byte(text);
                const uint8_t *from = &byte;

                n = 1;
                if (byte == STRING_SYMBOL) {
                        *symbol += (uint32_t)read_signed(symbols);
                        REQUIRE(*symbol < u->name_count,
                                MULTI_IMAGE_BAD_DERIVED);
                        from = u->names[(*symbol)++];
                        while (from[n - 1])
                                n++;
                }
                REQUIRE(reader_ok(text) && n <= size - done,
                        MULTI_IMAGE_BAD_DERIVED);
                if (out)
                        memcpy(out + done, from, n);
        }
        return MULTI_IMAGE_OK;
}

int strings_derive(struct unpacker *u)
{
        struct reader op = u->streams[STREAM_OP];
        struct reader membership = u->streams[STREAM_MEMBERSHIP];
        struct reader sizes = u->streams[STREAM_SIZE];
        uint8_t *out = u->compact;
        uint32_t symbol = 0, i, n;
        int err;

        for (i = 0; i < u->section_count; i++)
                for (n = u->sections[i].entry_count; n; n--) {
                        uint8_t kind = read_byte(&op) & ENTRY_KIND;
                        uint32_t m = read_varint(&membership);
                        uint32_t size = read_varint(&sizes);
                        bool is_member = u->memberships[m].is_member;

                        if (kind == ENTRY_STRINGS &&
                            (err = put_entry(u, &symbol, is_member ? out : NULL,
                                             size)))
                                return err;
                        if (is_member && u->sections[i].part == PART_PAYLOAD &&
                            kind != ENTRY_FOLD)
                                out += size;
                }
        REQUIRE(reader_done(&u->streams[STREAM_STRING]) &&
                        reader_done(&u->streams[STREAM_STRING_SYMBOL]),
                MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}
