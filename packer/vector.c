/* SPDX-License-Identifier: MIT */
/*
 * Growing arrays, byte streams, and an interner: what C leaves to the program.
 */
#include "vector.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
        if (!p) {
                fputs("ingot: out of memory\n", stderr);
                exit(4);
        }
        return p;
}

void *allocate(size_t count, size_t item_size)
{
        return check(calloc(count ? count : 1, item_size));
}

void vector_reserve(void **at, size_t count, size_t *room, size_t item_size,
                    size_t more)
{
        /* Even for nothing there is a place: memset() and qsort() want one. */
        if (*at && *room - count >= more)
                return;
        *room = *room * 2 > count + more ? *room * 2 : count + more + 16;
        *at = check(realloc(*at, *room * item_size));
}

void put_byte(struct bytes *b, uint8_t byte)
{
        *VECTOR_ADD(b) = byte;
}

void put_bytes(struct bytes *b, const void *bytes, size_t size)
{
        if (!size)
                return;
        VECTOR_RESERVE(b, size);
        memcpy(b->at + b->count, bytes, size);
        b->count += size;
}

void put_varint(struct bytes *b, uint32_t n)
{
        for (; n >= 0x80; n >>= 7)
                put_byte(b, (uint8_t)(n | 0x80));
        put_byte(b, (uint8_t)n);
}

void put_signed(struct bytes *b, int32_t n)
{
        put_varint(b, (uint32_t)n << 1 ^ (uint32_t)(n >> 31));
}

struct item {
        const char *text; /* in a block; stays where it is */
        uint32_t size, hash;
};

#define BLOCK_SIZE (1u << 20)

/* Texts never move: callers keep pointers to them. */
struct block {
        struct block *next;
        size_t used, size;
        char text[];
};

struct interner {
        VECTOR(struct item) items;
        struct block *blocks; /* the first one has room */
        uint32_t *table;      /* item + 1; 0 empty */
        uint32_t mask;
};

struct interner *interner_new(void)
{
        struct interner *i = allocate(1, sizeof(*i));

        i->mask = 65535;
        i->table = allocate(i->mask + 1, sizeof(*i->table));
        return i;
}

void interner_free(struct interner *i)
{
        while (i->blocks) {
                struct block *next = i->blocks->next;

                free(i->blocks);
                i->blocks = next;
        }
        free(i->items.at);
        free(i->table);
        free(i);
}

static void grow(struct interner *i)
{
        uint32_t n, at;

        free(i->table);
        i->mask = i->mask * 2 + 1;
        i->table = allocate((size_t)i->mask + 1, sizeof(*i->table));
        for (n = 0; n < i->items.count; n++) {
                for (at = i->items.at[n].hash & i->mask; i->table[at];)
                        at = (at + 1) & i->mask;
                i->table[at] = n + 1;
        }
}

/* A NUL-terminated copy. */
static const char *keep(struct interner *i, const void *bytes, size_t size)
{
        struct block *b = i->blocks;
        char *text;

        if (!b || b->size - b->used < size + 1) {
                size_t room = size + 1 > BLOCK_SIZE ? size + 1 : BLOCK_SIZE;

                b = allocate(1, sizeof(*b) + room);
                b->size = room;
                b->next = i->blocks;
                i->blocks = b;
        }
        text = b->text + b->used;
        memcpy(text, bytes, size);
        text[size] = '\0';
        b->used += size + 1;
        return text;
}

uint32_t intern(struct interner *i, const void *bytes, size_t size)
{
        const uint8_t *p = bytes;
        uint32_t hash = 2166136261u; /* FNV-1a */
        uint32_t at;
        size_t n;

        for (n = 0; n < size; n++)
                hash = (hash ^ p[n]) * 16777619u;
        hash ^= hash >> 15;
        for (at = hash & i->mask; i->table[at]; at = (at + 1) & i->mask) {
                uint32_t item = i->table[at] - 1;

                if (i->items.at[item].hash == hash &&
                    i->items.at[item].size == size &&
                    memcmp(i->items.at[item].text, bytes, size) == 0)
                        return item;
        }
        *VECTOR_ADD(&i->items) =
                (struct item){ keep(i, bytes, size), (uint32_t)size, hash };
        i->table[at] = (uint32_t)i->items.count;
        if (i->items.count > i->mask / 2)
                grow(i);
        return (uint32_t)i->items.count - 1;
}

uint32_t intern_format(struct interner *i, const char *format, ...)
{
        char text[1024];
        va_list args;
        int size;

        va_start(args, format);
        size = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return intern(i, text,
                      (size_t)size < sizeof(text) ? (size_t)size
                                                  : sizeof(text) - 1);
}

const char *interned(const struct interner *i, uint32_t number,
                     size_t *ret_size)
{
        if (ret_size)
                *ret_size = i->items.at[number].size;
        return i->items.at[number].text;
}
