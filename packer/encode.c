/* SPDX-License-Identifier: MIT */
/*
 * Writes the master sequence as streams, one for each kind of number, so that
 * like stands by like for the compressor (docs/format.md, section 4).
 *
 * Numbers that occur often get small ones: memberships and unwind records are
 * numbered by how often they occur.
 */
#include <stdlib.h>
#include <string.h>

#include "bodies.h"
#include "btf.h"
#include "exports.h"
#include "groups.h"

/* A membership is numbered once for each group it occurs in. */
struct membership_key {
        le32 members;
        uint8_t group;
};

struct encoder {
        const struct master *m;
        const struct interner *names;
        struct streams *streams;
        struct interner *memberships; /* of struct membership_key */
        uint32_t *membership_rank;
        struct interner *orcs; /* of 6 bytes */
        uint32_t *orc_rank;
        struct groups *groups;
        struct bodies *bodies;
        struct symbol_names *symbols;
        struct exports *exports;
};

static struct bytes *out(struct encoder *e, uint32_t id)
{
        return &e->streams->at[id].bytes;
}

/* ---- numbering by frequency --------------------------------------------- */

struct counted {
        uint32_t number, count;
};

static int by_count(const void *a, const void *b)
{
        const struct counted *x = a, *y = b;

        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->number < y->number ? -1 : 1;
}

/* Ranks for the numbers 0 to n - 1 by their counts; ret_order has the numbers
 * by rank. */
static uint32_t *rank(const uint32_t *counts, uint32_t n, uint32_t **ret_order)
{
        struct counted *sorted = allocate(n, sizeof(*sorted));
        uint32_t *ranks = allocate(n, sizeof(*ranks));
        uint32_t i;

        *ret_order = allocate(n, sizeof(**ret_order));
        for (i = 0; i < n; i++)
                sorted[i] = (struct counted){ i, counts[i] };
        qsort(sorted, n, sizeof(*sorted), by_count);
        for (i = 0; i < n; i++) {
                ranks[sorted[i].number] = i;
                (*ret_order)[i] = sorted[i].number;
        }
        free(sorted);
        return ranks;
}

static uint32_t membership_number(struct encoder *e, uint32_t membership,
                                  uint8_t group)
{
        struct membership_key key = { put_le32(membership), group };

        return intern(e->memberships, &key, sizeof(key));
}

typedef VECTOR(uint32_t) counts;

static uint32_t *counter(counts *c, uint32_t number)
{
        while (c->count <= number)
                *VECTOR_ADD(c) = 0;
        return &c->at[number];
}

static void count(counts *c, uint32_t number)
{
        ++*counter(c, number);
}

static const struct fragment *fragment_of(const struct master *m,
                                          const struct version *x)
{
        return &m->variants[x->variant].fragments.at[x->fragment];
}

/* A symbol's membership, or 0 if it is wherever its slot is. */
static uint32_t own_membership(const struct master *m,
                               const struct master_symbol *y)
{
        return y->membership == m->slots[y->slot].membership ? 0
                                                             : y->membership;
}

static uint32_t rank_of(struct encoder *e, uint32_t membership, uint8_t group)
{
        return e->membership_rank[membership_number(e, membership, group)];
}

static void number_all(struct encoder *e)
{
        const struct master *m = e->m;
        counts memberships = { 0 }, orcs = { 0 };
        uint32_t *order;
        uint32_t p, i, k;

        for (p = 0; p < m->places.count; p++)
                for (i = 0; i < m->places.at[p].version_count; i++) {
                        const struct place *place = &m->places.at[p];
                        const struct version *x =
                                &m->versions.at[place->version_first + i];
                        const struct fragment *f = fragment_of(m, x);
                        const struct orc *orc =
                                m->variants[x->variant].orcs.at + f->orc_first;

                        if (!place->is_joined)
                                count(&memberships,
                                      membership_number(
                                              e, x->membership,
                                              groups_of(e->groups, place, i)));
                        /* Those who read it, though they do not hold it, find
                         * by this that they have a use for the group. */
                        counter(&memberships,
                                membership_number(
                                        e, groups_readers(e->groups, place, i),
                                        groups_of(e->groups, place, i)));
                        for (k = 0; k < f->orc_count; k++)
                                count(&orcs, intern(e->orcs, orc[k].entry,
                                                    sizeof(orc[k].entry)));
                }
        for (i = 0; i < m->symbols.count; i++) {
                uint32_t own = own_membership(m, &m->symbols.at[i]);

                if (own)
                        count(&memberships,
                              membership_number(e, own, SHARED_GROUP));
        }
        e->membership_rank =
                rank(memberships.at, (uint32_t)memberships.count, &order);
        for (i = 0; i < memberships.count; i++) {
                const struct membership_key *key =
                        (const void *)interned(e->memberships, order[i], NULL);

                put_bytes(out(e, STREAM_MEMBERSHIPS), &key->members,
                          sizeof(key->members));
                put_byte(out(e, STREAM_GROUPS), key->group);
        }
        free(order);
        e->orc_rank = rank(orcs.at, (uint32_t)orcs.count, &order);
        for (i = 0; i < orcs.count; i++)
                put_bytes(out(e, STREAM_ORC_PALETTE),
                          interned(e->orcs, order[i], NULL), 6);
        free(order);
        free(memberships.at);
        free(orcs.at);
}

