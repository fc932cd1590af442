/* SPDX-License-Identifier: MIT */
/*
 * Compares two kernels as the packer sees them.
 *
 * Both are cut into fragments whose fields are resolved, and merged: whether two
 * are equal is then a question of content, not of addresses (merge.c).
 * Counterparts are found by key within the section of one name, wherever they
 * stand.  Fragments of one function (it is cut at pages of one value and at
 * 64 KiB, and has its padding behind it) are told as one item:
 *
 *      "vprintk@printk.c"      vprintk, printk.c
 *      "vprintk@printk.c~1"    the same, its second piece
 *      "vprintk@printk.c+1"    the same, unnamed bytes behind it
 *      "\"%s: bad"             (strings)
 */
#include "diff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bodies.h"
#include "merge.h"

/* Fragments that have key and section in common, and their item. */
struct pair {
        uint32_t fragment[2]; /* or NONE */
        uint32_t item;
};

struct comparison {
        struct diff *diff;
        struct master m;
        struct variant variants[2];
        struct interner *keys, *item_keys, *orcs;
        VECTOR(struct pair) pairs; /* by number in keys */
        struct bodies *bodies;
};

const char *diff_class_name(enum diff_class class)
{
        static const char *const names[DIFF_CLASS_COUNT] = {
                "equal", "near", "different", "only", "only",
        };
        return names[class];
}

/* ---- items -------------------------------------------------------------- */

/* A name as people know it. */
struct label {
        const char *name;
        int name_size;
        const char *file;
        int file_size;
        uint32_t number;
};

/* How long a name is without what tells pieces apart: "~1", "+1". */
static int stem_size(const char *text, int size)
{
        int stem = size;

        while (stem && isdigit((unsigned char)text[stem - 1]))
                stem--;
        return stem > 1 && stem < size &&
                               (text[stem - 1] == '~' || text[stem - 1] == '+')
                       ? stem - 1
                       : size;
}

static struct label several(const char *name)
{
        return (struct label){ .name = name,
                               .name_size = (int)strlen(name),
                               .file = "",
                               .number = 1 };
}

static struct label label_of(const struct variant *v, const struct fragment *f,
                             const struct interner *names)
{
        struct label label = { .number = f->number };
        const char *text, *at;
        int size, stem;

        if (f->name == NONE || v->regions.at[f->region].flags & SECTION_RECORD)
                return several("(records)");
        text = interned(names, f->name, NULL);
        if (*text == '"')
                return several("(strings)");
        if (*text == '[')
                return several("(unnamed)");
        size = (int)strlen(text);
        while ((stem = stem_size(text, size)) < size)
                size = stem;
        at = memchr(text, '@', (size_t)size);
        label.name = text;
        label.name_size = at ? (int)(at - text) : size;
        label.file = at ? at + 1 : "";
        label.file_size = at ? size - label.name_size - 1 : 0;
        return label;
}

static uint32_t item_of(struct comparison *c, const struct region *r,
                        const struct label *l)
{
        struct diff *d = c->diff;
        uint32_t item = intern_format(c->item_keys, "%s/%u/%.*s@%.*s", r->name,
                                      l->number, l->name_size, l->name,
                                      l->file_size, l->file);
        struct diff_item *to;
        uint32_t name, file;

        if (item < d->items.count)
                return item;
        name = intern_format(d->names, "%.*s", l->name_size, l->name);
        file = intern_format(d->names, "%.*s", l->file_size, l->file);
        to = VECTOR_ADD(&d->items);
        *to = (struct diff_item){
                .name = interned(d->names, name, NULL),
                .file = interned(d->names, file, NULL),
                .section = interned(
                        d->names, intern_format(d->names, "%s", r->name), NULL),
                .number = l->number,
        };
        return item;
}

static bool is_compared(const struct variant *v, const struct fragment *f,
                        enum diff_what what)
{
        uint8_t flags = v->regions.at[f->region].flags;

        return flags & SECTION_LOADED && f->size &&
               (what == DIFF_CODE) == !!(flags & SECTION_CODE) &&
               (f->kind == ENTRY_BODY || f->kind == ENTRY_NOBITS ||
                f->kind == ENTRY_FOLD);
}

static void add_fragments(struct comparison *c, unsigned side,
                          enum diff_what what, const struct interner *names)
{
        const struct variant *v = &c->variants[side];

        for (uint32_t i = 0; i < v->fragments.count; i++) {
                const struct fragment *f = &v->fragments.at[i];
                const struct region *r = &v->regions.at[f->region];
                struct label label;
                uint32_t pair;

                if (!is_compared(v, f, what))
                        continue;
                pair = intern_format(c->keys, "%s/%u", r->name, f->key);
                if (pair == c->pairs.count) {
                        label = label_of(v, f, names);
                        *VECTOR_ADD(&c->pairs) =
                                (struct pair){ { NONE, NONE },
                                               item_of(c, r, &label) };
                }
                c->pairs.at[pair].fragment[side] = i;
        }
}

/* ---- comparing ---------------------------------------------------------- */

/* A fragment as the body of an entry of its own. */
static uint8_t read_body(struct comparison *c, unsigned side, uint32_t fragment,
                         uint32_t gain)
{
        static const struct place alone = { .run = 1 };
        const struct version version = { 1u << side, side, fragment };

        return bodies_read(c->bodies, &alone, &version, 0, gain);
}

