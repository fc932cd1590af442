/* SPDX-License-Identifier: MIT */
/*
 * Writes a variant: walks the master sequence a second time, now with bytes.
 *
 * An entry's fields hold pool addresses.  Each is mapped to the slot that it
 * lies in, then to that slot's address in this variant, and stored the way its
 * type says.  Two tables follow from the fragments and are filled on the way:
 * the ORC unwind tables, whose records belong to the function that they
 * describe, and the list of fields that KASLR has to move.
 */
#include <string.h>

#include "unpack.h"

enum slide_list { SLIDE_ABS64, SLIDE_INVERSE, SLIDE_ABS32, SLIDE_NONE };

struct placer {
        struct unpacker *u;
        struct reader op, membership, sizes; /* as layout() read them */
        uint64_t orc_done;  /* unwind records written */
        uint32_t orc_total; /* that there is room for */
        uint64_t prefix_done;
        uint8_t *compact; /* next byte */
        uint8_t *suffix;
};

/* What the value counts from lies this far behind P; absolute values from 0. */
#define ABSOLUTE UINT8_MAX
static const uint8_t places[FIELD_FIXED_ABS64] = {
        [FIELD_REL32_0] = 4,    [FIELD_REL32_1] = 5,
        [FIELD_REL32_2] = 6,    [FIELD_REL32_4] = 8,
        [FIELD_REL32_DATA] = 0, [FIELD_REL64_DATA] = 0,
        [FIELD_ABS32] = ABSOLUTE, [FIELD_ABS64] = ABSOLUTE,
};

/* The slot of a pool address; POOL_BASE <= pool < the pool's end. */
static uint32_t find_slot(const struct unpacker *u, uint32_t pool)
{
        uint32_t slot = u->granules[(pool - POOL_BASE) >> POOL_GRANULE_SHIFT];

        while (u->slot_pool[slot + 1] <= pool)
                slot++;
        return slot;
}

/* Sign-extends an address as the whole of it was truncated. */
static uint64_t extend(uint32_t addr)
{
        return (uint64_t)(int64_t)(int32_t)addr;
}

static int slide_add(struct unpacker *u, enum slide_list list, uint64_t addr)
{
        if (list == SLIDE_NONE || !u->derived[ENTRY_SLIDE].size)
                return MULTI_IMAGE_OK; /* a kernel that is not relocatable */
        REQUIRE(u->slide_count[list] < u->slide_max[list],
                MULTI_IMAGE_BAD_DERIVED);
        u->slide[list][u->slide_count[list]++] = (uint32_t)addr;
        return MULTI_IMAGE_OK;
}

/* Which list of the KASLR table a field belongs in: absolute ones move with the
 * kernel unless they point into the per-CPU area, which stays; references
 * *into* that area relative to a place that moves do so inversely
 * (arch/x86/tools/relocs.c, do_reloc64). */
static enum slide_list slide_list(uint8_t type, bool to_percpu)
{
        switch (type) {
        case FIELD_FIXED_INVERSE:
                return SLIDE_INVERSE;
        case FIELD_ABS64:
        case FIELD_FIXED_ABS64:
                return to_percpu ? SLIDE_NONE : SLIDE_ABS64;
        case FIELD_ABS32:
        case FIELD_FIXED_ABS32:
                return to_percpu ? SLIDE_NONE : SLIDE_ABS32;
        case FIELD_REL64_DATA:
                return SLIDE_NONE;
        default:
                return to_percpu ? SLIDE_INVERSE : SLIDE_NONE;
        }
}

static int slide(struct unpacker *u, uint8_t type, bool to_percpu,
                 uint64_t load_addr)
{
        if (type & FIELD_UNLISTED || !u->derived[ENTRY_SLIDE].size)
                return MULTI_IMAGE_OK;
        return slide_add(u, slide_list(type, to_percpu), load_addr);
}

/* Relocates one field: at in memory, addr its address, load_addr the one that
 * the KASLR table knows it by. */