/* ---- entries ------------------------------------------------------------ */

/* Whether the body that was read names symbols, mostly or because which of them are
 * exported is to be told; in the first case it is a place's only one. */
static bool names_symbols(struct encoder *e, const struct master_section *s,
                          const struct place *p)
{
        const uint8_t *bytes = bodies_strings(e->bodies);
        uint32_t size = bodies_size(e->bodies);

        if (!bytes || s->part != PART_PAYLOAD)
                return false;
        return (s->has_exports && !memchr(bytes, STRING_SYMBOL, size)) ||
               (p->version_count == 1 &&
                strings_are_names(e->symbols, bytes, size));
}

/* Bytes of an entry without a body: a place's version, or a run's. */
static uint32_t derived_size(const struct encoder *e, const struct place *p,
                             const struct fragment *f)
{
        uint64_t size = f->size;

        for (uint32_t i = 1; i < p->run; i++)
                size += fragment_of(e->m,
                                    &e->m->versions.at[p[i].version_first])
                                ->size;
        return (uint32_t)size;
}

/* Version i of a place. */
static void put_entry(struct encoder *e, const struct master_section *s,
                      const struct place *p, uint32_t i)
{
        const struct version *x = &e->m->versions.at[p->version_first + i];
        const struct fragment *f = fragment_of(e->m, x);
        uint8_t group = groups_of(e->groups, p, i);
        uint8_t op = f->kind;
        uint32_t size;

        if (f->kind == ENTRY_BODY) {
                op = bodies_read(e->bodies, p, x, group,
                                 groups_is_patch(e->groups, p, i));
                size = bodies_size(e->bodies);
                if (op == ENTRY_BODY && names_symbols(e, s, p))
                        op = ENTRY_STRINGS;
        } else {
                size = derived_size(e, p, f);
        }
        if (s->flags & SECTION_SLOTS) {
                if (i)
                        op |= ENTRY_VERSION;
                else if (p->is_moved)
                        op |= ENTRY_MOVED;
        }
        put_byte(out(e, STREAM_OP), op);
        put_varint(out(e, STREAM_MEMBERSHIP), rank_of(e, x->membership, group));
        put_varint(out(e, STREAM_SIZE),
                   f->kind == ENTRY_FOLD ? size / PAGE : size);
        if (f->kind == ENTRY_FOLD)
                put_byte(out(e, STREAM_FOLD), f->value);
        if (op & ENTRY_MOVED)
                put_varint(out(e, STREAM_MOVED), e->m->slots[p->slot].index);
        if ((op & ENTRY_KIND) == ENTRY_STRINGS)
                exports_put(e->exports, p, x);
        else if (f->kind == ENTRY_BODY)
                bodies_put(e->bodies);
}

/* All versions: the first, then the patches of it, then the others. */
static void put_place(struct encoder *e, const struct master_section *s,
                      const struct place *p)
{
        uint32_t i;

        bodies_begin_place(e->bodies);
        put_entry(e, s, p, 0);
        for (i = 1; i < p->version_count; i++)
                if (groups_is_patch(e->groups, p, i))
                        put_entry(e, s, p, i);
        for (i = 1; i < p->version_count; i++)
                if (!groups_is_patch(e->groups, p, i))
                        put_entry(e, s, p, i);
}

static void put_section(struct encoder *e, const struct master_section *s)
{
        const struct master *m = e->m;
        struct format_section section = { .part = s->part,
                                          .flags = s->flags,
                                          .body = s->body,
                                          .columns = s->columns };
        uint32_t entries = 0;
        uint32_t p, run;

        bodies_begin_section(e->bodies, s);
        for (p = s->place_first; p < s->place_first + s->place_count;
             p += run) {
                const struct place *place = &m->places.at[p];

                run = place->run;

                put_place(e, s, place);
                entries += place->version_count;
        }
        strncpy((char *)section.name, s->name, sizeof(section.name) - 1);
        section.entry_count = put_le32(entries);
        put_bytes(out(e, STREAM_SECTIONS), &section, sizeof(section));
}

