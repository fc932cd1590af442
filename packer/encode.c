/* SPDX-License-Identifier: MIT */
/*
 * Writes the master sequence as streams, one for each kind of number, so that
 * like stands by like for the compressor (docs/format.md, section 4).
 *
 * Numbers that occur often get small ones: memberships and unwind records are
 * numbered by how often they occur.
 */
#include "bodies.h"

#include <stdlib.h>
#include <string.h>

#define SHARED_GROUP 0

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
        struct interner *readers; /* of le32: sets of variants */
        bool *is_patch;           /* by version */
        enum grouping grouping;
        uint8_t *group_of_readers; /* by their number; NULL: one for all */
        struct bodies *bodies;
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

/* The variants that have to read version i of a place.  The first version is
 * what patches are made of, so all that have one of them do. */
static uint32_t readers_of(const struct encoder *e, const struct place *p,
                           uint32_t i)
{
        const struct version *x = &e->m->versions.at[p->version_first];
        uint32_t readers = x[i].membership;
        uint32_t n;

        for (n = 1; !i && n < p->version_count; n++)
                if (e->is_patch[p->version_first + n])
                        readers |= x[n].membership;
        return readers;
}

static uint32_t readers_number(struct encoder *e, uint32_t readers)
{
        le32 key = put_le32(readers);

        return intern(e->readers, &key, sizeof(key));
}

/* A patch without a group of its own goes with its base: who reads the one must
 * be able to read the other. */
static uint8_t group_of(struct encoder *e, const struct place *p, uint32_t i)
{
        uint8_t group;

        if (!e->group_of_readers)
                return SHARED_GROUP;
        group = e->group_of_readers[readers_number(e, readers_of(e, p, i))];
        return e->is_patch[p->version_first + i] && group == SHARED_GROUP
                       ? group_of(e, p, 0)
                       : group;
}

/* Sets of variants that have less than this for themselves have no group of
 * their own: a group costs its row of streams, and each of them starts anew. */
#define MIN_GROUP 65536

static uint8_t read_body(struct encoder *e, const struct place *p,
                         const struct version *x, uint8_t group);

/* Which versions are patches: who has to read what depends on it. */
static void find_patches(struct encoder *e)
{
        const struct master *m = e->m;
        uint32_t i, p, n;

        e->is_patch = allocate(m->versions.count, sizeof(*e->is_patch));
        e->bodies = bodies_new(m, NULL, 0, e->orcs, NULL);
        for (i = 0; i < m->sections.count; i++) {
                const struct master_section *s = &m->sections.at[i];

                bodies_begin_section(e->bodies, s);
                for (p = s->place_first; p < s->place_first + s->place_count;
                     p += m->places.at[p].run) {
                        const struct place *place = &m->places.at[p];
                        const struct version *x =
                                &m->versions.at[place->version_first];

                        bodies_begin_place(e->bodies);
                        if (place->version_count < 2 ||
                            fragment_of(m, x)->kind != ENTRY_BODY)
                                continue;
                        for (n = 0; n < place->version_count; n++) {
                                uint8_t op = read_body(e, place, &x[n],
                                                       SHARED_GROUP);

                                e->is_patch[place->version_first + n] =
                                        op == ENTRY_PATCH;
                                bodies_keep(e->bodies);
                        }
                }
        }
        bodies_free(e->bodies);
}

/* Returns the number of groups. */
static uint32_t make_groups(struct encoder *e)
{
        const struct master *m = e->m;
        VECTOR(uint64_t) sizes = { 0 };
        uint32_t groups = SHARED_GROUP + 1;
        uint32_t p, i, n;

        if (e->grouping == GROUPING_ONE || m->variant_count == 1)
                return groups;
        for (p = 0; p < m->places.count; p++)
                for (i = 0; i < m->places.at[p].version_count; i++) {
                        const struct place *place = &m->places.at[p];

                        n = readers_number(e, readers_of(e, place, i));
                        while (sizes.count <= n)
                                *VECTOR_ADD(&sizes) = 0;
                        sizes.at[n] +=
                                fragment_of(
                                        m,
                                        &m->versions
                                                 .at[place->version_first + i])
                                        ->size;
                }
        e->group_of_readers = allocate(sizes.count, 1);
        for (n = 0; n < sizes.count; n++) {
                const void *key = interned(e->readers, n, NULL);
                uint32_t readers = get_le32(*(const le32 *)key);

                if (readers != (uint32_t)(1ull << m->variant_count) - 1 &&
                    sizes.at[n] >= MIN_GROUP && groups < MULTI_IMAGE_MAX_GROUPS)
                        e->group_of_readers[n] = (uint8_t)groups++;
        }
        free(sizes.at);
        return groups;
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
                                      membership_number(e, x->membership,
                                                        group_of(e, place, i)));
                        /* Those who read it, though they do not hold it, find
                         * by this that they have a use for the group. */
                        counter(&memberships,
                                membership_number(e, readers_of(e, place, i),
                                                  group_of(e, place, i)));
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

