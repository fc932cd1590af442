/* SPDX-License-Identifier: MIT */
/*
 * Where everything stands in one variant.
 *
 * The master sequence is walked once without its bytes.  Each entry that the
 * variant holds gets the next address of its section, each slot thereby its
 * address in this variant; at the same time the slots are numbered in the pool,
 * which is the same for all variants:
 *
 *      entry          membership   slot  pool      native    xen
 *      foo            all          0     a4000000  81000000  81000000
 *      bar (version)  native       1     a4000050  81000040
 *      bar (version)  xen          1     a4000050            81000040
 *      qux            xen          2     a4000090            81000060
 *      quux           all          3     a40000b0  81000060  81000080
 *
 * A call of quux holds the pool address a40000b0 wherever it occurs, so its
 * bytes are the same in both.
 */
#include <string.h>

#include "unpack.h"

static uint64_t read_addr(struct reader *r, uint32_t variant, uint32_t count)
{
        const le64 *addrs = (const le64 *)r->at;

        r->at += count * sizeof(le64);
        return get_le64(addrs[variant]);
}

static int read_sections(struct unpacker *u)
{
        struct reader *r = &u->streams[STREAM_SECTIONS];
        uint32_t variant_count = u->mi->variant_count;
        const struct format_section *f;
        uint32_t i;

        REQUIRE((size_t)(r->end - r->at) >= sizeof(le32),
                MULTI_IMAGE_BAD_LAYOUT);
        u->section_count = get_le32(*(const le32 *)r->at);
        r->at += sizeof(le32);
        REQUIRE(u->section_count <= MULTI_IMAGE_MAX_SECTIONS &&
                        (size_t)(r->end - r->at) >=
                                u->section_count * sizeof(*f),
                MULTI_IMAGE_BAD_LAYOUT);
        f = (const struct format_section *)r->at;
        r->at += u->section_count * sizeof(*f);
        u->sections = arena_take(&u->arena,
                                 u->section_count * sizeof(*u->sections));
        REQUIRE(u->sections, MULTI_IMAGE_NO_MEMORY);

        for (i = 0; i < u->section_count; i++, f++) {
                struct section *s = &u->sections[i];
                uint32_t addr_count = !!(f->flags & SECTION_LOADED) +
                                      !!(f->flags & SECTION_PERCPU);

                REQUIRE(f->part <= PART_NONE && f->body < GROUP_SECTION_BODY_COUNT &&
                                f->columns >= 1 &&
                                f->columns <= FORMAT_MAX_COLUMNS &&
                                f->flags < SECTION_FLAGS_END,
                        MULTI_IMAGE_BAD_LAYOUT);
                REQUIRE(!(f->flags & SECTION_PERCPU) ||
                                f->flags & SECTION_LOADED,
                        MULTI_IMAGE_BAD_LAYOUT);
                REQUIRE((size_t)(r->end - r->at) >=
                                addr_count * variant_count * sizeof(le64),
                        MULTI_IMAGE_BAD_LAYOUT);
                *s = (struct section){
                        .part = f->part,
                        .flags = f->flags,
                        .body = f->body,
                        .columns = f->columns,
                        .entry_count = get_le32(f->entry_count),
                };
                if (f->flags & SECTION_LOADED)
                        s->addr = read_addr(r, u->variant, variant_count);
                s->load_addr = s->addr;
                if (f->flags & SECTION_PERCPU)
                        s->load_addr = read_addr(r, u->variant, variant_count);
        }
        REQUIRE(reader_done(r), MULTI_IMAGE_BAD_LAYOUT);
        return MULTI_IMAGE_OK;
}

static bool is_new_slot(const struct section *s, uint8_t op)
{
        return s->flags & SECTION_SLOTS &&
               !(op & (ENTRY_VERSION | ENTRY_MOVED));
}

/* Counts slots, and checks that the sections' entries are all there are. */
static int count_slots(struct unpacker *u)
{
        const struct reader *r = &u->streams[STREAM_OP];
        const uint8_t *op = r->at;
        uint32_t i, n;

        for (i = 0; i < u->section_count; i++) {
                const struct section *s = &u->sections[i];

                n = s->entry_count;
                REQUIRE(n <= (size_t)(r->end - op), MULTI_IMAGE_BAD_LAYOUT);
                for (; n; n--)
                        u->slot_count += is_new_slot(s, *op++);
        }
        REQUIRE(op == r->end, MULTI_IMAGE_BAD_LAYOUT);
        return MULTI_IMAGE_OK;
}

