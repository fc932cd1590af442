/* SPDX-License-Identifier: MIT */
/*
 * Merges the variants' fragments into the master sequence.
 *
 * Sections are matched by name, fragments within them by key; each list becomes
 * a common supersequence (sequence.c).  A key's first place is its slot: all
 * fragments of that key have it, wherever they stand.  Slots settled, two
 * fragments are equal if their bytes agree outside fields, and their fields in
 * type, target slot and addend: then they are one version.
 *
 * So identity comes from names and content alone, layouts never matter, and two
 * addresses of one variant are never folded into one.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "sequence.h"

/* ---- sections ----------------------------------------------------------- */

static void merge_sections(struct master *m, uint32_t **ret_order,
                           uint32_t *ret_count)
{
        struct interner *names = interner_new();
        struct sequence s;
        VECTOR(uint32_t) node_region = { 0 };
        uint32_t *order, count = 0;
        uint32_t v, i, n;

        sequence_init(&s);
        for (v = 0; v < m->variant_count; v++) {
                struct variant *variant = &m->variants[v];
                size_t regions = variant->regions.count;
                uint32_t *keys = allocate(regions, sizeof(*keys));
                uint32_t *nodes = allocate(regions, sizeof(*nodes));

                for (i = 0; i < regions; i++) {
                        const struct region *r = &variant->regions.at[i];
                        uint32_t again = 0, j;

                        do {
                                /* Properties are part of the name: only equal
                                 * ones share a section. */
                                keys[i] = intern_format(
                                        names, "%s/%u/%u/%u/%u/%u", r->name,
                                        r->part, r->flags, r->body, r->columns,
                                        again++);
                                for (j = 0; j < i && keys[j] != keys[i]; j++)
                                        ;
                        } while (j < i);
                }
                sequence_merge(&s, keys, regions, nodes);
                for (i = 0; i < regions; i++)
                        variant->regions.at[i].section = nodes[i];
                while (node_region.count < s.nodes.count)
                        *VECTOR_ADD(&node_region) = NONE;
                for (i = 0; i < regions; i++) {
                        const struct region *r = &variant->regions.at[i];

                        if (node_region.at[nodes[i]] != NONE)
                                continue;
                        node_region.at[nodes[i]] =
                                (uint32_t)m->sections.count;
                        *VECTOR_ADD(&m->sections) = (struct master_section){
                                .name = r->name,
                                .part = r->part,
                                .flags = r->flags,
                                .body = r->body,
                                .columns = r->columns,
                        };
                        memset(m->sections.at[m->sections.count - 1].addr, 0xff,
                               sizeof(m->sections.at->addr));
                        memset(m->sections.at[m->sections.count - 1].load_addr,
                               0xff, sizeof(m->sections.at->load_addr));
                }
                for (i = 0; i < regions; i++) {
                        struct region *r = &variant->regions.at[i];

                        r->section = node_region.at[nodes[i]];
                        m->sections.at[r->section].has_exports |=
                                variant->derived.exports &&
                                !strcmp(r->name, EXPORT_STRINGS);
                        m->sections.at[r->section].addr[v] = r->addr;
                        m->sections.at[r->section].load_addr[v] = r->load_addr;
                }
                free(keys);
                free(nodes);
        }
        order = allocate(s.nodes.count, sizeof(*order));
        for (n = s.head; n != SEQUENCE_END; n = s.nodes.at[n].next)
                order[count++] = node_region.at[n];
        free(node_region.at);
        sequence_free(&s);
        interner_free(names);
        *ret_order = order;
        *ret_count = count;
}

/* ---- places ------------------------------------------------------------- */

/* The fragments of one section, by node and variant. */
struct gathered {
        struct sequence sequence;
        VECTOR(uint32_t) fragments; /* node * variant_count + variant */
};