/* Where a variant is to unpack little, what it alone holds is told by itself,
 * unless a patch makes it so many times smaller: for the patch it would unpack
 * what only others hold. */
#define LEAST_GAIN_ALONE 4

static uint32_t least_gain(const struct encoder *e, const struct version *x)
{
        return e->grouping == GROUPING_SEVERAL &&
                               __builtin_popcount(x->membership) == 1
                       ? LEAST_GAIN_ALONE
                       : 1;
}

/* Reads the body of an entry: that of a version, or those of a run of places.
 * Returns the entry's kind. */
static uint8_t read_body(struct encoder *e, const struct place *p,
                         const struct version *x, uint8_t group)
{
        uint32_t i;

        bodies_begin(e->bodies, group, least_gain(e, x));
        bodies_add(e->bodies, &e->m->variants[x->variant],
                   fragment_of(e->m, x));
        for (i = 1; i < p->run; i++) {
                x = &e->m->versions.at[p[i].version_first];
                bodies_add(e->bodies, &e->m->variants[x->variant],
                           fragment_of(e->m, x));
        }
        return bodies_end(e->bodies);
}

/* Version i of a place.  False, and nothing is done, if patches are asked for
 * and it is none, or the other way round. */
static bool put_entry(struct encoder *e, const struct master_section *s,
                      const struct place *p, uint32_t i, bool patches)
{
        const struct version *x = &e->m->versions.at[p->version_first + i];
        const struct fragment *f = fragment_of(e->m, x);
        uint8_t group = group_of(e, p, i);
        uint32_t size = (uint32_t)f->size;
        uint8_t op = f->kind;

        if (f->kind == ENTRY_BODY) {
                op = read_body(e, p, x, group);
                size = bodies_size(e->bodies);
        }
        if ((op == ENTRY_PATCH) != patches)
                return false;
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
        if (f->kind == ENTRY_BODY)
                bodies_put(e->bodies);
        return true;
}

/* All versions: the first, then the patches of it, then the others. */
static void put_place(struct encoder *e, const struct master_section *s,
                      const struct place *p)
{
        uint32_t i;

        bodies_begin_place(e->bodies);
        put_entry(e, s, p, 0, false);
        for (i = 1; i < p->version_count; i++)
                put_entry(e, s, p, i, true);
        for (i = 1; i < p->version_count; i++)
                put_entry(e, s, p, i, false);
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
            uint32_t chunk_size, enum grouping grouping, struct streams *ret)
{
        struct encoder *e = allocate(1, sizeof(*e));
        le32 section_count = put_le32((uint32_t)m->sections.count);
        uint32_t i;

        memset(ret, 0, sizeof(*ret));
        *e = (struct encoder){
                .m = m,
                .names = names,
                .grouping = grouping,
                .streams = ret,
                .memberships = interner_new(),
                .readers = interner_new(),
                .orcs = interner_new(),
        };
        find_patches(e);
        ret->count = group_stream(make_groups(e), 0);
        number_all(e);
        e->bodies = bodies_new(m, ret, chunk_size, e->orcs, e->orc_rank);
        put_bytes(out(e, STREAM_SECTIONS), &section_count,
                  sizeof(section_count));
        for (i = 0; i < m->sections.count; i++)
                put_section(e, &m->sections.at[i]);
        put_addresses(e);
        put_symbols(e);
        put_sites(e);
        bodies_free(e->bodies);
        interner_free(e->memberships);
        interner_free(e->readers);
        free(e->group_of_readers);
        free(e->is_patch);
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
