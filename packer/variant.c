/* SPDX-License-Identifier: MIT */
/*
 * A variant through its stages, and its fragments by address.
 */
#include "variant.h"

#include <stdlib.h>
#include <string.h>

/* Fragments by address; among those at one address in order of the image. */
static const struct fragment *sorted_fragments;

static int by_fragment_addr(const void *a, const void *b)
{
        uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

        if (sorted_fragments[i].addr != sorted_fragments[j].addr)
                return sorted_fragments[i].addr < sorted_fragments[j].addr ? -1
                                                                           : 1;
        return i < j ? -1 : 1;
}

void variant_sort(struct variant *v)
{
        uint32_t i;

        v->by_addr = allocate(v->fragments.count, sizeof(*v->by_addr));
        v->by_addr_count = 0;
        for (i = 0; i < v->fragments.count; i++)
                if (v->regions.at[v->fragments.at[i].region].flags &
                    SECTION_LOADED)
                        v->by_addr[v->by_addr_count++] = i;
        sorted_fragments = v->fragments.at;
        qsort(v->by_addr, v->by_addr_count, sizeof(*v->by_addr),
              by_fragment_addr);
}

uint32_t variant_find(const struct variant *v, uint64_t addr)
{
        size_t low = 0, high = v->by_addr_count;
        uint32_t ends_here = NONE;
        int tries;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (v->fragments.at[v->by_addr[middle]].addr <= addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        /* A few labels may stand between. */
        for (tries = 0; low && tries < 64; tries++) {
                uint32_t i = v->by_addr[--low];
                const struct fragment *f = &v->fragments.at[i];

                if (addr - f->addr < f->size)
                        return i;
                if (addr - f->addr == f->size && ends_here == NONE)
                        ends_here = i;
                else if (f->size)
                        break;
        }
        return ends_here;
}

void variant_free(struct variant *v)
{
        int i;

        free(v->regions.at);
        free(v->fragments.at);
        free(v->fields.at);
        free(v->orcs.at);
        free(v->symbols.at);
        free(v->exports.at);
        free(v->btf.types.at);
        free(v->btf.strings.at);
        free(v->runs);
        free(v->pieces.at);
        for (i = 0; i < SITE_TABLE_COUNT; i++)
                free(v->sites[i].runs.at);
        free(v->by_addr);
        free(v->symbol_fragment);
}

static void clear_split(struct variant *v)
{
        struct derivation derived = v->derived;
        const struct pack_input *input = v->input;

        variant_free(v);
        *v = (struct variant){ .input = input, .derived = derived };
}

void variant_make(struct variant *v, const struct pack_input *input,
                  struct interner *names)
{
        *v = (struct variant){ .input = input };
        memset(&v->derived, input->has_linked, sizeof(v->derived));
        for (;;) {
                variant_split(v, names);
                variant_fields(v, names);
                if (!variant_tables(v, names))
                        return;
                clear_split(v);
        }
}
