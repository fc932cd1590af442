/* SPDX-License-Identifier: MIT */
/*
 * Fields and unwind records: what hangs on a body's bytes.
 *
 * A field holds a pool address, which becomes the address of the slot that it
 * lies in, and is stored the way the field's type says.  Where fields are, and of
 * which type, the bytes tell themselves (field-marks.h).
 */
#include <string.h>

#include "place.h"

/*
 * What the types mean.  Absolute fields move with the kernel unless they point
 * into the per-CPU area, which stays; references *into* that area relative to a
 * place that moves do so inversely (arch/x86/tools/relocs.c, do_reloc64).
 */
struct field_kind {
        uint8_t size; /* bytes; 0: no such type */
        bool has_target;
        uint8_t origin;      /* the value counts from so far behind P */
        uint8_t list;        /* of the KASLR table */
        uint8_t percpu_list; /* with a target in the per-CPU area */
};

#define ABSOLUTE UINT8_MAX /* origin: the value counts from 0 */

static const struct field_kind field_kinds[FIELD_UNLISTED] = {
        [FIELD_REL32_0] = { 4, true, 4, SLIDE_NONE, SLIDE_INVERSE },
        [FIELD_REL32_1] = { 4, true, 5, SLIDE_NONE, SLIDE_INVERSE },
        [FIELD_REL32_2] = { 4, true, 6, SLIDE_NONE, SLIDE_INVERSE },
        [FIELD_REL32_4] = { 4, true, 8, SLIDE_NONE, SLIDE_INVERSE },
        [FIELD_REL32_DATA] = { 4, true, 0, SLIDE_NONE, SLIDE_INVERSE },
        [FIELD_REL64_DATA] = { 8, true, 0, SLIDE_NONE, SLIDE_NONE },
        [FIELD_ABS32] = { 4, true, ABSOLUTE, SLIDE_ABS32, SLIDE_NONE },
        [FIELD_ABS64] = { 8, true, ABSOLUTE, SLIDE_ABS64, SLIDE_NONE },
        [FIELD_FIXED_ABS64] = { 8, false, 0, SLIDE_ABS64, SLIDE_NONE },
        [FIELD_FIXED_INVERSE] = { 4, false, 0, SLIDE_INVERSE, SLIDE_NONE },
        [FIELD_FIXED_ABS32] = { 4, false, 0, SLIDE_ABS32, SLIDE_NONE },
};

/* NULL: no such type. */
static inline const struct field_kind *field_kind(uint8_t type)
{
        const struct field_kind *kind = &field_kinds[type % FIELD_UNLISTED];

        return type < 2 * FIELD_UNLISTED && kind->size ? kind : NULL;
}

static int slide(struct unpacker *u, uint8_t type, uint8_t list,
                 uint64_t load_addr)
{
        le32 v;

        if (list == SLIDE_NONE || type & FIELD_UNLISTED ||
            !u->derived[ENTRY_SLIDE].size) /* not relocatable */
                return MULTI_IMAGE_OK;
        REQUIRE(u->slide[list] != u->slide_end[list], MULTI_IMAGE_BAD_DERIVED);
        v = put_le32((uint32_t)load_addr);
        memcpy(u->slide[list], &v, sizeof(v));
        u->slide[list] += sizeof(v);
        return MULTI_IMAGE_OK;
}

/* The slot of a pool address; NULL: this variant does not hold it. */
static inline const struct slot *find_slot(const struct unpacker *u,
                                           uint32_t pool)
{
        const struct slot *slot;

        if (pool - u->pool.base >= u->pool.span)
                return NULL;
        slot = u->slots + u->granules[(pool - u->pool.base) >> POOL_GRANULE_SHIFT];
        while (slot[1].pool <= pool)
                slot++;
        return slot->addr != SLOT_ABSENT ? slot : NULL;
}

static inline bool is_percpu(const struct unpacker *u, const struct slot *slot)
{
        return (size_t)(slot - u->slots) - u->percpu_first < u->percpu_count;
}

static inline bool is_thunk(const struct unpacker *u, uint32_t target)
{
        return target - u->thunk_first < u->thunk_span;
}

static int place_field(struct unpacker *u, uint8_t type, uint32_t pool, struct target t)
{
        const struct field_kind *kind = field_kind(type);
        const struct slot *slot;
        uint64_t value;
        le64 v;
        int err;

        REQUIRE(kind, MULTI_IMAGE_BAD_FIELD);
        if (!kind->has_target)
                return slide(u, type, kind->list, t.load_addr);
        slot = find_slot(u, pool);
        REQUIRE(slot, MULTI_IMAGE_BAD_FIELD);
        /* Addresses are 32 bits, sign-extended. */
        value = (uint64_t)(int64_t)(int32_t)(slot->addr + (pool - slot->pool));
        if (type == FIELD_REL32_0 && is_thunk(u, (uint32_t)value) &&
            (err = site_note(u, (uint32_t)value, (uint32_t)t.addr)))
                return err;
        if (kind->origin != ABSOLUTE)
                value -= t.addr + kind->origin;
        v = put_le64(value);
        memcpy(t.out, &v, kind->size);
        return slide(u, type, is_percpu(u, slot) ? kind->percpu_list : kind->list,
                     t.load_addr);
}

