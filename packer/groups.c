/* SPDX-License-Identifier: MIT */
/*
 * A variant unpacks whole groups: so entries are in one group if the same
 * variants have to read them.  Who reads a version also depends on which others
 * of its place are patches of it, for a patch needs its base; hence that is
 * settled first.
 *
 * Example: a function has version A in native and vmware, B in kvm, C in xen.  If
 * B and C are patches, all four read A.  If C is told by itself, xen does not.
 */
#include "groups.h"

#include <stdlib.h>

#include "bodies.h"

/* Sets of variants that have less than this for themselves have no group of
 * their own: a group costs its row of streams, and each of them starts anew. */
#define MIN_GROUP 65536

/* Where a variant is to unpack little, what it alone holds is told by itself,
 * unless a patch makes it so many times smaller: for the patch it would unpack
 * what only others hold (docs/studies/linux-6.1.md has other values). */
#define LEAST_GAIN_ALONE 4

struct groups {
        const struct master *m;
        enum aim aim;
        bool *is_patch;            /* by version */
        struct interner *readers;  /* of le32: sets of variants */
        uint8_t *group_of_readers; /* by their number; NULL: one for all */
        uint32_t count;
};

bool groups_is_patch(const struct groups *g, const struct place *p, uint32_t i)
{
        return g->is_patch[p->version_first + i];
}

uint32_t groups_readers(const struct groups *g, const struct place *p,
                        uint32_t i)
{
        const struct version *x = &g->m->versions.at[p->version_first];
        uint32_t readers = x[i].membership;
        uint32_t n;

        for (n = 1; !i && n < p->version_count; n++)
                if (groups_is_patch(g, p, n))
                        readers |= x[n].membership;
        return readers;
}

static uint32_t readers_number(const struct groups *g, uint32_t readers)
{
        le32 key = put_le32(readers);

        return intern(g->readers, &key, sizeof(key));
}

/* A patch without a group of its own goes with its base: who reads the one must
 * be able to read the other. */
uint8_t groups_of(const struct groups *g, const struct place *p, uint32_t i)
{
        uint8_t group;

        if (!g->group_of_readers)
                return SHARED_GROUP;
        group = g->group_of_readers[readers_number(g, groups_readers(g, p, i))];
        return groups_is_patch(g, p, i) && group == SHARED_GROUP
                       ? groups_of(g, p, 0)
                       : group;
}

uint32_t groups_count(const struct groups *g)
{
        return g->count;
}

/* ---- patches ------------------------------------------------------------ */

static uint32_t least_gain(const struct groups *g, const struct version *x)
{
        bool alone = __builtin_popcount(x->membership) == 1;

        return g->aim == AIM_SPEED && alone ? LEAST_GAIN_ALONE : 1;
}

static void find_in_place(struct groups *g, struct bodies *bodies,
                          const struct place *p)
{
        const struct version *x = &g->m->versions.at[p->version_first];
        const struct fragment *f =
                &g->m->variants[x->variant].fragments.at[x->fragment];
        uint32_t i;

        bodies_begin_place(bodies);
        if (p->version_count < 2 || f->kind != ENTRY_BODY)
                return;
        for (i = 0; i < p->version_count; i++) {
                uint8_t op = bodies_read(bodies, p, &x[i], SHARED_GROUP,
                                         least_gain(g, &x[i]));

                g->is_patch[p->version_first + i] = op == ENTRY_PATCH;
                bodies_keep(bodies);
        }
}

static void find_patches(struct groups *g, struct interner *orcs)
{
        const struct master *m = g->m;
        struct bodies *bodies = bodies_new(m, NULL, CODEC_STORED, orcs, NULL, false);
        uint32_t i, p;

        g->is_patch = allocate(m->versions.count, sizeof(*g->is_patch));
        for (i = 0; i < m->sections.count; i++) {
                const struct master_section *s = &m->sections.at[i];

                bodies_begin_section(bodies, s);
                for (p = s->place_first; p < s->place_first + s->place_count;
                     p += m->places.at[p].run)
                        find_in_place(g, bodies, &m->places.at[p]);
        }
        bodies_free(bodies);
}

/* ---- groups ------------------------------------------------------------- */

static void make_groups(struct groups *g)
{
        const struct master *m = g->m;
        uint32_t all = (uint32_t)(1ull << m->variant_count) - 1;
        VECTOR(uint64_t) sizes = { 0 }; /* bytes, by number of readers */
        uint32_t p, i, n;

        for (p = 0; p < m->places.count; p++)
                for (i = 0; i < m->places.at[p].version_count; i++) {
                        const struct place *place = &m->places.at[p];
                        const struct version *x =
                                &m->versions.at[place->version_first + i];

                        n = readers_number(g, groups_readers(g, place, i));
                        while (sizes.count <= n)
                                *VECTOR_ADD(&sizes) = 0;
                        sizes.at[n] += m->variants[x->variant]
                                               .fragments.at[x->fragment]
                                               .size;
                }
        g->group_of_readers = allocate(sizes.count, 1);
        for (n = 0; n < sizes.count; n++) {
                const le32 *key = (const void *)interned(g->readers, n, NULL);

                if (get_le32(*key) != all && sizes.at[n] >= MIN_GROUP &&
                    g->count < MULTI_IMAGE_MAX_GROUPS)
                        g->group_of_readers[n] = (uint8_t)g->count++;
        }
        free(sizes.at);
}

struct groups *groups_new(const struct master *m, struct interner *orcs,
                          enum aim aim)
{
        struct groups *g = allocate(1, sizeof(*g));

        *g = (struct groups){ .m = m,
                              .aim = aim,
                              .readers = interner_new(),
                              .count = SHARED_GROUP + 1 };
        find_patches(g, orcs);
        if (aim == AIM_SPEED && m->variant_count > 1)
                make_groups(g);
        return g;
}

void groups_free(struct groups *g)
{
        interner_free(g->readers);
        free(g->group_of_readers);
        free(g->is_patch);
        free(g);
}
