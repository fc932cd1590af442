/* SPDX-License-Identifier: MIT */
/*
 * Sites: the places that branch to a thunk, as objtool lists them for patching
 * (.return_sites, .retpoline_sites).  They are the fields with a target among the
 * thunks; the table has them object file by object file, so in runs.
 */
#include <stdlib.h>

#include "tables-parts.h"

static const char *const thunk_prefixes[SITE_TABLE_COUNT] = {
        [SITE_RETURN] = "__x86_return_thunk",
        [SITE_RETPOLINE] = "__x86_indirect_thunk_",
};

/* The thunks' addresses, from the lowest to the end of the highest. */
static bool find_thunks(const struct variant *v, enum site_table table,
                        struct sites *s)
{
        const struct linked *linked = &v->input->linked;
        const char *prefix = thunk_prefixes[table];
        uint64_t low = UINT64_MAX, high = 0;
        size_t i;

        for (i = 0; i < linked->symbol_count; i++) {
                const struct linked_symbol *y = &linked->symbols[i];

                if (y->section >= linked->section_count ||
                    strncmp(y->name, prefix, strlen(prefix)))
                        continue;
                low = y->value < low ? y->value : low;
                high = y->value + 1 > high ? y->value + 1 : high;
        }
        s->first = (uint32_t)low;
        s->span = (uint32_t)(high - low);
        return low < high && high - low < UINT32_MAX;
}

struct site {
        uint32_t addr, number;
};

static int by_addr(const void *a, const void *b)
{
        const struct site *x = a, *y = b;

        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

typedef VECTOR(struct site) site_list;

/* In the order in which a reader comes by them: that of the fields. */
static void collect(const struct variant *v, const struct sites *s,
                    site_list *ret)
{
        uint32_t i, k;

        for (i = 0; i < v->fragments.count; i++) {
                const struct fragment *f = &v->fragments.at[i];

                for (k = 0; k < f->field_count; k++) {
                        const struct field *field = &v->fields.at[f->field_first + k];
                        uint32_t number = (uint32_t)ret->count;
                        uint32_t target;

                        if (field->type != FIELD_REL32_0)
                                continue;
                        target = (uint32_t)v->fragments.at[field->target].addr +
                                 field->addend;
                        if (target - s->first >= s->span)
                                continue;
                        *VECTOR_ADD(ret) = (struct site){
                                (uint32_t)f->addr + field->offset, number
                        };
                }
        }
}

/* The first site behind addr; NULL: there is none. */
static const struct site *site_behind(const site_list *sorted, uint32_t addr)
{
        size_t low = 0, high = sorted->count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (sorted->at[middle].addr <= addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < sorted->count ? &sorted->at[low] : NULL;
}

static void add_to_runs(struct sites *s, uint32_t number, uint32_t back,
                        uint32_t *next)
{
        struct site_run *last = s->runs.count ? &s->runs.at[s->runs.count - 1] :
                                                NULL;

        if (last && number == *next && back == last->back)
                last->count++;
        else
                *VECTOR_ADD(&s->runs) = (struct site_run){
                        (int32_t)(number - *next), 1, (uint8_t)back
                };
        *next = number + 1;
}

bool find_sites(struct variant *v, enum site_table table)
{
        const struct fragment *t = find_kind(v, ENTRY_SITES + table);
        struct sites *s = &v->sites[table];
        site_list sorted = { 0 };
        uint32_t next = 0;
        uint64_t i;
        bool ok = t && t->size % 4 == 0 && find_thunks(v, table, s);

        if (ok)
                collect(v, s, &sorted);
        s->site_count = (uint32_t)sorted.count;
        if (sorted.count)
                qsort(sorted.at, sorted.count, sizeof(*sorted.at), by_addr);
        for (i = 0; ok && i < t->size; i += 4) {
                uint32_t addr = (uint32_t)(t->addr + i) + load32(t->bytes + i);
                const struct site *site = site_behind(&sorted, addr);

                ok = site && site->addr - addr <= SITE_MAX_BACK;
                if (ok)
                        add_to_runs(s, site->number, site->addr - addr, &next);
        }
        free(sorted.at);
        return ok;
}
