/* SPDX-License-Identifier: MIT */
#include "exports.h"

#include <stdlib.h>
#include <string.h>

/* Bytes behind the start of one of the store's slots. */
struct slot_place {
        uint32_t slot, offset;
};

/* What one byte tells of a string. */
struct telling {
        uint32_t members;
        uint32_t tail;
        uint8_t table; /* enum export_table */
        struct slot_place value, space;
};

typedef VECTOR(struct telling) telling_list;

struct exports {
        const struct master *m;
        struct symbol_names *symbols;
        struct streams *streams;
        uint32_t *of_slot[MULTI_IMAGE_MAX_VARIANTS]; /* by a string's slot: an
                                                      * export of it, or NONE */
        uint32_t *next[MULTI_IMAGE_MAX_VARIANTS];    /* by export: likewise */
        bool any;                                    /* some variant has some */
        uint32_t next_symbol;    /* behind the last one that a string named */
        struct slot_place space; /* of the last export */
        uint32_t last_slot;      /* told as part of a place */
        telling_list tellings;   /* of the string at hand */
};

struct exports *exports_new(const struct master *m,
                            struct symbol_names *symbols,
                            struct streams *streams)
{
        struct exports *e = allocate(1, sizeof(*e));

        *e = (struct exports){ .m = m, .symbols = symbols, .streams = streams };
        for (uint32_t v = 0; v < m->variant_count; v++) {
                const struct variant *variant = &m->variants[v];
                size_t size = m->slot_count * sizeof(**e->of_slot);

                e->next[v] =
                        allocate(variant->exports.count, sizeof(**e->next));
                e->of_slot[v] = allocate(m->slot_count, sizeof(**e->of_slot));
                memset(e->of_slot[v], 0xff, size);
                for (uint32_t i = 0; i < variant->exports.count; i++) {
                        uint32_t string =
                                variant->exports.at[i].string.fragment;
                        uint32_t *first =
                                &e->of_slot[v]
                                           [variant->fragments.at[string].slot];

                        e->next[v][i] = *first;
                        *first = i;
                        e->any = true;
                }
        }
        return e;
}

void exports_free(struct exports *e)
{
        for (uint32_t v = 0; v < e->m->variant_count; v++) {
                free(e->of_slot[v]);
                free(e->next[v]);
        }
        free(e->tellings.at);
        free(e);
}

static struct bytes *out(struct exports *e, uint32_t stream)
{
        return &e->streams->at[stream].bytes;
}

static struct slot_place place_of(const struct exports *e, uint32_t slot,
                                  uint32_t offset)
{
        const struct master_slot *s = &e->m->slots[slot];

        return (struct slot_place){ s->index, s->offset + offset };
}

static struct slot_place fragment_place(const struct exports *e, uint32_t v,
                                        const struct fragment_place *p)
{
        return place_of(e, e->m->variants[v].fragments.at[p->fragment].slot,
                        p->offset);
}

static bool is_same(struct slot_place a, struct slot_place b)
{
        return a.slot == b.slot && a.offset == b.offset;
}

/* Adds one, as a member says it. */
static void add_telling(telling_list *list, const struct telling *t)
{
        for (size_t i = 0; i < list->count; i++) {
                struct telling *o = &list->at[i];

                if (o->tail == t->tail && o->table == t->table &&
                    is_same(o->value, t->value) &&
                    is_same(o->space, t->space)) {
                        o->members |= t->members;
                        return;
                }
        }
        *VECTOR_ADD(list) = *t;
}

/* What the members say of the string in slot. */
static void find_tellings(struct exports *e, uint32_t slot, uint32_t members)
{
        e->tellings.count = 0;
        for (uint32_t v = 0; v < e->m->variant_count; v++) {
                uint32_t i = members >> v & 1 ? e->of_slot[v][slot] : NONE;

                for (; i != NONE; i = e->next[v][i]) {
                        const struct export *x =
                                &e->m->variants[v].exports.at[i];
                        struct telling t = {
                                .members = 1u << v,
                                .tail = x->string.offset,
                                .table = x->table,
                                .value = fragment_place(e, v, &x->value),
                                .space = fragment_place(e, v, &x->space),
                        };

                        add_telling(&e->tellings, &t);
                }
        }
}

