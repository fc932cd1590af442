/* SPDX-License-Identifier: MIT */
/* KASLR: the list of fields that move with the kernel (arch/x86/tools/relocs.c). */
#include "tables-parts.h"

/* The three lists of the table; false if it is no such table. */
static bool parse_slide(const struct fragment *t, const uint8_t *lists[3],
                        uint32_t counts[3])
{
        uint64_t at = 0;
        int list;

        if (t->size % 4 || t->size < 12)
                return false;
        for (list = 0; list < 3; list++) {
                if (at >= t->size || load32(t->bytes + at))
                        return false;
                at += 4;
                lists[list] = t->bytes + at;
                for (counts[list] = 0;
                     at < t->size && (list == 2 || load32(t->bytes + at));
                     at += 4)
                        counts[list]++;
        }
        return at == t->size;
}

/* The same rule as the stub's, place-marks.c, field_kinds; 3: in none. */
static int list_of(const struct variant *v, const struct field *field)
{
        bool to_percpu =
                field->target != NONE &&
                v->regions.at[v->fragments.at[field->target].region].flags &
                        SECTION_PERCPU;

        switch (field->type) {
        case FIELD_FIXED_INVERSE:
                return 1;
        case FIELD_ABS64:
        case FIELD_FIXED_ABS64:
                return to_percpu ? 3 : 0;
        case FIELD_ABS32:
        case FIELD_FIXED_ABS32:
                return to_percpu ? 3 : 2;
        case FIELD_REL64_DATA:
                return 3;
        default:
                return to_percpu ? 1 : 3;
        }
}

static bool is_listed(const uint8_t *list, uint32_t count, uint32_t addr)
{
        uint32_t low = 0, high = count;

        while (low < high) {
                uint32_t middle = (low + high) / 2;

                if (load32(list + 4 * middle) < addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < count && load32(list + 4 * low) == addr;
}

/* How many records of exported symbols are listed: those of symbols in the per-CPU
 * area are to be, and no others. */
static bool count_exports(const struct variant *v, const uint8_t *list,
                          uint32_t count, uint32_t *found)
{
        size_t i;

        for (i = 0; i < v->exports.count; i++) {
                const struct export *e = &v->exports.at[i];
                const struct fragment *f = &v->fragments.at[e->value.fragment];
                bool to_percpu = v->regions.at[f->region].flags & SECTION_PERCPU;
                uint32_t addr = (uint32_t)v->fragments.at[e->record].addr;

                if (is_listed(list, count, addr) != to_percpu)
                        return false;
                *found += to_percpu;
        }
        return true;
}

/* Marks the fields that the rule lists and the table does not. */
bool find_slide(struct variant *v)
{
        const struct fragment *t = find_kind(v, ENTRY_SLIDE);
        const uint8_t *lists[3];
        uint32_t counts[3], found[3] = { 0 }, last[3] = { 0 };
        uint32_t i, n;

        if (!t || !parse_slide(t, lists, counts))
                return false;
        for (i = 0; i < v->fragments.count; i++) {
                const struct fragment *f = &v->fragments.at[i];
                const struct region *r = &v->regions.at[f->region];

                for (n = 0; n < f->field_count; n++) {
                        struct field *field = &v->fields.at[f->field_first + n];
                        int list = list_of(v, field);
                        uint32_t addr = (uint32_t)(f->addr + field->offset -
                                                   r->addr + r->load_addr);

                        if (list == 3)
                                continue;
                        if (!is_listed(lists[list], counts[list], addr)) {
                                field->type |= FIELD_UNLISTED;
                                continue;
                        }
                        /* The stub lists them as it meets them. */
                        if (addr <= last[list])
                                return false;
                        last[list] = addr;
                        found[list]++;
                }
        }
        if (!count_exports(v, lists[1], counts[1], &found[1]))
                return false;
        for (i = 0; i < 3; i++)
                if (found[i] != counts[i])
                        return false;
        memcpy(v->slide_count, counts, sizeof(counts));
        return true;
}