/* Those of an entry that this variant does not hold. */
static int skip_fields(struct group *g, uint32_t count)
{
        struct reader *types = &g->streams[GROUP_FIELD_TYPE];

        REQUIRE(reader_ok(types) && count <= (size_t)(types->end - types->at),
                MULTI_IMAGE_BAD_FIELD);
        types->at += count;
        skip_varints(&g->streams[GROUP_FIELD_GAP], count);
        return MULTI_IMAGE_OK;
}

/* Fields whose targets are told by the record before: those that this variant
 * does not hold must be read all the same, for the records behind them. */
static int place_record(struct unpacker *u, const struct section *s,
                        struct group *g, const struct target *t, uint64_t size,
                        uint32_t count)
{
        uint64_t position = 0;
        uint32_t column = 0;
        int err;

        for (; count; count--) {
                uint8_t type = read_byte(&g->streams[GROUP_FIELD_TYPE]);
                const struct field_kind *kind = field_kind(type);
                uint32_t *pool = &g->last_target[column];

                position += read_varint_fast(&g->streams[GROUP_FIELD_GAP]);
                REQUIRE(kind && position + kind->size <= size,
                        MULTI_IMAGE_BAD_FIELD);
                if (kind->has_target) {
                        *pool += (uint32_t)read_signed(&g->streams[GROUP_TARGET]);
                        column = column + 1 == s->columns ? 0 : column + 1;
                }
                if (t->out && (err = place_field(u, type, *pool,
                                                 target_at(t, (uint32_t)position))))
                        return err;
                position += kind->size;
        }
        return MULTI_IMAGE_OK;
}

/* What a body's bytes do not tell of its fields. */
struct exceptions {
        struct group *g;
        uint32_t left; /* behind the next one */
        uint32_t at;   /* of the next one; UINT32_MAX: there is none */
};

static void next_exception(struct exceptions *e)
{
        if (!e->left) {
                e->at = UINT32_MAX;
                return;
        }
        e->left--;
        e->at += read_varint(&e->g->streams[GROUP_FIELD_GAP]);
}

/* The fields of one body: a third of what a rebuild takes, apart from
 * inflating.  Bytes written may lie anywhere, for all the compiler knows: what
 * is copied here can stay in registers. */
int place_fields(struct unpacker *u, const struct section *s, struct group *g,
                 const uint8_t *bytes, const struct target *t, uint64_t size)
{
        uint32_t count = read_varint_fast(&g->streams[GROUP_FIELD_COUNT]);
        const struct field_marks marks = u->pool;
        const uint32_t percpu = u->slots[u->percpu_first].pool;
        const uint32_t percpu_span =
                u->slots[u->percpu_first + u->percpu_count].pool - percpu;
        struct exceptions e = { .g = g, .left = count };
        uint32_t addr = (uint32_t)t->addr;
        struct field_guess f = { .type = FIELD_NONE };
        uint32_t from = 0; /* end of the field before */
        int err;

        if (s->flags & SECTION_RECORD)
                return place_record(u, s, g, t, size, count);
        if (!t->out)
                return skip_fields(g, count);
        next_exception(&e);
        for (;;) {
                const struct field_kind *kind;
                const struct slot *slot;
                le32 v;

                if (!field_guess(&marks, s->flags, bytes, (uint32_t)size, from,
                                 f.type == FIELD_REL32_DATA, &f))
                        f.at = (uint32_t)size;
                if (e.at <= f.at) {
                        REQUIRE(e.at >= from, MULTI_IMAGE_BAD_FIELD);
                        f.at = e.at;
                        f.type = read_byte(&g->streams[GROUP_FIELD_TYPE]);
                        next_exception(&e);
                        from = f.at + 1;
                        if (f.type == FIELD_NONE)
                                continue;
                } else if (f.at == size) {
                        break;
                }
                REQUIRE(size - f.at >= sizeof(v), MULTI_IMAGE_BAD_FIELD);
                memcpy(&v, bytes + f.at, sizeof(v));
                /* As most are; the rest is not worth a place here. */
                if (f.type <= FIELD_REL32_DATA &&
                    get_le32(v) - percpu >= percpu_span &&
                    (slot = find_slot(u, get_le32(v)))) {
                        uint32_t target = slot->addr - slot->pool + get_le32(v);
                        uint32_t at = addr + f.at;

                        if (f.type == FIELD_REL32_0 && is_thunk(u, target) &&
                            (err = site_note(u, target, at)))
                                return err;
                        v = put_le32(target - at - field_kinds[f.type].origin);
                        memcpy(t->out + f.at, &v, sizeof(v));
                        from = f.at + (uint32_t)sizeof(v);
                        continue;
                }
                if ((f.type == FIELD_ABS32 ||
                     (f.type == FIELD_ABS64 && size - f.at >= sizeof(le64))) &&
                    get_le32(v) - percpu >= percpu_span &&
                    (slot = find_slot(u, get_le32(v)))) {
                        uint32_t target = slot->addr - slot->pool + get_le32(v);

                        v = put_le32(target);
                        memcpy(t->out + f.at, &v, sizeof(v));
                        from = f.at + (uint32_t)sizeof(v);
                        if (f.type == FIELD_ABS64) {
                                v = put_le32((uint32_t)((int32_t)target >> 31));
                                memcpy(t->out + from, &v, sizeof(v));
                                from += (uint32_t)sizeof(v);
                        }
                        if ((err = slide(u, f.type,
                                         f.type == FIELD_ABS64 ? SLIDE_ABS64
                                                               : SLIDE_ABS32,
                                         t->load_addr + f.at)))
                                return err;
                        continue;
                }
                kind = field_kind(f.type);
                REQUIRE(kind && kind->size <= size - f.at, MULTI_IMAGE_BAD_FIELD);
                if ((err = place_field(u, f.type, get_le32(v),
                                       target_at(t, f.at))))
                        return err;
                from = f.at + kind->size;
        }
        REQUIRE(e.at == UINT32_MAX && !e.left, MULTI_IMAGE_BAD_FIELD);
        return MULTI_IMAGE_OK;
}