/* A run of pages may reach over several sections: it is one fold. */
static int add_fold(struct unpacker *u, const struct section *s,
                    uint32_t page_count, uint8_t value)
{
        struct fold *last = &u->folds[u->fold_count];

        REQUIRE(s->part == PART_PAYLOAD && page_count, MULTI_IMAGE_BAD_LAYOUT);
        u->payload_size += (uint64_t)page_count * PAGE;
        if (u->fold_count && last[-1].position == u->compact_size &&
            last[-1].value == value) {
                REQUIRE(page_count <= UINT32_MAX - last[-1].page_count,
                        MULTI_IMAGE_BAD_LAYOUT);
                last[-1].page_count += page_count;
                return MULTI_IMAGE_OK;
        }
        REQUIRE(u->fold_count <
                        get_le32(u->row->fold_count),
                MULTI_IMAGE_BAD_LAYOUT);
        *last = (struct fold){ u->compact_size, page_count, value };
        u->fold_count++;
        return MULTI_IMAGE_OK;
}

static int add_derived(struct unpacker *u, const struct section *s, uint8_t kind,
                       uint32_t size, uint64_t addr)
{
        struct derived *d = &u->derived[kind];

        /* in one piece: exported symbols may come in several entries */
        REQUIRE(s->part == PART_PAYLOAD &&
                        (!d->size || (kind >= ENTRY_EXPORTS &&
                                      d->offset + d->size == u->compact_size &&
                                      d->addr + d->size == addr)),
                MULTI_IMAGE_BAD_LAYOUT);
        if (!d->size)
                *d = (struct derived){ u->compact_size, addr, 0 };
        d->size += size;
        return MULTI_IMAGE_OK;
}

/* What lies behind a part's entries so far. */
static uint64_t *part_size(struct unpacker *u, uint8_t part)
{
        return part == PART_PREFIX  ? &u->prefix_size :
               part == PART_PAYLOAD ? &u->compact_size :
                                      &u->suffix_size;
}

/* A limit that keeps sums of sizes within 64 bits. */
#define MAX_SPAN (1u << 31)

struct walker {
        struct unpacker *u;
        /* Copies: the place stage reads these streams once more. */
        struct reader op, membership, sizes, moved, fold;
        uint32_t slot_count; /* begun so far */
        uint64_t pool;       /* of the slot begun last */
        uint64_t next_pool;  /* of the one that follows */
};

/* Room in the pool behind a slot that begins at pool and holds size bytes. */
static inline uint64_t pool_behind(uint64_t pool, uint32_t size)
{
        return pool + (size + (uint64_t)POOL_STEP - 1) / POOL_STEP * POOL_STEP +
               POOL_STEP;
}

static int walk_section(struct walker *w, const struct section *s)
{
        struct unpacker *u = w->u;
        struct reader op = w->op, membership = w->membership, sizes = w->sizes;
        struct slot *slot = NULL;  /* the entry's, in a section that has them */
        uint64_t *total = part_size(u, s->part);
        uint64_t addr = s->addr;
        bool is_moved = false;
        uint32_t n;
        int err;

        for (n = s->entry_count; n; n--) {
                uint8_t o = read_byte(&op);
                uint8_t kind = o & ENTRY_KIND;
                uint32_t m = read_varint_fast(&membership);
                uint32_t size = read_varint_fast(&sizes);

                /* of the flags none that is unknown, and not both */
                REQUIRE(kind < ENTRY_KIND_COUNT &&
                                o < (ENTRY_VERSION | ENTRY_MOVED) &&
                                m < u->membership_count &&
                                size < (kind == ENTRY_FOLD ? MAX_SPAN / PAGE :
                                                             MAX_SPAN),
                        MULTI_IMAGE_BAD_LAYOUT);
                if (kind == ENTRY_FOLD)
                        size *= PAGE;
                if (!(s->flags & SECTION_SLOTS)) {
                        ;
                } else if (!(o & (ENTRY_VERSION | ENTRY_MOVED))) {
                        is_moved = false;
                        slot = &u->slots[w->slot_count++];
                        slot->pool = (uint32_t)(w->pool = w->next_pool);
                        w->next_pool = pool_behind(w->pool, size);
                        REQUIRE(w->next_pool <= UINT32_MAX, MULTI_IMAGE_BAD_LAYOUT);
                } else if (o & ENTRY_MOVED) {
                        uint32_t i = read_varint(&w->moved);

                        REQUIRE(i < u->slot_count, MULTI_IMAGE_BAD_LAYOUT);
                        is_moved = true;
                        slot = &u->slots[i];
                } else {
                        REQUIRE(slot, MULTI_IMAGE_BAD_LAYOUT);
                        if (!is_moved && pool_behind(w->pool, size) > w->next_pool)
                                w->next_pool = pool_behind(w->pool, size);
                        REQUIRE(w->next_pool <= UINT32_MAX, MULTI_IMAGE_BAD_LAYOUT);
                }
                if (!u->memberships[m].is_member) {
                        if (kind == ENTRY_FOLD)
                                read_byte(&w->fold);
                        continue;
                }
                REQUIRE(s->addr != FORMAT_ABSENT, MULTI_IMAGE_BAD_LAYOUT);
                if (slot) {
                        REQUIRE(slot->addr == SLOT_ABSENT,
                                MULTI_IMAGE_BAD_LAYOUT);
                        slot->addr = (uint32_t)addr;
                }
                if (kind == ENTRY_FOLD) {
                        if ((err = add_fold(u, s, size / PAGE,
                                            read_byte(&w->fold))))
                                return err;
                        addr += size;
                        continue;
                }
                addr += size;
                REQUIRE(s->part != PART_NONE || kind == ENTRY_NOBITS || !size,
                        MULTI_IMAGE_BAD_LAYOUT);
                if (kind == ENTRY_NOBITS) {
                        REQUIRE(s->part == PART_NONE, MULTI_IMAGE_BAD_LAYOUT);
                        continue;
                }
                REQUIRE(s->part == PART_PAYLOAD || kind != ENTRY_STRINGS,
                        MULTI_IMAGE_BAD_LAYOUT);
                if (!entry_has_body(kind) && kind != ENTRY_PATCH &&
                    kind != ENTRY_STRINGS &&
                    (err = add_derived(u, s, kind, size, addr - size)))
                        return err;
                *total += size;
        }
        w->op = op;
        w->membership = membership;
        w->sizes = sizes;
        return MULTI_IMAGE_OK;
}