static void gather(struct master *m, uint32_t section, struct gathered *g)
{
        uint32_t v, i, k;

        sequence_init(&g->sequence);
        for (v = 0; v < m->variant_count; v++) {
                struct variant *variant = &m->variants[v];

                for (i = 0; i < variant->regions.count; i++) {
                        const struct region *r = &variant->regions.at[i];
                        uint32_t *keys, *nodes;

                        if (r->section != section)
                                continue;
                        keys = allocate(r->fragment_count, sizeof(*keys));
                        nodes = allocate(r->fragment_count, sizeof(*nodes));
                        for (k = 0; k < r->fragment_count; k++) {
                                const struct fragment *f =
                                        &variant->fragments
                                                 .at[r->fragment_first + k];

                                /* Another kind is another thing. */
                                keys[k] = f->key * ENTRY_KIND_COUNT + f->kind;
                        }
                        sequence_merge(&g->sequence, keys, r->fragment_count,
                                       nodes);
                        while (g->fragments.count <
                               g->sequence.nodes.count * m->variant_count)
                                *VECTOR_ADD(&g->fragments) = NONE;
                        for (k = 0; k < r->fragment_count; k++)
                                g->fragments.at[nodes[k] * m->variant_count + v] =
                                        r->fragment_first + k;
                        free(keys);
                        free(nodes);
                }
        }
}

static uint64_t largest(const struct master *m, const struct gathered *g,
                        uint32_t node)
{
        uint64_t size = 0;
        uint32_t v;

        for (v = 0; v < m->variant_count; v++) {
                uint32_t f = g->fragments.at[node * m->variant_count + v];

                if (f != NONE && m->variants[v].fragments.at[f].size > size)
                        size = m->variants[v].fragments.at[f].size;
        }
        return size;
}

/* Places of one section in order, their slots, and which fragments stand there
 * (as versions that are still one per variant). */
static void add_places(struct master *m, struct master_section *section,
                       const struct gathered *g, uint32_t *slot_of_node)
{
        const struct sequence *s = &g->sequence;
        bool has_slots = section->flags & SECTION_SLOTS;
        uint32_t n, v;

        /* Originals first: repetitions may stand before them. */
        for (n = s->head; n != SEQUENCE_END; n = s->nodes.at[n].next) {
                const struct sequence_node *node = &s->nodes.at[n];

                slot_of_node[n] = NONE;
                if (has_slots &&
                    (node->original == n ||
                     largest(m, g, n) > largest(m, g, node->original)))
                        slot_of_node[n] = m->slot_count++;
        }
        section->place_first = (uint32_t)m->places.count;
        for (n = s->head; n != SEQUENCE_END; n = s->nodes.at[n].next) {
                struct place *p = VECTOR_ADD(&m->places);

                *p = (struct place){
                        .slot = slot_of_node[n],
                        .version_first = (uint32_t)m->versions.count,
                };
                if (has_slots && p->slot == NONE) {
                        p->slot = slot_of_node[s->nodes.at[n].original];
                        p->is_moved = true;
                }
                for (v = 0; v < m->variant_count; v++) {
                        uint32_t f =
                                g->fragments.at[n * m->variant_count + v];

                        if (f == NONE)
                                continue;
                        m->variants[v].fragments.at[f].slot = p->slot;
                        *VECTOR_ADD(&m->versions) =
                                (struct version){ 1u << v, v, f };
                        p->version_count++;
                }
        }
        section->place_count =
                (uint32_t)m->places.count - section->place_first;
}

/* ---- versions ----------------------------------------------------------- */

static bool fields_equal(const struct variant *v, const struct fragment *f,
                         const struct variant *w, const struct fragment *g)
{
        uint32_t i;

        for (i = 0; i < f->field_count; i++) {
                const struct field *a = &v->fields.at[f->field_first + i];
                const struct field *b = &w->fields.at[g->field_first + i];

                if (a->offset != b->offset || a->type != b->type ||
                    a->addend != b->addend)
                        return false;
                if (!field_is_fixed(a->type) &&
                    v->fragments.at[a->target].slot !=
                            w->fragments.at[b->target].slot)
                        return false;
        }
        return true;
}