static int relocate(struct unpacker *u, uint8_t *at, uint8_t type, uint32_t pool,
                    uint64_t addr, uint64_t load_addr)
{
        uint8_t place = places[type & ~FIELD_UNLISTED];
        uint32_t slot;
        uint64_t value;

        REQUIRE(pool >= POOL_BASE && pool < u->slot_pool[u->slot_count],
                MULTI_IMAGE_BAD_FIELD);
        slot = find_slot(u, pool);
        REQUIRE(u->slot_addr[slot] != SLOT_ABSENT, MULTI_IMAGE_BAD_FIELD);
        value = extend(u->slot_addr[slot] + (pool - u->slot_pool[slot]));
        if (place != ABSOLUTE)
                value -= addr + place;
        if (field_size(type) == 4) {
                le32 v = put_le32((uint32_t)value);
                memcpy(at, &v, sizeof(v));
        } else {
                le64 v = put_le64(value);
                memcpy(at, &v, sizeof(v));
        }
        return slide(u, type, slot >= u->percpu_first && slot < u->percpu_end,
                     load_addr);
}

/* The fields of an entry that this variant does not hold; those of a record
 * must be read all the same, for the targets of the records behind it. */
static int skip_fields(struct group *g)
{
        struct reader *types = &g->streams[GROUP_FIELD_TYPE];
        uint32_t count = read_varint(&g->streams[GROUP_FIELD_COUNT]);

        REQUIRE(reader_ok(types) && count <= (size_t)(types->end - types->at),
                MULTI_IMAGE_BAD_FIELD);
        types->at += count;
        skip_varints(&g->streams[GROUP_FIELD_GAP], count);
        return MULTI_IMAGE_OK;
}

/* The fields of one entry, out NULL if this variant does not hold it.  Bytes
 * written may lie anywhere, for all the compiler knows: the readers are copied,
 * so that they can stay in registers. */
static int place_fields(struct unpacker *u, const struct section *s,
                        struct group *g, uint8_t *out, uint64_t size,
                        uint64_t addr, uint64_t load_addr)
{
        uint32_t count = read_varint(&g->streams[GROUP_FIELD_COUNT]);
        struct reader gaps = g->streams[GROUP_FIELD_GAP];
        struct reader types = g->streams[GROUP_FIELD_TYPE];
        bool is_record = s->flags & SECTION_RECORD;
        uint64_t position = 0;
        uint32_t column = 0;
        int err = MULTI_IMAGE_OK;

        for (; count; count--) {
                uint32_t gap = read_varint(&gaps);
                uint8_t type = read_byte(&types);
                uint32_t pool = 0;

                REQUIRE((type & ~FIELD_UNLISTED) < FIELD_TYPE_COUNT,
                        MULTI_IMAGE_BAD_FIELD);
                position += gap;
                REQUIRE(position <= size && field_size(type) <= size - position,
                        MULTI_IMAGE_BAD_FIELD);
                if (field_is_fixed(type)) {
                        err = out ? slide(u, type, false, load_addr + position) :
                                    MULTI_IMAGE_OK;
                } else if (is_record) {
                        g->last_target[column] += (uint32_t)read_signed(
                                &g->streams[GROUP_TARGET]);
                        pool = g->last_target[column];
                        column = column + 1 == s->columns ? 0 : column + 1;
                } else if (out) {
                        le32 v;
                        memcpy(&v, out + position, sizeof(v));
                        pool = get_le32(v);
                }
                if (out && !field_is_fixed(type))
                        err = relocate(u, out + position, type, pool,
                                       addr + position, load_addr + position);
                if (err)
                        return err;
                position += field_size(type);
        }
        g->streams[GROUP_FIELD_GAP] = gaps;
        g->streams[GROUP_FIELD_TYPE] = types;
        return MULTI_IMAGE_OK;
}

/* Unwind records of one function (struct orc_entry and its address, .orc_unwind
 * and .orc_unwind_ip: arch/x86/include/asm/orc_types.h). */