/* Two fragments that are not equal: near or different, and in how many bytes. */
static enum diff_class compare_bodies(struct comparison *c,
                                      const struct pair *p,
                                      uint64_t *ret_changed)
{
        const struct variant *v = &c->variants[0], *w = &c->variants[1];
        const struct fragment *a = &v->fragments.at[p->fragment[0]];
        const struct fragment *b = &w->fragments.at[p->fragment[1]];

        *ret_changed = a->size > b->size ? a->size : b->size;
        if (a->kind != ENTRY_BODY || b->kind != ENTRY_BODY)
                return DIFF_DIFFERENT;
        bodies_begin_section(
                c->bodies, &c->m.sections.at[v->regions.at[a->region].section]);
        bodies_begin_place(c->bodies);
        read_body(c, 0, p->fragment[0], 0);
        bodies_keep(c->bodies);
        if (read_body(c, 1, p->fragment[1], 1) != ENTRY_PATCH)
                return DIFF_DIFFERENT;
        *ret_changed = bodies_difference(c->bodies);
        return DIFF_NEAR;
}

static void compare_pair(struct comparison *c, const struct pair *p)
{
        struct diff_item *item = &c->diff->items.at[p->item];
        const struct fragment *f[2] = { NULL, NULL };
        uint64_t changed = 0;
        enum diff_class class = DIFF_DIFFERENT;

        for (unsigned side = 0; side < 2; side++)
                if (p->fragment[side] != NONE) {
                        f[side] = &c->variants[side]
                                           .fragments.at[p->fragment[side]];
                        item->size[side] += f[side]->size;
                        changed = f[side]->size;
                }
        if (f[0] && f[1]) {
                if (fragments_equal(&c->variants[0], f[0], &c->variants[1],
                                    f[1]))
                        return;
                class = compare_bodies(c, p, &changed);
        }
        item->changed += changed;
        if (class > item->class)
                item->class = class;
}

/* ---- the whole ---------------------------------------------------------- */

static uint64_t growth(const struct diff_item *i)
{
        return i->size[1] > i->size[0] ? i->size[1] - i->size[0]
                                       : i->size[0] - i->size[1];
}

static int by_growth(const void *a, const void *b)
{
        const struct diff_item *x = a, *y = b;
        int order;

        if (growth(x) != growth(y))
                return growth(x) > growth(y) ? -1 : 1;
        if (x->changed != y->changed)
                return x->changed > y->changed ? -1 : 1;
        if ((order = strcmp(x->name, y->name)) ||
            (order = strcmp(x->file, y->file)) ||
            (order = strcmp(x->section, y->section)))
                return order;
        return x->number < y->number ? -1 : x->number > y->number;
}

static void sum_up(struct diff *d)
{
        VECTOR(uint32_t) uses = { 0 }; /* by name */

        for (size_t i = 0; i < d->items.count; i++) {
                struct diff_item *item = &d->items.at[i];
                struct diff_sum *sum;
                uint32_t name = intern_format(d->names, "%s", item->name);

                if (!item->size[0])
                        item->class = DIFF_ONLY_B;
                else if (!item->size[1])
                        item->class = DIFF_ONLY_A;
                sum = &d->sums[item->class];
                sum->items++;
                sum->size[0] += item->size[0];
                sum->size[1] += item->size[1];
                sum->changed += item->changed;
                while (uses.count <= name)
                        *VECTOR_ADD(&uses) = 0;
                uses.at[name]++;
        }
        for (size_t i = 0; i < d->items.count; i++) {
                struct diff_item *item = &d->items.at[i];

                item->is_ambiguous =
                        uses.at[intern_format(d->names, "%s", item->name)] > 1;
        }
        free(uses.at);
        qsort(d->items.at, d->items.count, sizeof(*d->items.at), by_growth);
}

void diff_make(const struct pack_input inputs[2], enum diff_what what,
               struct diff *ret)
{
        struct comparison *c = allocate(1, sizeof(*c));
        struct interner *names = interner_new();

        *ret = (struct diff){ .names = interner_new() };
        c->diff = ret;
        c->keys = interner_new();
        c->item_keys = interner_new();
        c->orcs = interner_new();
        for (unsigned side = 0; side < 2; side++)
                variant_make(&c->variants[side], &inputs[side], names);
        merge(&c->m, c->variants, 2);
        for (unsigned side = 0; side < 2; side++)
                add_fragments(c, side, what, names);
        c->bodies =
                bodies_new(&c->m, NULL, CODEC_DEFLATE, c->orcs, NULL, false);
        for (size_t i = 0; i < c->pairs.count; i++)
                compare_pair(c, &c->pairs.at[i]);
        sum_up(ret);

        bodies_free(c->bodies);
        master_free(&c->m);
        for (unsigned side = 0; side < 2; side++)
                variant_free(&c->variants[side]);
        interner_free(c->keys);
        interner_free(c->item_keys);
        interner_free(c->orcs);
        interner_free(names);
        free(c->pairs.at);
        free(c);
}

void diff_free(struct diff *d)
{
        free(d->items.at);
        interner_free(d->names);
        memset(d, 0, sizeof(*d));
}