/* Outside of fields, which are the same. */
static bool bytes_equal(const struct variant *v, const struct fragment *f,
                        const struct fragment *g)
{
        uint64_t done = 0;
        uint32_t i;

        for (i = 0; i < f->field_count; i++) {
                const struct field *a = &v->fields.at[f->field_first + i];

                if (field_is_fixed(a->type))
                        continue;
                if (memcmp(f->bytes + done, g->bytes + done, a->offset - done))
                        return false;
                done = a->offset + field_size(a->type);
        }
        return memcmp(f->bytes + done, g->bytes + done, f->size - done) == 0;
}

bool fragments_equal(const struct variant *v, const struct fragment *f,
                     const struct variant *w, const struct fragment *g)
{
        uint32_t i;

        if (f->kind != g->kind || f->size != g->size || f->value != g->value ||
            f->field_count != g->field_count || f->orc_count != g->orc_count)
                return false;
        if (f->kind != ENTRY_BODY)
                return true;
        if (!fields_equal(v, f, w, g) || !bytes_equal(v, f, g))
                return false;
        for (i = 0; i < f->orc_count; i++) {
                const struct orc *a = &v->orcs.at[f->orc_first + i];
                const struct orc *b = &w->orcs.at[g->orc_first + i];

                if (a->offset != b->offset ||
                    memcmp(a->entry, b->entry, sizeof(a->entry)))
                        return false;
        }
        return true;
}

/* The version that most variants hold comes first: others are told by their
 * differences from it. */
static void first_widest(struct version *versions, uint32_t count)
{
        struct version first;
        uint32_t widest = 0;
        uint32_t i;

        for (i = 1; i < count; i++)
                if (__builtin_popcount(versions[i].membership) >
                    __builtin_popcount(versions[widest].membership))
                        widest = i;
        first = versions[widest];
        memmove(versions + 1, versions, widest * sizeof(*versions));
        versions[0] = first;
}

static void fold_versions(struct master *m)
{
        uint32_t done = 0; /* versions kept */
        uint32_t p, i, j;

        for (p = 0; p < m->places.count; p++) {
                struct place *place = &m->places.at[p];
                uint32_t first = done;

                for (i = 0; i < place->version_count; i++) {
                        struct version x =
                                m->versions.at[place->version_first + i];
                        const struct variant *v = &m->variants[x.variant];

                        for (j = first; j < done; j++) {
                                struct version *y = &m->versions.at[j];
                                const struct variant *w =
                                        &m->variants[y->variant];

                                if (!fragments_equal(v, &v->fragments.at[x.fragment],
                                              w, &w->fragments.at[y->fragment]))
                                        continue;
                                y->membership |= x.membership;
                                break;
                        }
                        if (j == done)
                                m->versions.at[done++] = x;
                }
                place->version_first = first;
                place->version_count = done - first;
                first_widest(&m->versions.at[first], done - first);
        }
        m->versions.count = done;
}

/* ---- slots and symbols -------------------------------------------------- */

static const struct fragment *first_fragment(const struct master *m,
                                             const struct place *p)
{
        const struct version *x = &m->versions.at[p->version_first];

        return &m->variants[x->variant].fragments.at[x->fragment];
}

/* Whether entries of a kind may be told as one. */
static bool is_joinable(uint8_t kind)
{
        return kind == ENTRY_BODY || kind >= ENTRY_EXPORTS;
}

/* Whether p can be told as one entry with the place before it, all of which has
 * size bytes: the two always stand together, and nowhere else. */
static bool can_join(const struct master *m, const struct place *p,
                     const uint32_t *uses, uint64_t size)
{
        const struct place *before = p - 1;
        const struct fragment *f = first_fragment(m, p);

        return p->version_count == 1 && before->version_count == 1 &&
               m->versions.at[p->version_first].membership ==
                       m->versions.at[before->version_first].membership &&
               is_joinable(f->kind) &&
               first_fragment(m, before)->kind == f->kind &&
               (p->slot == NONE) == (before->slot == NONE) &&
               (p->slot == NONE ||
                (uses[p->slot] == 1 && uses[before->slot] == 1)) &&
               size + f->size <= MULTI_IMAGE_MAX_BODY;
}

