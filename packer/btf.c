/* SPDX-License-Identifier: MIT */
/*
 * Writes the variants' BTF as one pool: each type once, under a number that all
 * variants share, and for each variant the order of its types.
 *
 * Types are matched by key.  Where two variants' differ (a structure with
 * another member), the pool has a record of each, of one type: what refers to it
 * stays the same.
 *
 *      pool     1 int   2 foo {a}   2 foo {a, b}   3 *foo
 *      native   1 int   2 foo {a}   3 *foo             runs 0+2, 1+1
 *      xen      1 *foo  2 int       3 foo {a, b}       runs 3+1, -4+1, 1+1
 */
#include "btf.h"

#include <stdlib.h>
#include <string.h>

struct pool {
        const struct master *m;
        const struct interner *names;
        struct streams *streams;
        struct interner *keys;  /* of types: le32; the number is the index + 1 */
        struct interner *strings; /* interned name, le32: likewise */
        struct symbol_names *symbols;
        uint32_t next_symbol;   /* behind the last one named */
        uint32_t *types[MULTI_IMAGE_MAX_VARIANTS];   /* by the pool's type: the
                                                      * variant's, or NONE */
        uint32_t *numbers[MULTI_IMAGE_MAX_VARIANTS]; /* by the variant's type:
                                                      * the pool's */
        uint32_t *records[MULTI_IMAGE_MAX_VARIANTS]; /* likewise: its record */
        uint32_t type_count, record_count, string_count;
};

static struct bytes *out(struct pool *p, uint32_t id)
{
        return &p->streams->at[id].bytes;
}

static const struct btf *btf_of(const struct pool *p, uint32_t v)
{
        return &p->m->variants[v].btf;
}

static uint32_t load_word(const struct btf *b, const struct btf_type *t,
                          uint32_t i)
{
        le32 word;

        memcpy(&word, b->words + 4 * (t->start + i), sizeof(word));
        return get_le32(word);
}

/* Word i of a type, with names and types by what is the same in all variants. */
static uint32_t shared_word(const struct pool *p, uint32_t v, uint32_t type,
                            uint32_t i)
{
        const struct btf *b = btf_of(p, v);
        const struct btf_type *t = &b->types.at[type];
        uint32_t n = load_word(b, t, i);

        switch (n ? btf_word(t->kind, i) : BTF_NUMBER) {
        case BTF_NAME: /* an interned one may have number 0 */
                return b->strings.at[btf_string(b, n)].name + 1;
        case BTF_TYPE:
        case BTF_NEAR:
                return p->numbers[v][n - 1];
        default:
                return n;
        }
}

static void number_types(struct pool *p)
{
        uint32_t count = 0;
        uint32_t v, i;

        for (v = 0; v < p->m->variant_count; v++) {
                const struct btf *b = btf_of(p, v);

                p->numbers[v] = allocate(b->types.count, sizeof(uint32_t));
                p->records[v] = allocate(b->types.count, sizeof(uint32_t));
                for (i = 0; i < b->types.count; i++) {
                        le32 key = put_le32(b->types.at[i].key);

                        p->numbers[v][i] = intern(p->keys, &key, sizeof(key)) + 1;
                        if (p->numbers[v][i] > count)
                                count = p->numbers[v][i];
                }
        }
        for (v = 0; v < p->m->variant_count; v++) {
                p->types[v] = allocate(count + 1, sizeof(uint32_t));
                memset(p->types[v], 0xff, (count + 1) * sizeof(uint32_t));
                for (i = 0; i < btf_of(p, v)->types.count; i++)
                        p->types[v][p->numbers[v][i]] = i;
        }
        p->type_count = count;
}

static bool is_equal(const struct pool *p, uint32_t v, uint32_t type, uint32_t w,
                     uint32_t other)
{
        uint32_t size = btf_of(p, v)->types.at[type].size;
        uint32_t i;

        if (btf_of(p, w)->types.at[other].size != size)
                return false;
        for (i = 0; i < size; i++)
                if (shared_word(p, v, type, i) != shared_word(p, w, other, i))
                        return false;
        return true;
}

/* The number of a string, by its interned name. */
static uint32_t number_string(struct pool *p, uint32_t name, bool *ret_is_new)
{
        le32 key = put_le32(name);
        uint32_t count = p->string_count;
        uint32_t n = intern(p->strings, &key, sizeof(key)) + 1;
        const char *text;
        size_t size;
        uint32_t symbol;

        *ret_is_new = n > count;
        if (!*ret_is_new)
                return n;
        p->string_count++;
        text = interned(p->names, name, &size);
        symbol = symbol_names_find(p->symbols, text, size);
        if (symbol != NONE) { /* need not be told again */
                put_byte(out(p, STREAM_BTF_STRING), 0);
                put_signed(out(p, STREAM_BTF_SYMBOL),
                           (int32_t)(symbol - p->next_symbol));
                p->next_symbol = symbol + 1;
        } else {
                put_bytes(out(p, STREAM_BTF_STRING), text, size + 1);
        }
        return n;
}

static void put_name(struct pool *p, uint32_t name, struct bytes *to)
{
        bool is_new;
        uint32_t n;

        if (!name) {
                put_varint(to, 0);
                return;
        }
        n = number_string(p, name - 1, &is_new);
        put_varint(to, is_new ? 1 : n + 1);
}