static int place_orc(struct placer *p, struct group *g, bool member,
                     uint64_t addr)
{
        struct unpacker *u = p->u;
        const struct reader *palette = &u->streams[STREAM_ORC_PALETTE];
        uint32_t palette_count = (uint32_t)((palette->end - palette->at) / 6);
        uint32_t count = read_varint(&g->streams[GROUP_ORC_COUNT]);
        struct reader gaps = g->streams[GROUP_ORC_GAP];
        struct reader indexes = g->streams[GROUP_ORC_INDEX];
        uint64_t at = u->derived[ENTRY_ORC_IP].addr + p->orc_done * 4;
        uint8_t *ip = u->compact + u->derived[ENTRY_ORC_IP].offset +
                      p->orc_done * 4;
        uint8_t *orc = u->compact + u->derived[ENTRY_ORC].offset +
                       p->orc_done * 6;

        if (!member) {
                skip_varints(&g->streams[GROUP_ORC_GAP], count);
                skip_varints(&g->streams[GROUP_ORC_INDEX], count);
                return MULTI_IMAGE_OK;
        }
        REQUIRE(count <= p->orc_total - p->orc_done, MULTI_IMAGE_BAD_DERIVED);
        p->orc_done += count;
        for (; count; count--, at += 4, ip += 4, orc += 6) {
                uint32_t index;
                le32 v;

                addr += read_varint(&gaps);
                index = read_varint(&indexes);
                REQUIRE(index < palette_count, MULTI_IMAGE_BAD_DERIVED);
                v = put_le32((uint32_t)(addr - at));
                memcpy(ip, &v, sizeof(v));
                memcpy(orc, palette->at + index * 6, 6);
        }
        g->streams[GROUP_ORC_GAP] = gaps;
        g->streams[GROUP_ORC_INDEX] = indexes;
        return MULTI_IMAGE_OK;
}

/* The prefix goes to two places: the set-up part and the rest. */
static void put_prefix(struct placer *p, const uint8_t *bytes, uint64_t size)
{
        struct unpacker *u = p->u;
        uint64_t setup_size = get_le64(u->mi->variants[u->variant].setup_size);
        uint64_t n = 0; /* of these bytes that belong to the set-up */

        if (p->prefix_done < setup_size)
                n = setup_size - p->prefix_done < size ?
                            setup_size - p->prefix_done :
                            size;
        if (n)
                memcpy(u->prefix_setup + p->prefix_done, bytes, n);
        if (size > n)
                memcpy(u->prefix + (p->prefix_done + n - setup_size), bytes + n,
                       size - n);
        p->prefix_done += size;
}

/* An entry with bytes of its own; addr and load_addr as in place_fields(). */
static int place_body(struct placer *p, const struct section *s,
                      struct group *g, bool member, uint64_t size,
                      uint64_t addr, uint64_t load_addr)
{
        const uint8_t *bytes;
        uint8_t *out = NULL;
        int err;

        REQUIRE(size <= MULTI_IMAGE_MAX_BODY, MULTI_IMAGE_BAD_LAYOUT);
        if ((err = body_take(p->u, &g->bodies[s->body], size, &bytes)))
                return err;
        if (member && s->part == PART_PREFIX) {
                put_prefix(p, bytes, size);
        } else if (member && s->part == PART_PAYLOAD) {
                out = p->compact;
                memcpy(out, bytes, size);
                p->compact += size;
        } else if (member && s->part == PART_SUFFIX) {
                memcpy(p->suffix, bytes, size);
                p->suffix += size;
        }
        if (s->flags & SECTION_SLOTS) {
                err = out || s->flags & SECTION_RECORD ?
                              place_fields(p->u, s, g, out, size, addr, load_addr) :
                              skip_fields(g);
                if (err)
                        return err;
        }
        return s->flags & SECTION_CODE ? place_orc(p, g, member, addr) :
                                         MULTI_IMAGE_OK;
}

static void reset_targets(struct unpacker *u)
{
        uint32_t g, i;

        for (g = 0; g < u->group_count; g++)
                for (i = 0; i < FORMAT_MAX_COLUMNS; i++)
                        u->groups[g].last_target[i] = POOL_BASE;
}

static int place_section(struct placer *p, const struct section *s)
{
        struct unpacker *u = p->u;
        uint64_t offset = 0; /* of the variant's next entry */
        uint32_t n;
        int err;

        reset_targets(u);
        for (n = s->entry_count; n; n--) {
                uint8_t kind = read_byte(&p->op) & ENTRY_KIND;
                struct membership m =
                        u->memberships[read_varint(&p->membership)];
                uint64_t size = read_varint(&p->sizes);
                struct group *g = &u->groups[m.group];

                if (!g->is_used)
                        continue;
                if (kind == ENTRY_FOLD)
                        size *= PAGE;
                if (kind == ENTRY_BODY) {
                        if ((err = place_body(p, s, g, m.is_member, size,
                                              s->addr + offset,
                                              s->load_addr + offset)))
                                return err;
                } else if (m.is_member && kind != ENTRY_FOLD &&
                           kind != ENTRY_NOBITS) {
                        p->compact += size;
                }
                if (m.is_member)
                        offset += size;
        }
        return MULTI_IMAGE_OK;
}