/* Joins places of a section to runs.  Each run begins a slot; others that do so
 * stand alone. */
static void join_places(struct master *m, const struct master_section *section,
                        const uint32_t *uses)
{
        struct place *head = NULL;
        uint64_t size = 0; /* of the run */
        uint32_t i;

        for (i = 0; i < section->place_count; i++) {
                struct place *p = &m->places.at[section->place_first + i];

                if (i && can_join(m, p, uses, size)) {
                        p->is_joined = true;
                        head->run++;
                } else {
                        head = p;
                        head->run = 1;
                        size = 0;
                }
                if (p->slot != NONE && !p->is_moved)
                        m->slots[p->slot] = (struct master_slot){
                                .index = p->is_joined ? m->slot_index_count - 1 :
                                                        m->slot_index_count++,
                                .offset = (uint32_t)size,
                        };
                size += first_fragment(m, p)->size;
        }
}

/* Bytes of the largest version that a place begins a slot with. */
static uint64_t place_size(const struct master *m, const struct place *p)
{
        uint64_t size = 0;
        uint32_t i;

        for (i = 0; i < p->version_count; i++) {
                const struct version *x = &m->versions.at[p->version_first + i];
                uint64_t n = m->variants[x->variant].fragments.at[x->fragment].size;

                size = n > size ? n : size;
        }
        return size;
}

/* How often each byte occurs where fields are told by their bytes, outside of
 * them. */
static void count_bytes(const struct master *m, uint64_t *counts)
{
        size_t i;

        for (i = 0; i < m->versions.count; i++) {
                const struct version *x = &m->versions.at[i];
                const struct variant *v = &m->variants[x->variant];
                const struct fragment *f = &v->fragments.at[x->fragment];
                uint8_t flags = v->regions.at[f->region].flags;
                uint64_t at = 0;
                uint32_t k;

                if (f->kind != ENTRY_BODY || flags & SECTION_RECORD ||
                    !(flags & SECTION_SLOTS))
                        continue;
                for (k = 0; k <= f->field_count; k++) {
                        const struct field *field =
                                &v->fields.at[f->field_first + k];
                        uint64_t end = k < f->field_count ? field->offset :
                                                            f->size;

                        while (at < end)
                                counts[f->bytes[at++]]++;
                        if (k < f->field_count)
                                at += field_size(field->type);
                }
        }
}

/* Puts the pool where its addresses stand out (field-marks.h). */
static void place_pool(struct master *m, uint32_t span)
{
        uint64_t counts[256] = { 0 };
        uint32_t step = field_marks_count(span);
        uint64_t least = UINT64_MAX;
        uint32_t mark, i, best = 0;

        count_bytes(m, counts);
        for (mark = 0; mark < 256; mark += step) {
                uint64_t count = 0;

                /* The last address is still one of 32 bits. */
                if (((uint64_t)mark << 24) + span > UINT32_MAX)
                        break;
                for (i = mark; i < mark + step; i++)
                        count += counts[i];
                if (count < least) {
                        least = count;
                        best = mark;
                }
        }
        field_marks_init(&m->pool, (uint8_t)best, span);
        for (i = 0; i < m->slot_count; i++)
                m->slots[i].pool += m->pool.base;
}