static void put_addresses(struct encoder *e)
{
        const struct master *m = e->m;
        uint32_t i, v;

        for (i = 0; i < m->sections.count; i++) {
                const struct master_section *s = &m->sections.at[i];

                for (v = 0; v < m->variant_count && s->flags & SECTION_LOADED;
                     v++) {
                        le64 addr = put_le64(s->addr[v]);

                        put_bytes(out(e, STREAM_SECTIONS), &addr, sizeof(addr));
                }
                for (v = 0; v < m->variant_count && s->flags & SECTION_PERCPU;
                     v++) {
                        le64 addr = put_le64(s->load_addr[v]);

                        put_bytes(out(e, STREAM_SECTIONS), &addr, sizeof(addr));
                }
        }
}

/* ---- kallsyms ----------------------------------------------------------- */

static void put_symbols(struct encoder *e)
{
        const struct master *m = e->m;
        uint32_t index = 0, offset = 0; /* of the symbol before */
        uint32_t i, v;

        for (i = 0; i < m->symbols.count; i++) {
                const struct master_symbol *y = &m->symbols.at[i];
                const struct master_slot *slot = &m->slots[y->slot];
                uint32_t own = own_membership(m, y);
                const char *name;
                size_t size;

                put_varint(out(e, STREAM_SYMBOL_MEMBERSHIP),
                           own ? rank_of(e, own, SHARED_GROUP) + 1 : 0);
                if (slot->index != index)
                        offset = 0;
                put_signed(out(e, STREAM_SYMBOL_SLOT),
                           (int32_t)(slot->index - index));
                put_varint(out(e, STREAM_SYMBOL_OFFSET),
                           slot->offset + y->offset - offset);
                name = interned(e->names, y->name, &size);
                put_bytes(out(e, STREAM_SYMBOL_NAME), name, size + 1);
                index = slot->index;
                offset = slot->offset + y->offset;
        }
        for (v = 0; v < m->variant_count; v++) {
                const struct variant *variant = &m->variants[v];
                uint32_t n =
                        variant->derived.kallsyms ? variant->token_count : 0;

                put_varint(out(e, STREAM_TOKEN), n);
                put_bytes(out(e, STREAM_TOKEN), variant->tokens, n * 3);
        }
}

/* ---- sites -------------------------------------------------------------- */

static void put_sites(struct encoder *e)
{
        struct bytes *to = out(e, STREAM_SITES);
        uint32_t v, t, i;

        for (v = 0; v < e->m->variant_count; v++)
                for (t = 0; t < SITE_TABLE_COUNT; t++) {
                        const struct variant *variant = &e->m->variants[v];
                        const struct sites *s = &variant->sites[t];
                        uint32_t n = variant->derived.sites[t]
                                             ? (uint32_t)s->runs.count
                                             : 0;

                        put_varint(to, n);
                        if (!n)
                                continue;
                        put_varint(to, s->first);
                        put_varint(to, s->span);
                        put_varint(to, s->site_count);
                        for (i = 0; i < n; i++) {
                                put_signed(to, s->runs.at[i].skip);
                                put_varint(to, s->runs.at[i].count << 2 |
                                                       s->runs.at[i].back);
                        }
                }
}

void encode(const struct master *m, const struct interner *names,
            enum codec_id codec, enum aim aim, struct streams *ret)
{
        struct encoder *e = allocate(1, sizeof(*e));
        le32 section_count = put_le32((uint32_t)m->sections.count);
        uint32_t i;

        memset(ret, 0, sizeof(*ret));
        *e = (struct encoder){
                .m = m,
                .names = names,
                .streams = ret,
                .memberships = interner_new(),
                .orcs = interner_new(),
                .symbols = symbol_names_new(m, names),
        };
        e->groups = groups_new(m, e->orcs, aim);
        ret->count = group_stream(groups_count(e->groups), 0);
        e->exports = exports_new(m, e->symbols, ret);
        number_all(e);
        e->bodies = bodies_new(m, ret, codec, e->orcs, e->orc_rank,
                               aim == AIM_SIZE);
        put_bytes(out(e, STREAM_SECTIONS), &section_count,
                  sizeof(section_count));
        for (i = 0; i < m->sections.count; i++)
                put_section(e, &m->sections.at[i]);
        put_addresses(e);
        put_symbols(e);
        put_sites(e);
        btf_put(m, names, e->symbols, ret);
        bodies_free(e->bodies);
        interner_free(e->memberships);
        exports_free(e->exports);
        symbol_names_free(e->symbols);
        groups_free(e->groups);
        interner_free(e->orcs);
        free(e->membership_rank);
        free(e->orc_rank);
        free(e);
}

void streams_free(struct streams *streams)
{
        uint32_t i;

        for (i = 0; i < streams->count; i++) {
                free(streams->at[i].bytes.at);
                free(streams->at[i].cuts.at);
        }
}