/* Each stream must be used up: else it is not what the entries were made of. */
static int check_groups(const struct unpacker *u)
{
        uint32_t g, i;

        for (g = 0; g < u->group_count; g++) {
                const struct group *group = &u->groups[g];

                if (!group->is_used)
                        continue;
                for (i = 0; i < GROUP_BODY_FIRST; i++)
                        REQUIRE(reader_done(&group->streams[i]),
                                i < GROUP_ORC_COUNT ? MULTI_IMAGE_BAD_FIELD :
                                                      MULTI_IMAGE_BAD_DERIVED);
                for (i = 0; i < GROUP_BODY_COUNT; i++)
                        REQUIRE(group->bodies[i].chunk ==
                                                group->bodies[i].chunk_end &&
                                        group->bodies[i].position ==
                                                group->bodies[i].size,
                                MULTI_IMAGE_BAD_LAYOUT);
        }
        return MULTI_IMAGE_OK;
}

/* The KASLR table: a zero, the 64-bit fields, a zero, the inverse ones, a zero,
 * the 32-bit ones (arch/x86/tools/relocs.c, emit_relocs). */
static int derive_slide(struct unpacker *u)
{
        const struct derived *d = &u->derived[ENTRY_SLIDE];
        uint8_t *out = u->compact + d->offset;
        uint64_t size = 0;
        uint32_t list, i;

        if (!d->size)
                return MULTI_IMAGE_OK;
        for (list = 0; list < 3; list++)
                size += (1ull + u->slide_count[list]) * sizeof(le32);
        REQUIRE(size == d->size, MULTI_IMAGE_BAD_DERIVED);
        for (list = 0; list < 3; list++) {
                out += sizeof(le32); /* the zero */
                for (i = 0; i < u->slide_count[list]; i++) {
                        le32 v = put_le32(u->slide[list][i]);

                        memcpy(out, &v, sizeof(v));
                        out += sizeof(v);
                }
        }
        return MULTI_IMAGE_OK;
}

static int open_slide(struct unpacker *u)
{
        const struct format_variant *v = &u->mi->variants[u->variant];
        uint32_t list;

        for (list = 0; list < 3; list++) {
                u->slide_max[list] = get_le32(v->slide_count[list]);
                u->slide[list] = arena_take(&u->arena,
                                            u->slide_max[list] *
                                                    (uint64_t)sizeof(uint32_t));
                REQUIRE(u->slide[list], MULTI_IMAGE_NO_MEMORY);
        }
        return MULTI_IMAGE_OK;
}

int place(struct unpacker *u)
{
        struct placer p = {
                .u = u,
                .op = u->streams[STREAM_OP],
                .membership = u->streams[STREAM_MEMBERSHIP],
                .sizes = u->streams[STREAM_SIZE],
                .compact = u->compact,
                .suffix = u->suffix,
        };
        uint64_t ip_size = u->derived[ENTRY_ORC_IP].size;
        uint32_t i;
        int err;

        REQUIRE(ip_size % 4 == 0 &&
                        u->derived[ENTRY_ORC].size == ip_size / 4 * 6,
                MULTI_IMAGE_BAD_DERIVED);
        p.orc_total = (uint32_t)(ip_size / 4);
        for (i = 0; i < ENTRY_KIND_COUNT; i++) /* padding stays zero */
                memset(u->compact + u->derived[i].offset, 0,
                       u->derived[i].size);
        if ((err = open_slide(u)))
                return err;
        for (i = 0; i < u->section_count; i++)
                if ((err = place_section(&p, &u->sections[i])))
                        return err;
        if ((err = check_groups(u)))
                return err;
        REQUIRE(p.orc_done == p.orc_total, MULTI_IMAGE_BAD_DERIVED);
        return derive_slide(u);
}