static int walk(struct unpacker *u)
{
        uint8_t mark = u->mi->header->pool_mark;
        uint32_t base = (uint32_t)mark << 24;
        struct walker w = {
                .u = u,
                .op = u->streams[STREAM_OP],
                .membership = u->streams[STREAM_MEMBERSHIP],
                .sizes = u->streams[STREAM_SIZE],
                .moved = u->streams[STREAM_MOVED],
                .fold = u->streams[STREAM_FOLD],
                .next_pool = base,
        };
        uint32_t i;
        int err;

        for (i = 0; i < u->section_count; i++) {
                const struct section *s = &u->sections[i];
                uint32_t first = w.slot_count;

                if ((err = walk_section(&w, s)))
                        return err;
                if (s->flags & SECTION_PERCPU) {
                        REQUIRE(!u->percpu_count, MULTI_IMAGE_BAD_LAYOUT);
                        u->percpu_first = first;
                        u->percpu_count = w.slot_count - first;
                }
        }
        u->slots[w.slot_count].pool = (uint32_t)w.next_pool;
        REQUIRE(field_marks_init(&u->pool, mark, (uint32_t)w.next_pool - base),
                MULTI_IMAGE_BAD_LAYOUT);
        u->payload_size += u->compact_size;
        REQUIRE(reader_done(&w.op) && reader_done(&w.membership) &&
                        reader_done(&w.sizes) && reader_done(&w.moved) &&
                        reader_done(&w.fold),
                MULTI_IMAGE_BAD_LAYOUT);
        return MULTI_IMAGE_OK;
}

/* For each granule of pool addresses the slot that its first byte lies in. */
static int index_pool(struct unpacker *u)
{
        uint32_t count = (u->pool.span >> POOL_GRANULE_SHIFT) + 1;
        uint32_t slot = 0;
        uint32_t i;

        u->granules = arena_take(&u->arena, (uint64_t)count * sizeof(uint32_t));
        REQUIRE(u->granules, MULTI_IMAGE_NO_MEMORY);
        for (i = 0; i < count; i++) {
                uint32_t pool = u->pool.base + (i << POOL_GRANULE_SHIFT);

                while (slot + 1 < u->slot_count && u->slots[slot + 1].pool <= pool)
                        slot++;
                u->granules[i] = slot;
        }
        return MULTI_IMAGE_OK;
}

int layout(struct unpacker *u)
{
        const struct format_variant *v = u->row;
        int err;

        if ((err = read_sections(u)) || (err = count_slots(u)))
                return err;
        u->slots = arena_take(&u->arena,
                              (u->slot_count + 1ull) * sizeof(*u->slots));
        u->folds = arena_take(&u->arena, get_le32(v->fold_count) *
                                                 (uint64_t)sizeof(*u->folds));
        REQUIRE(u->slots && u->folds, MULTI_IMAGE_NO_MEMORY);
        memset(u->slots, 0xff, (u->slot_count + 1ull) * sizeof(*u->slots));
        if ((err = walk(u)) || (err = index_pool(u)))
                return err;
        REQUIRE(u->prefix_size == get_le64(v->prefix_size) &&
                        u->compact_size == get_le64(v->compact_size) &&
                        u->payload_size == get_le64(v->payload_size) &&
                        u->suffix_size == get_le64(v->suffix_size) &&
                        u->fold_count == get_le32(v->fold_count),
                MULTI_IMAGE_BAD_LAYOUT);
        return MULTI_IMAGE_OK;
}
