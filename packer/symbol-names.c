/* SPDX-License-Identifier: MIT */
#include "symbol-names.h"

#include <stdlib.h>
#include <string.h>

struct symbol_names {
        struct interner *numbers;
        VECTOR(uint32_t) symbols; /* by number: the first of that name */
        uint32_t *next;           /* by symbol: another of its name, or NONE */
};

struct symbol_names *symbol_names_new(const struct master *m,
                                      const struct interner *names)
{
        struct symbol_names *s = allocate(1, sizeof(*s));
        uint32_t *last = allocate(m->symbols.count, sizeof(*last));

        s->numbers = interner_new();
        s->next = allocate(m->symbols.count, sizeof(*s->next));
        for (uint32_t i = 0; i < m->symbols.count; i++) {
                size_t size;
                const char *name =
                        interned(names, m->symbols.at[i].name, &size);
                uint32_t number = intern(s->numbers, name + 1, size - 1);

                if (number == s->symbols.count)
                        *VECTOR_ADD(&s->symbols) = i;
                else
                        s->next[last[number]] = i;
                s->next[i] = NONE;
                last[number] = i;
        }
        free(last);
        return s;
}

void symbol_names_free(struct symbol_names *s)
{
        interner_free(s->numbers);
        free(s->symbols.at);
        free(s->next);
        free(s);
}

uint32_t symbol_names_find(struct symbol_names *s, const char *text,
                           size_t size)
{
        uint32_t number = intern(s->numbers, text, size);

        return number < s->symbols.count ? s->symbols.at[number] : NONE;
}

uint32_t symbol_names_next(const struct symbol_names *s, uint32_t symbol)
{
        return s->next[symbol];
}

uint32_t string_size(const uint8_t *bytes, uint32_t size)
{
        const uint8_t *end = memchr(bytes, 0, size);

        return end ? (uint32_t)(end - bytes) + 1 : size;
}

bool strings_are_names(struct symbol_names *s, const uint8_t *bytes,
                       uint32_t size)
{
        uint32_t named = 0, at, n;

        if (!s->symbols.count || memchr(bytes, STRING_SYMBOL, size))
                return false;
        for (at = 0; at < size; at += n) {
                n = string_size(bytes + at, size - at);
                if (n > 1 && !bytes[at + n - 1] &&
                    symbol_names_find(s, (const char *)bytes + at, n - 1) !=
                            NONE)
                        named += n;
        }
        return named > size / 2;
}
