/* SPDX-License-Identifier: MIT */
/*
 * Accounts for single entries: what each is called, and why not all variants
 * share it.
 *
 * Names are those of kallsyms, which the store keeps by slot (docs/format.md,
 * 4.6): of the symbols that some variant with the entry has in its slot, the
 * one that is nearest to the start.
 */
#define _GNU_SOURCE
#include "account-parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reason_names[REASON_COUNT] = {
        [REASON_NONE] = "shared by all",
        [REASON_PATCH] = "patch of another version",
        [REASON_MOVED] = "moved: elsewhere in others",
        [REASON_VERSION] = "another version in others",
        [REASON_ONLY] = "only in some",
};

const char *reason_name(enum reason reason)
{
        return reason_names[reason];
}

/* The entries of each slot: those of slot i are items[first[i]] up to
 * items[first[i + 1]]. */
struct slots {
        uint32_t *first;
        struct entry_share **items;
        uint32_t count;
};

static void slots_fill(struct slots *s, struct account *a, uint32_t count)
{
        s->count = count;
        s->first = allocate(count + 2, sizeof(*s->first));
        s->items = allocate(a->entries.count, sizeof(struct entry_share *));
        for (size_t i = 0; i < a->entries.count; i++)
                if (a->entries.at[i].slot != NO_SLOT)
                        s->first[a->entries.at[i].slot + 2]++;
        for (uint32_t i = 2; i < count + 2; i++)
                s->first[i] += s->first[i - 1];
        /* each first moves on to the next one's as its items come in */
        for (size_t i = 0; i < a->entries.count; i++)
                if (a->entries.at[i].slot != NO_SLOT)
                        s->items[s->first[a->entries.at[i].slot + 1]++] =
                                &a->entries.at[i];
}

/* The members of the other entries in the slot; where there are no slots, a
 * patch and what it patches know of each other. */
static void find_others(struct account *a, const struct slots *s)
{
        for (size_t i = 0; i < a->entries.count; i++) {
                struct entry_share *e = &a->entries.at[i];
                struct entry_share *base = &a->entries.at[e->base];

                if (e->slot != NO_SLOT) {
                        for (uint32_t n = s->first[e->slot];
                             n < s->first[e->slot + 1]; n++)
                                if (s->items[n] != e)
                                        e->others |= s->items[n]->members;
                } else if (e->reason == REASON_PATCH) {
                        e->others |= base->members & ~e->members;
                        base->others |= e->members & ~base->members;
                }
        }
}

static void tell_reasons(struct account *a)
{
        for (size_t i = 0; i < a->entries.count; i++) {
                struct entry_share *e = &a->entries.at[i];

                if (e->members == a->everyone)
                        e->reason = REASON_NONE;
                else if (e->reason == REASON_NONE)
                        e->reason = e->others ? REASON_VERSION : REASON_ONLY;
        }
}

/* The symbol name, at offset in a slot, is one of the entry's: its name, if it
 * is the first.  The padding before a function has a symbol of its own, which
 * is not counted. */
static void add_symbol(struct account *a, struct entry_share *e,
                       const char *name, uint32_t offset, uint32_t *nearest)
{
        if (!strncmp(name, "__pfx_", 6))
                return;
        if (!e->symbols++ || offset < *nearest) {
                e->name = (uint32_t)(name - a->names);
                *nearest = offset;
        }
}

static int name_entries(struct account *a, const struct unpacker *u,
                        const struct slots *s)
{
        struct reader membership = u->streams[STREAM_SYMBOL_MEMBERSHIP];
        struct reader steps = u->streams[STREAM_SYMBOL_SLOT];
        struct reader offsets = u->streams[STREAM_SYMBOL_OFFSET];
        struct reader names = u->streams[STREAM_SYMBOL_NAME];
        size_t size = (size_t)(names.end - names.at);
        uint32_t *nearest = allocate(a->entries.count, sizeof(*nearest));
        uint32_t slot = 0, offset = 0;
        int err = MULTI_IMAGE_OK;

        /* one byte on, and a NUL behind the last */
        a->names = allocate(size + 2, 1);
        memcpy(a->names + 1, names.at, size);
        for (size_t at = 1; membership.at < membership.end;
             at += strlen(a->names + at) + 1) {
                uint32_t m = read_varint(&membership);
                int32_t step = read_signed(&steps);
                const char *name = a->names + at + 1; /* behind the type */
                uint32_t members = a->everyone;

                slot += (uint32_t)step;
                offset = (step ? 0 : offset) + read_varint(&offsets);
                if (slot >= s->count || m > a->membership_count ||
                    at + 1 > size || !name[-1]) {
                        err = MULTI_IMAGE_BAD_DERIVED;
                        break;
                }
                if (m)
                        members = a->memberships[m - 1].members;
                for (uint32_t n = s->first[slot]; n < s->first[slot + 1]; n++) {
                        struct entry_share *e = s->items[n];

                        if (e->members & members)
                                add_symbol(a, e, name, offset,
                                           &nearest[e - a->entries.at]);
                }
        }
        free(nearest);
        return err;
}