/* Where the next unwind record goes. */
struct orc_place {
        uint8_t *ip, *entry;
        uint32_t addr; /* of ip */
};

static struct orc_place orc_place(const struct placer *p)
{
        const struct unpacker *u = p->u;
        const struct derived *ip = &u->derived[ENTRY_ORC_IP];

        return (struct orc_place){
                u->compact + ip->offset + p->orc_done * 4,
                u->compact + u->derived[ENTRY_ORC].offset + p->orc_done * 6,
                (uint32_t)(ip->addr + p->orc_done * 4),
        };
}

static inline void put_orc(struct orc_place *at, uint32_t addr,
                           const uint8_t *entry)
{
        le32 v = put_le32(addr - at->addr);

        memcpy(at->ip, &v, sizeof(v));
        memcpy(at->entry, entry, 6);
        at->ip += 4;
        at->addr += 4;
        at->entry += 6;
}

int place_orc_record(struct placer *p, uint64_t addr, uint32_t index)
{
        struct orc_place at = orc_place(p);

        REQUIRE(p->orc_done < p->orc_total && index < p->palette_count,
                MULTI_IMAGE_BAD_DERIVED);
        p->orc_done++;
        put_orc(&at, (uint32_t)addr,
                p->u->streams[STREAM_ORC_PALETTE].at + index * 6);
        return MULTI_IMAGE_OK;
}

int place_orc(struct placer *p, struct group *g, const struct target *t,
              const struct code *code)
{
        uint32_t count = read_varint_fast(&g->streams[GROUP_ORC_COUNT]);
        struct orc_cursor orcs = { .gaps = g->streams[GROUP_ORC_GAP],
                                   .indexes = g->streams[GROUP_ORC_INDEX],
                                   .turn = code ? code->turns : NULL,
                                   .turn_end = code ? code->turn_end : NULL };
        const uint8_t *palette = p->u->streams[STREAM_ORC_PALETTE].at;
        struct orc_place at = orc_place(p);
        uint32_t addr = (uint32_t)t->addr;

        if (!t->out) {
                skip_varints(&g->streams[GROUP_ORC_GAP], count);
                skip_varints(&g->streams[GROUP_ORC_INDEX], count);
                return MULTI_IMAGE_OK;
        }
        REQUIRE(count <= p->orc_total - p->orc_done, MULTI_IMAGE_BAD_DERIVED);
        p->orc_done += count;
        if (!code) { /* the same without looking for turns: quicker */
                for (; count; count--) {
                        uint32_t index = read_varint_fast(&orcs.indexes);

                        orcs.offset += read_varint_fast(&orcs.gaps);
                        REQUIRE(index < p->palette_count, MULTI_IMAGE_BAD_DERIVED);
                        put_orc(&at, addr + orcs.offset, palette + index * 6);
                }
        }
        for (; count; count--) {
                uint32_t index = read_varint_fast(&orcs.indexes);

                REQUIRE(orc_next(&orcs) && index < p->palette_count,
                        MULTI_IMAGE_BAD_DERIVED);
                put_orc(&at, addr + orcs.offset, palette + index * 6);
        }
        g->streams[GROUP_ORC_GAP] = orcs.gaps;
        g->streams[GROUP_ORC_INDEX] = orcs.indexes;
        return MULTI_IMAGE_OK;
}