static void number_slots(struct master *m)
{
        uint32_t *uses = allocate(m->slot_count, sizeof(*uses));
        uint64_t pool = 0; /* of the slot begun last */
        uint64_t next = 0; /* of the one that follows */
        uint32_t i, k;

        for (i = 0; i < m->places.count; i++)
                if (m->places.at[i].slot != NONE)
                        uses[m->places.at[i].slot]++;
        m->slots = allocate(m->slot_count, sizeof(*m->slots));
        for (i = 0; i < m->sections.count; i++)
                join_places(m, &m->sections.at[i], uses);
        free(uses);
        for (i = 0; i < m->places.count; i++) {
                const struct place *p = &m->places.at[i];
                struct master_slot *slot;

                if (p->slot == NONE)
                        continue;
                slot = &m->slots[p->slot];
                for (k = 0; k < p->version_count; k++)
                        slot->membership |=
                                m->versions.at[p->version_first + k].membership;
                if (p->is_moved)
                        continue;
                if (!p->is_joined)
                        pool = next;
                slot->pool = (uint32_t)pool + slot->offset;
                next = (slot->pool + place_size(m, p) + POOL_STEP - 1) /
                               POOL_STEP * POOL_STEP +
                       POOL_STEP;
        }
        place_pool(m, (uint32_t)next);
}

static void merge_symbols(struct master *m)
{
        struct interner *names = interner_new();
        struct sequence s;
        VECTOR(struct master_symbol) by_node = { 0 };
        uint32_t v, i, n;

        sequence_init(&s);
        for (v = 0; v < m->variant_count; v++) {
                const struct variant *variant = &m->variants[v];
                uint32_t count = (uint32_t)variant->symbols.count;
                uint32_t *keys = allocate(count, sizeof(*keys));
                uint32_t *nodes = allocate(count, sizeof(*nodes));

                for (i = 0; i < count; i++) {
                        const struct kernel_symbol *y =
                                &variant->symbols.at[i];

                        keys[i] = intern_format(
                                names, "%u/%u/%u", y->name,
                                variant->fragments.at[y->fragment].slot,
                                y->offset);
                }
                sequence_merge(&s, keys, count, nodes);
                VECTOR_RESERVE(&by_node, s.nodes.count);
                memset(by_node.at + by_node.count, 0,
                       (s.nodes.count - by_node.count) * sizeof(*by_node.at));
                by_node.count = s.nodes.count;
                for (i = 0; i < count; i++) {
                        const struct kernel_symbol *y =
                                &variant->symbols.at[i];
                        struct master_symbol *z = &by_node.at[nodes[i]];

                        z->slot = variant->fragments.at[y->fragment].slot;
                        z->offset = y->offset;
                        z->name = y->name;
                        z->membership |= 1u << v;
                }
                free(keys);
                free(nodes);
        }
        for (n = s.head; n != SEQUENCE_END; n = s.nodes.at[n].next)
                *VECTOR_ADD(&m->symbols) = by_node.at[n];
        free(by_node.at);
        sequence_free(&s);
        interner_free(names);
}

void merge(struct master *m, struct variant *variants, uint32_t count)
{
        struct master_section *sections;
        uint32_t *order, section_count, i;

        *m = (struct master){ .variants = variants, .variant_count = count };
        merge_sections(m, &order, &section_count);
        for (i = 0; i < section_count; i++) {
                struct gathered g = { .fragments = { 0 } };
                uint32_t *slot_of_node;

                gather(m, order[i], &g);
                slot_of_node = allocate(g.sequence.nodes.count,
                                        sizeof(*slot_of_node));
                add_places(m, &m->sections.at[order[i]], &g, slot_of_node);
                free(slot_of_node);
                free(g.fragments.at);
                sequence_free(&g.sequence);
        }
        sections = allocate(section_count, sizeof(*sections));
        for (i = 0; i < section_count; i++)
                sections[i] = m->sections.at[order[i]];
        free(m->sections.at);
        m->sections.at = sections;
        m->sections.count = m->sections.room = section_count;
        free(order);

        fold_versions(m);
        number_slots(m);
        merge_symbols(m);
}

void master_free(struct master *m)
{
        free(m->sections.at);
        free(m->places.at);
        free(m->versions.at);
        free(m->symbols.at);
        free(m->slots);
}
