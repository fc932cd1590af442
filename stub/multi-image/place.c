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

#include "place.h"

/* Where the next size bytes of a part go, NULL if that is nowhere.  The prefix
 * is in two places, the set-up and the rest: no entry reaches over the border. */
static int next_place(struct placer *p, uint8_t part, uint64_t size, uint8_t **ret)
{
        struct unpacker *u = p->u;
        uint64_t setup_size = get_le64(u->row->setup_size);

        *ret = NULL;
        if (part == PART_PAYLOAD) {
                *ret = p->compact;
                p->compact += size;
        } else if (part == PART_SUFFIX) {
                *ret = p->suffix;
                p->suffix += size;
        } else if (part == PART_PREFIX) {
                *ret = p->prefix_done < setup_size ?
                               u->prefix_setup + p->prefix_done :
                               u->prefix + (p->prefix_done - setup_size);
                REQUIRE(p->prefix_done >= setup_size ||
                                size <= setup_size - p->prefix_done,
                        MULTI_IMAGE_BAD_LAYOUT);
                p->prefix_done += size;
        }
        return MULTI_IMAGE_OK;
}

/* Whether the entry after this one is a patch of it. */
static bool is_base(const struct placer *p)
{
        return p->op.at < p->op.end && (*p->op.at & ENTRY_KIND) == ENTRY_PATCH;
}

/* Keeps a body whose unwind records come next in g's streams. */
static SELDOM void keep_base(struct placer *p, const struct section *s, struct group *g,
                      const uint8_t *bytes, uint64_t size,
                      const struct code *code)
{
        struct reader orcs = g->streams[GROUP_ORC_COUNT];

        p->base = (struct base){
                .bytes = bytes,
                .size = (uint32_t)size,
                .orc_count = s->flags & SECTION_CODE ? read_varint(&orcs) : 0,
                .orcs = { .gaps = g->streams[GROUP_ORC_GAP],
                          .indexes = g->streams[GROUP_ORC_INDEX],
                          .turn = code ? code->turns : NULL,
                          .turn_end = code ? code->turn_end : NULL },
        };
}

static int place_body(struct placer *p, const struct section *s, struct group *g,
                      uint8_t kind, const struct target *t, uint64_t size)
{
        struct code *code = kind == ENTRY_CODE ? &p->code : NULL;
        const uint8_t *bytes = p->code.bytes;
        int err = code ? gather(p->u, g, code, (uint32_t)size) :
                         body_take(p->u, &g->bodies[s->body], size, &bytes);

        if (err)
                return err;
        if (t->out)
                memcpy(t->out, bytes, size);
        if (is_base(p) && !(s->flags & SECTION_RECORD))
                keep_base(p, s, g, bytes, size, code);
        if (s->flags & SECTION_SLOTS && (err = place_fields(p->u, s, g, bytes, t, size)))
                return err;
        return s->flags & SECTION_CODE ? place_orc(p, g, t, code) : MULTI_IMAGE_OK;
}

/* An entry with bytes of its own. */
static int place_bytes(struct placer *p, const struct section *s,
                       struct group *g, uint8_t kind, bool member, uint64_t size,
                       uint64_t offset)
{
        struct target t = { .addr = s->addr + offset,
                            .load_addr = s->load_addr + offset };
        int err;

        REQUIRE(size <= MULTI_IMAGE_MAX_BODY, MULTI_IMAGE_BAD_LAYOUT);
        if (member && (err = next_place(p, s->part, size, &t.out)))
                return err;
        return kind == ENTRY_PATCH ? place_patch(p, s, g, &t, size) :
                                     place_body(p, s, g, kind, &t, size);
}

static void reset_targets(struct unpacker *u)
{
        uint32_t g, i;

        for (g = 0; g < u->group_count; g++)
                for (i = 0; i < FORMAT_MAX_COLUMNS; i++)
                        u->groups[g].last_target[i] = u->pool.base;
}

