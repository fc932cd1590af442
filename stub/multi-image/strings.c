/* SPDX-License-Identifier: MIT */
/*
 * Fills in the strings that are mostly names of symbols, as those of exported
 * ones are, when the names are at hand, which the store keeps once.
 *
 *      stream     01 01 "CRYPTO_INTERNAL\0" 01
 *      symbols    +812 +0 +3
 *      strings    "sha256_update\0" "sha256_final\0" "CRYPTO_INTERNAL\0" ...
 */
#include <string.h>

#include "exports.h"
#include "symbols.h"

/* Symbols' places, as they are told one after the other. */
struct places {
        struct reader slots, offsets;
        struct slot_place at;
};

static void next_place(struct places *p)
{
        uint32_t step = read_varint_fast(&p->slots); /* signed */

        p->at.slot += step >> 1 ^ -(step & 1);
        p->at.offset =
                (step ? 0 : p->at.offset) + read_varint_fast(&p->offsets);
}

int names_find(struct unpacker *u)
{
        const struct reader *members = &u->streams[STREAM_SYMBOL_MEMBERSHIP];
        struct reader r = u->streams[STREAM_SYMBOL_NAME];
        struct places places = { .slots = u->streams[STREAM_SYMBOL_SLOT],
                                 .offsets = u->streams[STREAM_SYMBOL_OFFSET] };
        /* each symbol has a byte there, or more */
        size_t max = (size_t)(members->end - members->at);

        u->names = arena_take(&u->arena, max * (uint64_t)sizeof(*u->names));
        REQUIRE(u->names, MULTI_IMAGE_NO_MEMORY);
        while (r.at < r.end) {
                uint32_t size = name_size(r.at);

                REQUIRE(u->name_count < max && size < (size_t)(r.end - r.at),
                        MULTI_IMAGE_BAD_DERIVED);
                next_place(&places);
                /* the type is no part of it */
                u->names[u->name_count++] =
                        (struct symbol_name){ r.at + !!size, size + !size,
                                              places.at };
                r.at += size + 1;
        }
        REQUIRE(reader_done(&places.slots) && reader_done(&places.offsets),
                MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

int string_next(struct string_reader *s, const struct unpacker *u,
                struct string_piece *ret)
{
        *ret = (struct string_piece){ .byte = read_byte(s->text), .size = 1 };
        ret->text = &ret->byte;
        if (ret->byte == STRING_SYMBOL) {
                s->symbol += (uint32_t)read_signed(s->symbols);
                REQUIRE(s->symbol < u->name_count, MULTI_IMAGE_BAD_DERIVED);
                ret->symbol = &u->names[s->symbol++];
                ret->text = ret->symbol->text;
                ret->size = ret->symbol->size;
        }
        REQUIRE(reader_ok(s->text), MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

/* Entries of strings, as they are come by. */
struct writer {
        struct unpacker *u;
        struct string_reader strings;
        struct exports exports;
};

/* An entry's bytes; out: NULL if this variant does not hold them. */
static int put_entry(struct writer *w, uint8_t *out, uint32_t addr,
                     uint32_t size)
{
        uint32_t done = 0, start = 0; /* of the string that done is in */
        struct string_piece piece;
        int err;

        for (; done < size; done += piece.size) {
                if ((err = string_next(&w->strings, w->u, &piece)))
                        return err;
                REQUIRE(piece.size <= size - done, MULTI_IMAGE_BAD_DERIVED);
                if (out)
                        memcpy(out + done, piece.text, piece.size);
                if (piece.text[piece.size - 1])
                        continue;
                /* a name told by its symbol is the whole string, or none's */
                err = export_take(w->u, &w->exports,
                                  start == done ? piece.symbol : NULL,
                                  out ? out + start : NULL, addr + start,
                                  done + piece.size - start);
                if (err)
                        return err;
                start = done + piece.size;
        }
        return MULTI_IMAGE_OK;
}

int strings_derive(struct unpacker *u)
{
        struct reader op = u->streams[STREAM_OP];
        struct reader membership = u->streams[STREAM_MEMBERSHIP];
        struct reader sizes = u->streams[STREAM_SIZE];
        struct writer w = { .u = u,
                            .strings = { &u->streams[STREAM_STRING],
                                         &u->streams[STREAM_STRING_SYMBOL],
                                         0 } };
        uint8_t *out = u->compact;
        uint32_t i, n;
        int err = exports_open(u, &w.exports);

        if (err)
                return err;
        for (i = 0; i < u->section_count; i++) {
                const struct section *s = &u->sections[i];
                uint32_t addr = (uint32_t)s->addr;

                for (n = s->entry_count; n; n--) {
                        uint8_t kind = read_byte(&op) & ENTRY_KIND;
                        uint32_t m = read_varint(&membership);
                        uint32_t size = read_varint(&sizes);
                        bool is_member = u->memberships[m].is_member;

                        if (kind == ENTRY_STRINGS &&
                            (err = put_entry(&w, is_member ? out : NULL, addr,
                                             size)))
                                return err;
                        if (!is_member)
                                continue;
                        if (kind == ENTRY_FOLD)
                                size *= PAGE;
                        else if (s->part == PART_PAYLOAD)
                                out += size;
                        addr += size;
                }
        }
        REQUIRE(reader_done(w.strings.text) && reader_done(w.strings.symbols),
                MULTI_IMAGE_BAD_DERIVED);
        return exports_derive(u, &w.exports);
}
