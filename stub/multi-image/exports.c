/* SPDX-License-Identifier: MIT */
/*
 * Derives __ksymtab and __ksymtab_gpl: of each exported symbol the distances to it,
 * to its name, and to the name of its namespace, in the order of the names.
 *
 * The store tells of each string of which table's symbol it is the name; where the
 * symbol is follows from the name, where kallsyms has it.
 */
#include <string.h>

#include "exports.h"
#include "symbols.h"

static struct slot_place read_place(struct export_reader *r)
{
        struct slot_place p;

        p.slot = r->slot += (uint32_t)read_signed(r->places);
        p.offset = read_varint(r->places);
        return p;
}

int export_next(struct export_reader *r, const struct symbol_name *symbol,
                struct export_telling *ret)
{
        uint8_t told = read_byte(r->told);

        REQUIRE(reader_ok(r->told) && told < EXPORT_END &&
                        (told & EXPORT_TABLE) <= EXPORT_TABLE_COUNT &&
                        (told & EXPORT_TABLE || !told),
                MULTI_IMAGE_BAD_DERIVED);
        *ret = (struct export_telling){ .told = told, .members = UINT32_MAX };
        if (!told)
                return MULTI_IMAGE_OK;
        if (told & EXPORT_TAIL)
                ret->tail = read_varint(r->places);
        if (told & EXPORT_MEMBERS)
                ret->members = read_varint(r->places);
        REQUIRE(symbol || told & EXPORT_VALUE, MULTI_IMAGE_BAD_DERIVED);
        ret->value = told & EXPORT_VALUE ? read_place(r) : symbol->at;
        if (told & EXPORT_SPACE)
                r->space = read_place(r);
        ret->space = r->space;
        REQUIRE(reader_ok(r->places), MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

int exports_open(struct unpacker *u, struct exports *ret)
{
        uint64_t max = (u->derived[ENTRY_EXPORTS + EXPORT_ANY].size +
                        u->derived[ENTRY_EXPORTS + EXPORT_GPL].size) /
                       EXPORT_RECORD_SIZE;

        *ret = (struct exports){
                .reader = { .told = &u->streams[STREAM_EXPORT],
                            .places = &u->streams[STREAM_EXPORT_PLACE] },
                .is_told = !reader_done(&u->streams[STREAM_EXPORT]),
                .max = (uint32_t)max,
                .at = arena_take(&u->arena, max * sizeof(*ret->at)),
                .names = arena_take(&u->arena, max * sizeof(*ret->names)),
        };
        REQUIRE(ret->at && ret->names, MULTI_IMAGE_NO_MEMORY);
        return MULTI_IMAGE_OK;
}

static int add(struct unpacker *u, struct exports *e,
               const struct export_telling *t, const uint8_t *text,
               uint32_t addr)
{
        struct symbol *name = &e->names[e->count];
        unsigned i;

        text += t->tail;
        REQUIRE(e->count < e->max && text > u->compact,
                MULTI_IMAGE_BAD_DERIVED);
        e->at[e->count] = (struct export){ t->value, t->space, addr + t->tail,
                                           (t->told & EXPORT_TABLE) - 1 };
        /* as names of symbols are, which have a type in front */
        *name = (struct symbol){ .name = (uint32_t)(text - u->compact) - 1,
                                 .sequence = e->count++ };
        for (i = 0; i < 8; i++) {
                name->key = name->key << 8 | *text;
                text += *text != 0;
        }
        return MULTI_IMAGE_OK;
}

int export_take(struct unpacker *u, struct exports *e,
                const struct symbol_name *symbol, const uint8_t *text,
                uint32_t addr, uint32_t size)
{
        struct export_telling t;
        int err;

        if (!e->is_told)
                return MULTI_IMAGE_OK;
        do {
                if ((err = export_next(&e->reader, symbol, &t)))
                        return err;
                REQUIRE(t.tail < size, MULTI_IMAGE_BAD_DERIVED);
                if (t.told && text && t.members >> u->variant & 1 &&
                    (err = add(u, e, &t, text, addr)))
                        return err;
        } while (t.told & EXPORT_MORE);
        return MULTI_IMAGE_OK;
}

/* ---- the tables --------------------------------------------------------- */

static int find_addr(const struct unpacker *u, struct slot_place p,
                     uint32_t *ret)
{
        REQUIRE(p.slot < u->slot_count && u->slots[p.slot].addr != SLOT_ABSENT,
                MULTI_IMAGE_BAD_DERIVED);
        *ret = u->slots[p.slot].addr + p.offset;
        return MULTI_IMAGE_OK;
}

/* The list of inverse fields while those of records come in between, which are in
 * ascending order like it. */
struct insertion {
        le32 *in, *end, *out;
};

static void insertion_open(struct unpacker *u, struct insertion *i)
{
        uint8_t *start = u->compact + u->derived[ENTRY_SLIDE].offset +
                         (2 + get_le32(u->row->slide_count[0])) * sizeof(le32);
        size_t size = (size_t)(u->slide[SLIDE_INVERSE] - start);
        uint8_t *end = u->slide_end[SLIDE_INVERSE];

        memmove(end - size, start, size);
        *i = (struct insertion){ .in = (le32 *)(end - size),
                                 .end = (le32 *)end,
                                 .out = (le32 *)start };
        u->slide[SLIDE_INVERSE] = end;
}

static int insert(struct insertion *i, uint32_t addr)
{
        REQUIRE(i->out != i->in, MULTI_IMAGE_BAD_DERIVED);
        while (i->in != i->end && get_le32(*i->in) < addr)
                *i->out++ = *i->in++;
        *i->out++ = put_le32(addr);
        return MULTI_IMAGE_OK;
}

static int put_record(struct unpacker *u, const struct export *x, uint8_t *out,
                      uint32_t addr, struct insertion *inverse)
{
        uint32_t targets[3] = { 0, x->string, 0 };
        le32 fields[3];
        uint32_t i;
        int err;

        if ((err = find_addr(u, x->value, &targets[0])) ||
            (err = find_addr(u, x->space, &targets[2])))
                return err;
        for (i = 0; i < 3; i++)
                fields[i] = put_le32(targets[i] - addr - 4 * i);
        memcpy(out, fields, sizeof(fields));
        return inverse->end && x->value.slot - u->percpu_first < u->percpu_count
                       ? insert(inverse, addr)
                       : MULTI_IMAGE_OK;
}

static int put_table(struct unpacker *u, const struct exports *e, uint8_t table,
                     struct insertion *inverse)
{
        const struct derived *d = &u->derived[ENTRY_EXPORTS + table];
        uint64_t done = 0;
        uint32_t i;
        int err;

        for (i = 0; i < e->count; i++) {
                const struct export *x = &e->at[e->names[i].sequence];

                if (x->table != table)
                        continue;
                REQUIRE(d->size - done >= EXPORT_RECORD_SIZE,
                        MULTI_IMAGE_BAD_DERIVED);
                err = put_record(u, x, u->compact + d->offset + done,
                                 (uint32_t)(d->addr + done), inverse);
                if (err)
                        return err;
                done += EXPORT_RECORD_SIZE;
        }
        REQUIRE(done == d->size, MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

int exports_derive(struct unpacker *u, struct exports *e)
{
        struct symbol *spare =
                arena_take(&u->arena, e->max * (uint64_t)sizeof(*spare));
        struct insertion inverse = { 0 };
        uint8_t table;
        int err;

        REQUIRE(spare, MULTI_IMAGE_NO_MEMORY);
        e->names = symbols_sort(e->names, spare, e->count, u->compact);
        if (u->derived[ENTRY_SLIDE].size)
                insertion_open(u, &inverse);
        for (table = 0; table < EXPORT_TABLE_COUNT; table++)
                if ((err = put_table(u, e, table, &inverse)))
                        return err;
        /* as many came in between as there was room for */
        REQUIRE(inverse.in == inverse.out && reader_done(e->reader.told) &&
                        reader_done(e->reader.places),
                MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}