static void put_place(struct exports *e, struct slot_place p)
{
        put_signed(out(e, STREAM_EXPORT_PLACE),
                   (int32_t)(p.slot - e->last_slot));
        put_varint(out(e, STREAM_EXPORT_PLACE), p.offset);
        e->last_slot = p.slot;
}

static bool is_symbol_at(const struct exports *e, uint32_t symbol,
                         struct slot_place at)
{
        const struct master_symbol *y = &e->m->symbols.at[symbol];

        return is_same(place_of(e, y->slot, y->offset), at);
}

/* symbol: that the string was told by, or NONE. */
static void put_telling(struct exports *e, const struct telling *t,
                        uint32_t symbol, uint32_t members, bool is_last)
{
        uint8_t told = (uint8_t)(t->table + 1);

        if (t->tail || symbol == NONE || !is_symbol_at(e, symbol, t->value))
                told |= EXPORT_VALUE;
        if (!is_same(t->space, e->space))
                told |= EXPORT_SPACE;
        if (t->tail)
                told |= EXPORT_TAIL;
        if (t->members != members)
                told |= EXPORT_MEMBERS;
        if (!is_last)
                told |= EXPORT_MORE;
        put_byte(out(e, STREAM_EXPORT), told);
        if (told & EXPORT_TAIL)
                put_varint(out(e, STREAM_EXPORT_PLACE), t->tail);
        if (told & EXPORT_MEMBERS)
                put_varint(out(e, STREAM_EXPORT_PLACE), t->members);
        if (told & EXPORT_VALUE)
                put_place(e, t->value);
        if (told & EXPORT_SPACE)
                put_place(e, t->space);
        e->space = t->space;
}

/* The symbol of this name that is what is exported, or else any of this name. */
static uint32_t find_symbol(const struct exports *e, const char *text,
                            size_t size)
{
        uint32_t first = symbol_names_find(e->symbols, text, size);
        uint32_t i;

        for (i = first; i != NONE; i = symbol_names_next(e->symbols, i))
                for (size_t k = 0; k < e->tellings.count; k++)
                        if (!e->tellings.at[k].tail &&
                            is_symbol_at(e, i, e->tellings.at[k].value))
                                return i;
        return first;
}

/* One string and its NUL. */
static void put_string(struct exports *e, const uint8_t *bytes, uint32_t size,
                       uint32_t members)
{
        uint32_t symbol =
                size > 1 && !bytes[size - 1]
                        ? find_symbol(e, (const char *)bytes, size - 1)
                        : NONE;
        size_t i;

        if (symbol == NONE) {
                put_bytes(out(e, STREAM_STRING), bytes, size);
        } else {
                put_byte(out(e, STREAM_STRING), STRING_SYMBOL);
                put_signed(out(e, STREAM_STRING_SYMBOL),
                           (int32_t)(symbol - e->next_symbol));
                e->next_symbol = symbol + 1;
        }
        if (!e->any || bytes[size - 1])
                return;
        if (!e->tellings.count)
                put_byte(out(e, STREAM_EXPORT), 0);
        for (i = 0; i < e->tellings.count; i++)
                put_telling(e, &e->tellings.at[i], symbol, members,
                            i + 1 == e->tellings.count);
}

void exports_put(struct exports *e, const struct place *p,
                 const struct version *x)
{
        for (uint32_t i = 0; i < p->run; i++) {
                const struct fragment *f;
                uint32_t at, size;

                if (i)
                        x = &e->m->versions.at[p[i].version_first];
                f = &e->m->variants[x->variant].fragments.at[x->fragment];
                find_tellings(e, f->slot, x->membership);
                for (at = 0; at < f->size; at += size) {
                        size = string_size(f->bytes + at,
                                           (uint32_t)f->size - at);
                        put_string(e, f->bytes + at, size, x->membership);
                        e->tellings.count = 0; /* the rest is padding */
                }
        }
}
