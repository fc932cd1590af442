/* SPDX-License-Identifier: MIT */
#include "symbol-names.h"

#include <stdlib.h>
#include <string.h>

struct symbol_names {
        struct interner *numbers;
        VECTOR(uint32_t) symbols; /* by number: the first of that name */
};

struct symbol_names *symbol_names_new(const struct master *m,
                                      const struct interner *names)
{
        struct symbol_names *s = allocate(1, sizeof(*s));

        s->numbers = interner_new();
        for (uint32_t i = 0; i < m->symbols.count; i++) {
                size_t size;
                const char *name =
                        interned(names, m->symbols.at[i].name, &size);

                if (intern(s->numbers, name + 1, size - 1) == s->symbols.count)
                        *VECTOR_ADD(&s->symbols) = i;
        }
        return s;
}

void symbol_names_free(struct symbol_names *s)
{
        interner_free(s->numbers);
        free(s->symbols.at);
        free(s);
}

uint32_t symbol_names_find(struct symbol_names *s, const char *text,
                           size_t size)
{
        uint32_t number = intern(s->numbers, text, size);

        return number < s->symbols.count ? s->symbols.at[number] : NONE;
}

/* Bytes up to the next NUL, that included, or to the end. */
static uint32_t piece_size(const uint8_t *bytes, uint32_t size)
{
        const uint8_t *end = memchr(bytes, 0, size);

        return end ? (uint32_t)(end - bytes) + 1 : size;
}

/* The symbol that a piece is the name of. */
static uint32_t find_name(struct symbol_names *s, const uint8_t *piece,
                          uint32_t size)
{
        return size > 1 && !piece[size - 1]
                       ? symbol_names_find(s, (const char *)piece, size - 1)
                       : NONE;
}

bool strings_are_names(struct symbol_names *s, const uint8_t *bytes,
                       uint32_t size)
{
        uint32_t named = 0, at, n;

        if (!s->symbols.count || memchr(bytes, STRING_SYMBOL, size))
                return false;
        for (at = 0; at < size; at += n) {
                n = piece_size(bytes + at, size - at);
                if (find_name(s, bytes + at, n) != NONE)
                        named += n;
        }
        return named > size / 2;
}

void strings_put(struct symbol_names *s, struct streams *streams,
                 uint32_t *next, const uint8_t *bytes, uint32_t size)
{
        struct bytes *text = &streams->at[STREAM_STRING].bytes;
        uint32_t at, n;

        for (at = 0; at < size; at += n) {
                uint32_t symbol;

                n = piece_size(bytes + at, size - at);
                symbol = find_name(s, bytes + at, n);
                if (symbol == NONE) {
                        put_bytes(text, bytes + at, n);
                        continue;
                }
                put_byte(text, STRING_SYMBOL);
                put_signed(&streams->at[STREAM_STRING_SYMBOL].bytes,
                           (int32_t)(symbol - *next));
                *next = symbol + 1;
        }
}