static void put_record(struct pool *p, uint32_t v, uint32_t type, bool is_version)
{
        const struct btf *b = btf_of(p, v);
        const struct btf_type *t = &b->types.at[type];
        const struct btf_kind *k = &btf_kinds[t->kind];
        uint32_t info = load_word(b, t, 1);
        uint32_t first = BTF_RECORD_WORDS + k->fixed_count; /* of members */
        uint32_t i, n;

        put_byte(out(p, STREAM_BTF_KIND),
                 (uint8_t)(t->kind | (info >> 24 & BTF_FLAG) |
                           (is_version ? BTF_VERSION : 0)));
        if (btf_has_count(t->kind))
                put_varint(out(p, STREAM_BTF_COUNT), info & BTF_MAX_MEMBERS);
        for (i = 0; i < t->size; i++) {
                bool is_member = i >= first;

                if (i == 1)
                        continue;
                n = shared_word(p, v, type, i);
                switch (btf_word(t->kind, i)) {
                case BTF_NAME:
                        put_name(p, n,
                                 out(p, is_member ? STREAM_BTF_MEMBER_NAME :
                                                    STREAM_BTF_NAME));
                        break;
                case BTF_TYPE:
                        put_varint(out(p, STREAM_BTF_TYPE), n);
                        break;
                case BTF_NEAR: {
                        int32_t d = (int32_t)(p->numbers[v][type] - n);

                        put_varint(out(p, STREAM_BTF_NEAR),
                                   n ? ((uint32_t)d << 1 ^ (uint32_t)(d >> 31)) +
                                                1 :
                                       0);
                        break;
                }
                default:
                        if (!is_member)
                                put_varint(out(p, STREAM_BTF_NUMBER), n);
                        else
                                put_signed(out(p, STREAM_BTF_MEMBER_NUMBER),
                                           (int32_t)(n -
                                           (i < first + k->member_count ?
                                                    0 :
                                                    load_word(b, t,
                                                              i - k->member_count))));
                }
        }
}

/* The pool's type in all variants: a record for each content. */
static void put_type(struct pool *p, uint32_t number)
{
        uint32_t count = p->m->variant_count;
        uint32_t first = p->record_count;
        uint32_t v, w;

        for (v = 0; v < count; v++) {
                uint32_t type = p->types[v][number];

                if (type == NONE)
                        continue;
                for (w = 0; w < v; w++)
                        if (p->types[w][number] != NONE &&
                            is_equal(p, v, type, w, p->types[w][number]))
                                break;
                if (w < v) {
                        p->records[v][type] = p->records[w][p->types[w][number]];
                        continue;
                }
                put_record(p, v, type, p->record_count > first);
                p->records[v][type] = p->record_count++;
        }
}

static void put_runs(struct pool *p, uint32_t v)
{
        const struct btf *b = btf_of(p, v);
        const uint32_t *records = p->records[v];
        struct bytes runs = { 0 };
        uint32_t next = 0; /* behind the last run */
        uint32_t run_count = 0;
        uint32_t i, end;

        for (i = 0; i < b->types.count; i = end) {
                for (end = i + 1; end < b->types.count &&
                                  records[end] == records[end - 1] + 1;
                     end++)
                        ;
                put_signed(&runs, (int32_t)(records[i] - next));
                put_varint(&runs, end - i);
                next = records[end - 1] + 1;
                run_count++;
        }
        put_varint(out(p, STREAM_BTF_ORDER), run_count);
        put_bytes(out(p, STREAM_BTF_ORDER), runs.at, runs.count);
        free(runs.at);
}

/* Strings of a variant while its types name them. */
struct naming {
        bool *is_placed;
        uint32_t next; /* that is not placed, or was early */
        uint32_t gap, early_count;
        struct bytes early;
};

/* All up to string that are not placed are early. */
static void put_early(struct pool *p, uint32_t v, struct naming *g, uint32_t string)
{
        bool is_new;

        for (; g->next < string; g->next++) {
                if (g->is_placed[g->next])
                        continue;
                put_varint(&g->early, g->gap);
                put_varint(&g->early,
                           number_string(p, btf_of(p, v)->strings.at[g->next].name,
                                         &is_new));
                g->is_placed[g->next] = true;
                g->gap = 0;
                g->early_count++;
        }
}

static void put_early_strings(struct pool *p, uint32_t v)
{
        const struct btf *b = btf_of(p, v);
        struct naming g = { .is_placed = allocate(b->strings.count, 1) };
        uint32_t t, i;

        for (t = 0; t < b->types.count; t++)
                for (i = 0; i < b->types.at[t].size; i++) {
                        uint32_t n = load_word(b, &b->types.at[t], i);
                        uint32_t string;

                        if (!n || btf_word(b->types.at[t].kind, i) != BTF_NAME)
                                continue;
                        string = btf_string(b, n);
                        if (g.is_placed[string])
                                continue;
                        put_early(p, v, &g, string);
                        g.is_placed[string] = true;
                        g.gap++;
                }
        put_early(p, v, &g, (uint32_t)b->strings.count);
        put_varint(out(p, STREAM_BTF_ORDER), g.early_count);
        put_bytes(out(p, STREAM_BTF_ORDER), g.early.at, g.early.count);
        free(g.early.at);
        free(g.is_placed);
}

void btf_put(const struct master *m, const struct interner *names,
             struct symbol_names *symbols, struct streams *streams)
{
        struct pool p = {
                .m = m,
                .names = names,
                .streams = streams,
                .keys = interner_new(),
                .strings = interner_new(),
                .symbols = symbols,
        };
        uint32_t v, n;

        number_types(&p);
        for (n = 1; n <= p.type_count; n++)
                put_type(&p, n);
        for (v = 0; v < m->variant_count; v++) {
                put_runs(&p, v);
                put_early_strings(&p, v);
        }
        for (v = 0; v < m->variant_count; v++) {
                free(p.types[v]);
                free(p.numbers[v]);
                free(p.records[v]);
        }
        interner_free(p.keys);
        interner_free(p.strings);
}