static int place_section(struct placer *p, const struct section *s)
{
        struct unpacker *u = p->u;
        uint64_t offset = 0; /* of the variant's next entry */
        uint32_t n;
        int err;

        reset_targets(u);
        p->base.bytes = NULL;
        for (n = s->entry_count; n; n--) {
                uint8_t kind = read_byte(&p->op) & ENTRY_KIND;
                struct membership m =
                        u->memberships[read_varint_fast(&p->membership)];
                uint64_t size = read_varint_fast(&p->sizes);
                struct group *g = &u->groups[m.group];

                if (kind != ENTRY_PATCH && !(entry_has_body(kind) && g->is_used))
                        p->base.bytes = NULL;
                if (!g->is_used)
                        continue;
                if (kind == ENTRY_FOLD)
                        size *= PAGE;
                if (entry_has_body(kind) || kind == ENTRY_PATCH) {
                        if ((err = place_bytes(p, s, g, kind, m.is_member, size,
                                               offset)))
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
static SELDOM int check_groups(const struct unpacker *u)
{
        uint32_t g, i;

        for (g = 0; g < u->group_count; g++) {
                const struct group *group = &u->groups[g];

                if (!group->is_used)
                        continue;
                for (i = 0; i < GROUP_BODY_FIRST; i++)
                        REQUIRE(reader_done(&group->streams[i]),
                                i < GROUP_ORC_COUNT   ? MULTI_IMAGE_BAD_FIELD :
                                i < GROUP_PATCH_OP    ? MULTI_IMAGE_BAD_DERIVED :
                                                        MULTI_IMAGE_BAD_PATCH);
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
 * the 32-bit ones (arch/x86/tools/relocs.c, emit_relocs).  How many there are is
 * known, so each list grows where it belongs. */
static SELDOM int open_slide(struct unpacker *u)
{
        const struct derived *d = &u->derived[ENTRY_SLIDE];
        uint64_t offset = 0;
        uint32_t list;

        if (!d->size)
                return MULTI_IMAGE_OK;
        for (list = 0; list < 3; list++) {
                uint32_t count = get_le32(u->row->slide_count[list]);

                offset += sizeof(le32); /* the zero */
                u->slide[list] = u->compact + d->offset + offset;
                offset += count * (uint64_t)sizeof(le32);
                REQUIRE(offset <= d->size, MULTI_IMAGE_BAD_DERIVED);
                u->slide_end[list] = u->compact + d->offset + offset;
        }
        REQUIRE(offset == d->size, MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

int slide_check(const struct unpacker *u)
{
        uint32_t list;

        for (list = 0; list < 3; list++)
                REQUIRE(u->slide[list] == u->slide_end[list],
                        MULTI_IMAGE_BAD_DERIVED);
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
        const struct reader *palette = &u->streams[STREAM_ORC_PALETTE];
        uint64_t ip_size = u->derived[ENTRY_ORC_IP].size;
        uint32_t i;
        int err;

        REQUIRE(ip_size % 4 == 0 &&
                        u->derived[ENTRY_ORC].size == ip_size / 4 * 6,
                MULTI_IMAGE_BAD_DERIVED);
        p.orc_total = (uint32_t)(ip_size / 4);
        p.palette_count = (uint32_t)((palette->end - palette->at) / 6);
        for (i = 0; i < ENTRY_KIND_COUNT; i++) /* padding stays zero */
                memset(u->compact + u->derived[i].offset, 0,
                       u->derived[i].size);
        p.patched = arena_take(&u->arena, MULTI_IMAGE_MAX_BODY + BODY_SLACK);
        REQUIRE(p.patched && code_open(u, &p.code), MULTI_IMAGE_NO_MEMORY);
        if ((err = open_slide(u)) || (err = sites_open(u)))
                return err;
        for (i = 0; i < u->section_count; i++)
                if ((err = place_section(&p, &u->sections[i])))
                        return err;
        if ((err = check_groups(u)))
                return err;
        REQUIRE(p.orc_done == p.orc_total, MULTI_IMAGE_BAD_DERIVED);
        return sites_derive(u);
}
