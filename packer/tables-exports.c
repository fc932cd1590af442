/* SPDX-License-Identifier: MIT */
/*
 * Exported symbols: __ksymtab and __ksymtab_gpl have a record of each, in the order
 * of their names, which are in __ksymtab_strings (include/linux/export.h,
 * include/asm-generic/vmlinux.lds.h).
 */
#include <stdlib.h>

#include "tables-parts.h"

struct finder {
        struct variant *v;
        uint32_t strings;  /* region */
        uint32_t *symbols; /* of kallsyms, by address */
};

static const struct variant *sorted_variant; /* qsort takes no context */

static uint64_t symbol_addr(const struct variant *v, uint32_t symbol)
{
        const struct kernel_symbol *y = &v->symbols.at[symbol];

        return v->fragments.at[y->fragment].addr + y->offset;
}

static int by_symbol_addr(const void *a, const void *b)
{
        uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
        uint64_t x = symbol_addr(sorted_variant, i);
        uint64_t y = symbol_addr(sorted_variant, j);

        return x != y ? (x < y ? -1 : 1) : (i < j ? -1 : i > j);
}

static void sort_symbols(struct finder *f)
{
        uint32_t i;

        f->symbols = allocate(f->v->symbols.count, sizeof(*f->symbols));
        for (i = 0; i < f->v->symbols.count; i++)
                f->symbols[i] = i;
        sorted_variant = f->v;
        qsort(f->symbols, f->v->symbols.count, sizeof(*f->symbols),
              by_symbol_addr);
}

/* Where addr is: as the symbol of that name tells it, if kallsyms has it. */
static bool find_value(const struct finder *f, const struct interner *names,
                       uint64_t addr, const char *name,
                       struct fragment_place *ret)
{
        const struct variant *v = f->v;
        size_t low = 0, high = v->symbols.count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (symbol_addr(v, f->symbols[middle]) < addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (;
             low < v->symbols.count && symbol_addr(v, f->symbols[low]) == addr;
             low++) {
                const struct kernel_symbol *y = &v->symbols.at[f->symbols[low]];

                if (!strcmp(interned(names, y->name, NULL) + 1, name)) {
                        *ret = (struct fragment_place){ y->fragment,
                                                        y->offset };
                        return true;
                }
        }
        ret->fragment = variant_find(v, addr);
        if (ret->fragment == NONE)
                return false;
        ret->offset = (uint32_t)(addr - v->fragments.at[ret->fragment].addr);
        return true;
}

static uint64_t target(uint64_t addr, const uint8_t *field)
{
        return addr + (uint64_t)(int64_t)(int32_t)load32(field);
}

/* last: the name of the record before. */
static bool find_record(struct finder *f, const struct interner *names,
                        uint32_t index, uint8_t table, const char **last)
{
        const struct variant *v = f->v;
        uint64_t addr = v->fragments.at[index].addr;
        const uint8_t *record = v->fragments.at[index].bytes;
        struct export e = { .table = table, .record = index };
        uint64_t name_addr = target(addr + 4, record + 4);
        uint64_t space_addr = target(addr + 8, record + 8);
        const struct fragment *string;
        const char *name;

        e.string.fragment = variant_find(v, name_addr);
        e.space.fragment = variant_find(v, space_addr);
        if (e.string.fragment == NONE || e.space.fragment == NONE)
                return false;
        string = &v->fragments.at[e.string.fragment];
        e.string.offset = (uint32_t)(name_addr - string->addr);
        if (string->region != f->strings || e.string.offset >= string->size)
                return false;
        name = (const char *)string->bytes + e.string.offset;
        if (*last && strcmp(*last, name) >= 0)
                return false;
        *last = name;
        e.space.offset =
                (uint32_t)(space_addr - v->fragments.at[e.space.fragment].addr);
        if (!find_value(f, names, target(addr, record), name, &e.value))
                return false;
        *VECTOR_ADD(&f->v->exports) = e;
        return true;
}

/* The region of the names: strings, whole and without fields, none of which has
 * a byte that stands for another. */
static bool find_strings(struct finder *f)
{
        const struct variant *v = f->v;
        uint32_t i;

        for (i = 0; i < v->regions.count; i++) {
                const struct region *r = &v->regions.at[i];
                uint32_t k;

                if (strcmp(r->name, EXPORT_STRINGS) || !r->bytes ||
                    r->part != PART_PAYLOAD ||
                    r->body != GROUP_BODY_STRING - GROUP_BODY_FIRST ||
                    memchr(r->bytes, STRING_SYMBOL, r->size))
                        continue;
                for (k = 0; k < r->fragment_count; k++) {
                        const struct fragment *s =
                                &v->fragments.at[r->fragment_first + k];

                        if (s->kind != ENTRY_BODY || s->field_count ||
                            (s->size && s->bytes[s->size - 1]))
                                return false;
                }
                f->strings = i;
                return true;
        }
        return false;
}

bool find_exports(struct variant *v, const struct interner *names)
{
        struct finder f = { .v = v };
        const char *last[EXPORT_TABLE_COUNT] = { 0 };
        bool ok = find_strings(&f);
        uint32_t i;

        if (!ok)
                return false;
        sort_symbols(&f);
        for (i = 0; i < v->fragments.count && ok; i++) {
                const struct fragment *r = &v->fragments.at[i];
                uint8_t table = r->kind - ENTRY_EXPORTS;

                if (r->kind >= ENTRY_EXPORTS)
                        ok = r->size == EXPORT_RECORD_SIZE &&
                             find_record(&f, names, i, table, &last[table]);
        }
        if (!ok)
                v->exports.count = 0;
        free(f.symbols);
        return ok;
}