int account_explain(struct account *a, const struct unpacker *u)
{
        struct slots s;
        int err;

        slots_fill(&s, a, u->slot_count);
        find_others(a, &s);
        tell_reasons(a);
        err = name_entries(a, u, &s);
        free(s.first);
        free(s.items);
        return err;
}

static int compare_packed(const struct share *a, const struct share *b)
{
        return (a->packed < b->packed) - (a->packed > b->packed);
}

static int compare_memberships(const void *a, const void *b)
{
        const struct membership_share *x = a, *y = b;
        int order = compare_packed(&x->share, &y->share);

        return order ? order
                     : (x->members > y->members) - (x->members < y->members);
}

static int compare_sections(const void *a, const void *b)
{
        const struct section_share *x = a, *y = b;
        int order = compare_packed(&x->share, &y->share);

        return order ? order
                     : (x->number > y->number) - (x->number < y->number);
}

static int compare_entries(const void *a, const void *b, void *entries)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        const struct entry_share *e = entries;
        int order = compare_packed(&e[x].share, &e[y].share);

        return order ? order : (x > y) - (x < y);
}

void account_sort(struct account *a)
{
        uint32_t *places = allocate(a->section_count, sizeof(*places));

        qsort(a->memberships, a->membership_count, sizeof(*a->memberships),
              compare_memberships);
        qsort(a->sections, a->section_count, sizeof(*a->sections),
              compare_sections);
        for (uint32_t i = 0; i < a->section_count; i++)
                places[a->sections[i].number] = i;
        a->largest = allocate(a->entries.count, sizeof(*a->largest));
        for (uint32_t i = 0; i < a->entries.count; i++) {
                a->entries.at[i].section = places[a->entries.at[i].section];
                a->largest[i] = i;
        }
        free(places);
        qsort_r(a->largest, a->entries.count, sizeof(*a->largest),
                compare_entries, a->entries.at);
}

void entry_name(const struct account *a, const struct entry_share *e,
                char text[NAME_TEXT_SIZE])
{
        if (e->symbols > 1)
                snprintf(text, NAME_TEXT_SIZE, "%.511s +%" PRIu32,
                         a->names + e->name, e->symbols - 1);
        else if (e->symbols)
                snprintf(text, NAME_TEXT_SIZE, "%s", a->names + e->name);
        else
                snprintf(text, NAME_TEXT_SIZE, "%s #%" PRIu32,
                         a->sections[e->section].name, e->number);
}

void members_text(const struct store *store, uint32_t members,
                  char text[MEMBERS_TEXT_SIZE])
{
        uint32_t count = store->mi.variant_count;
        size_t at = 0;

        *text = '\0';
        if (count > 1 && members == UINT32_MAX >> (32 - count)) {
                strcpy(text, "all");
                return;
        }
        for (uint32_t i = 0; i < count; i++)
                if (members >> i & 1)
                        at += (size_t)sprintf(
                                text + at, "%s%s", at ? "+" : "",
                                (const char *)store->mi.variants[i].name);
}

void entry_reason(const struct account *a, const struct store *store,
                  const struct entry_share *e, char text[REASON_TEXT_SIZE])
{
        const struct entry_share *base = &a->entries.at[e->base];
        char held[MEMBERS_TEXT_SIZE], others[MEMBERS_TEXT_SIZE];
        char name[NAME_TEXT_SIZE];

        members_text(store, e->members, held);
        members_text(store, e->others, others);
        switch (e->reason) {
        case REASON_PATCH:
                members_text(store, base->members, others);
                entry_name(a, base, name);
                snprintf(text, REASON_TEXT_SIZE, "%s: patch of %s in %s", held,
                         base->slot == e->slot ? "the version" : name, others);
                break;
        case REASON_MOVED:
                snprintf(text, REASON_TEXT_SIZE, "%s: moved, elsewhere in %s",
                         held, others);
                break;
        case REASON_VERSION:
                snprintf(text, REASON_TEXT_SIZE, "%s: another version in %s",
                         held, others);
                break;
        case REASON_ONLY:
                snprintf(text, REASON_TEXT_SIZE, "only in %s", held);
                break;
        default:
                snprintf(text, REASON_TEXT_SIZE, "%s", held);
        }
}
