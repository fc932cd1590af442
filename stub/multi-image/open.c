/* SPDX-License-Identifier: MIT */
/*
 * Opens a store: header and tables.  Everything here is checked once, so that
 * the later stages may rely on it: sizes add up, indices are in range, the
 * tables are those that were written together.
 */
#include "multi-image.h"

#include <string.h>

#include "sha256.h"

#define DIGEST_OFFSET offsetof(struct multi_image_header, table_digest)

static bool is_zero(const uint8_t *bytes, size_t size)
{
        while (size)
                if (bytes[--size])
                        return false;
        return true;
}

static bool tables_match_digest(const uint8_t *store, size_t tables_size)
{
        static const uint8_t zero[SHA256_SIZE];
        uint8_t digest[SHA256_SIZE];
        struct sha256 s;

        sha256_init(&s);
        sha256_update(&s, store, DIGEST_OFFSET);
        sha256_update(&s, zero, sizeof(zero));
        sha256_update(&s, store + DIGEST_OFFSET + SHA256_SIZE,
                      tables_size - DIGEST_OFFSET - SHA256_SIZE);
        sha256_final(&s, digest);
        return memcmp(digest, store + DIGEST_OFFSET, SHA256_SIZE) == 0;
}

static bool is_body_stream(uint32_t stream)
{
        return stream >= STREAM_GROUP_FIRST &&
               (stream - STREAM_GROUP_FIRST) % GROUP_STREAM_COUNT >=
                       GROUP_BODY_FIRST;
}

/* Chunks lie back to back behind the tables and fill the store. */
static int check_streams(const struct multi_image *mi, uint64_t data_size)
{
        uint32_t chunk = 0;
        uint64_t packed_size = 0;
        uint32_t i;

        for (i = 0; i < mi->stream_count; i++) {
                const struct format_stream *s = &mi->streams[i];
                uint32_t n = get_le32(s->chunk_count);
                uint64_t raw_size = 0;
                uint32_t largest = 0;

                REQUIRE(n <= mi->chunk_count - chunk, MULTI_IMAGE_BAD_TABLE);
                for (; n; n--, chunk++) {
                        const struct format_chunk *c = &mi->chunks[chunk];
                        uint32_t raw = get_le32(c->raw_size);
                        uint32_t packed = get_le32(c->packed_size);

                        REQUIRE(raw && packed && packed <= raw,
                                MULTI_IMAGE_BAD_TABLE);
                        if (raw > largest)
                                largest = raw;
                        raw_size += raw;
                        packed_size += packed;
                }
                REQUIRE(get_le32(s->max_chunk) == largest &&
                                largest <= MULTI_IMAGE_MAX_CHUNK,
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(raw_size == get_le64(s->raw_size),
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(is_body_stream(i) || raw_size <= MULTI_IMAGE_MAX_META,
                        MULTI_IMAGE_BAD_TABLE);
        }
        REQUIRE(chunk == mi->chunk_count, MULTI_IMAGE_BAD_TABLE);
        REQUIRE(packed_size == data_size, MULTI_IMAGE_TRUNCATED);
        return MULTI_IMAGE_OK;
}

/* Reads the variants' rows; gives where they end, NULL if that is behind end. */
static const le32 *read_variants(struct multi_image *mi, const le32 *at,
                                 const le32 *end)
{
        le32 row[FORMAT_VARIANT_WORDS] = { 0 };
        uint32_t i, k;

        for (i = 0; i < mi->variant_count; i++) {
                uint64_t changed;

                if (at + 2 > end)
                        return NULL;
                changed = get_le64(*(const le64 *)at);
                at += 2;
                for (k = 0; changed; k++, changed >>= 1) {
                        if (!(changed & 1))
                                continue;
                        if (k >= FORMAT_VARIANT_WORDS || at >= end)
                                return NULL;
                        row[k] = *at++;
                }
                memcpy(&mi->variants[i], row, sizeof(row));
        }
        return at;
}

/* 1 to 31 bytes, then zeros. */
static bool is_name(const uint8_t *name)
{
        uint32_t size = 0;

        while (size < MULTI_IMAGE_NAME_SIZE && name[size])
                size++;
        return size && size < MULTI_IMAGE_NAME_SIZE &&
               is_zero(name + size, MULTI_IMAGE_NAME_SIZE - size);
}

static int check_variants(const struct multi_image *mi)
{
        uint32_t i;

        for (i = 0; i < mi->variant_count; i++) {
                const struct format_variant *v = &mi->variants[i];
                uint32_t kind = get_le32(v->kind);

                REQUIRE(is_name(v->name), MULTI_IMAGE_BAD_TABLE);
                REQUIRE(kind >= VARIANT_BZIMAGE && kind <= VARIANT_ELF_32,
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(get_le64(v->payload_size) <= MULTI_IMAGE_MAX_PAYLOAD &&
                                get_le64(v->compact_size) <=
                                        get_le64(v->payload_size),
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(get_le64(v->prefix_size) <= MULTI_IMAGE_MAX_PAYLOAD &&
                                get_le64(v->suffix_size) <=
                                        MULTI_IMAGE_MAX_PAYLOAD &&
                                get_le64(v->setup_size) <=
                                        get_le64(v->prefix_size),
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(get_le64(v->image_size) <=
                                        4ull * MULTI_IMAGE_MAX_PAYLOAD &&
                                get_le64(v->load_size) <=
                                        4ull * MULTI_IMAGE_MAX_PAYLOAD &&
                                get_le64(v->load_room) <=
                                        4ull * MULTI_IMAGE_MAX_PAYLOAD,
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(get_le32(v->fold_count) <=
                                get_le64(v->payload_size) / PAGE,
                        MULTI_IMAGE_BAD_TABLE);
                REQUIRE(kind == VARIANT_BZIMAGE ||
                                (get_le64(v->setup_size) ==
                                         get_le64(v->prefix_size) &&
                                 !get_le64(v->suffix_size) &&
                                 get_le64(v->image_size) ==
                                         get_le64(v->payload_size)),
                        MULTI_IMAGE_BAD_TABLE);
        }
        return MULTI_IMAGE_OK;
}

int multi_image_open(const void *store, size_t store_size,
                     struct multi_image *ret_mi)
{
        const struct multi_image_header *h = store;
        struct multi_image mi = { .store = store, .store_size = store_size };
        const le32 *at;
        size_t tables_size, rest;
        uint32_t i;
        int err;

        REQUIRE(store_size >= sizeof(h->magic) &&
                        memcmp(h->magic, MULTI_IMAGE_MAGIC, sizeof(h->magic)) ==
                                0,
                MULTI_IMAGE_NOT_OURS);
        REQUIRE(store_size >= sizeof(*h), MULTI_IMAGE_TRUNCATED);
        REQUIRE(get_le32(h->version) == MULTI_IMAGE_VERSION,
                MULTI_IMAGE_UNKNOWN_VERSION);
        REQUIRE(get_le64(h->store_size) == store_size, MULTI_IMAGE_TRUNCATED);

        mi.header = h;
        mi.variant_count = get_le32(h->variant_count);
        mi.rule_count = get_le32(h->rule_count);
        mi.stream_count = get_le32(h->stream_count);
        mi.chunk_count = get_le32(h->chunk_count);
        mi.default_variant = get_le32(h->default_variant);
        REQUIRE(mi.variant_count &&
                        mi.variant_count <= MULTI_IMAGE_MAX_VARIANTS,
                MULTI_IMAGE_BAD_TABLE);
        REQUIRE(mi.rule_count <= MULTI_IMAGE_MAX_RULES, MULTI_IMAGE_BAD_TABLE);
        REQUIRE(mi.stream_count > STREAM_GROUP_FIRST &&
                        mi.stream_count <= MULTI_IMAGE_MAX_STREAMS &&
                        (mi.stream_count - STREAM_GROUP_FIRST) %
                                        GROUP_STREAM_COUNT ==
                                0,
                MULTI_IMAGE_BAD_TABLE);
        REQUIRE(mi.chunk_count <= MULTI_IMAGE_MAX_CHUNKS,
                MULTI_IMAGE_BAD_TABLE);
        REQUIRE(mi.default_variant < mi.variant_count, MULTI_IMAGE_BAD_TABLE);
        REQUIRE(is_zero(h->reserved, sizeof(h->reserved)),
                MULTI_IMAGE_BAD_TABLE);

        tables_size = get_le32(h->tables_size);
        /* Less than the header wraps around, and is too much as well. */
        REQUIRE(tables_size - sizeof(*h) <= store_size - sizeof(*h),
                MULTI_IMAGE_TRUNCATED);
        REQUIRE(tables_match_digest(store, tables_size),
                MULTI_IMAGE_BAD_TABLE_DIGEST);

        at = read_variants(&mi, (const void *)(h + 1),
                           (const void *)(mi.store + tables_size));
        REQUIRE(at, MULTI_IMAGE_BAD_TABLE);
        rest = tables_size - (size_t)((const uint8_t *)at - mi.store);
        REQUIRE(rest == mi.rule_count * sizeof(struct format_rule) +
                                mi.stream_count * sizeof(struct format_stream) +
                                mi.chunk_count * sizeof(struct format_chunk),
                MULTI_IMAGE_BAD_TABLE);
        mi.rules = (const void *)at;
        mi.streams = (const void *)(mi.rules + mi.rule_count);
        mi.chunks = (const void *)(mi.streams + mi.stream_count);
        for (i = 0; i < mi.rule_count; i++)
                REQUIRE(mi.rules[i].platform < PLATFORM_COUNT &&
                                mi.rules[i].level < LEVEL_COUNT &&
                                get_le16(mi.rules[i].variant) <
                                        mi.variant_count,
                        MULTI_IMAGE_BAD_TABLE);
        if ((err = check_variants(&mi)) ||
            (err = check_streams(&mi, store_size - tables_size)))
                return err;
        *ret_mi = mi;
        return MULTI_IMAGE_OK;
}

int multi_image_verify_store(const struct multi_image *mi)
{
        size_t tables_size = get_le32(mi->header->tables_size);
        uint8_t digest[SHA256_SIZE];
        struct sha256 s;

        sha256_init(&s);
        sha256_update(&s, mi->store + tables_size,
                      mi->store_size - tables_size);
        sha256_final(&s, digest);
        return memcmp(digest, mi->header->store_digest, SHA256_SIZE) == 0
                       ? MULTI_IMAGE_OK
                       : MULTI_IMAGE_BAD_DIGEST;
}

int multi_image_variant(const struct multi_image *mi, uint32_t index,
                        struct variant_info *ret_info)
{
        const struct format_variant *v;
        uint32_t chunk_size = 0;
        uint32_t i;

        REQUIRE(index < mi->variant_count, MULTI_IMAGE_BAD_ARGUMENT);
        for (i = 0; i < mi->stream_count; i++)
                if (get_le32(mi->streams[i].max_chunk) > chunk_size)
                        chunk_size = get_le32(mi->streams[i].max_chunk);
        v = &mi->variants[index];
        *ret_info = (struct variant_info){
                .kind = get_le32(v->kind),
                .image_size = get_le64(v->image_size),
                .setup_size = get_le64(v->setup_size),
                .init_size = get_le64(v->init_size),
                .payload_size = get_le64(v->payload_size),
                .load_addr = get_le64(v->load_addr),
                .load_size = get_le64(v->load_size),
                .load_room = get_le64(v->load_room),
                .pvh_entry = get_le64(v->pvh_entry),
                .xen_entry = get_le64(v->xen_entry),
                .xen_virt_base = get_le64(v->xen_virt_base),
                .work_size = get_le64(v->work_size),
                .chunk_size = chunk_size,
        };
        memcpy(ret_info->name, v->name, sizeof(v->name));
        memcpy(ret_info->image_digest, v->image_digest, SHA256_SIZE);
        return MULTI_IMAGE_OK;
}

int multi_image_find(const struct multi_image *mi, const char *name,
                     size_t name_size, uint32_t *ret_index)
{
        uint32_t i;

        REQUIRE(name_size && name_size < MULTI_IMAGE_NAME_SIZE,
                MULTI_IMAGE_NO_VARIANT);
        for (i = 0; i < mi->variant_count; i++) {
                const uint8_t *v = mi->variants[i].name;

                if (memcmp(v, name, name_size) == 0 && !v[name_size]) {
                        *ret_index = i;
                        return MULTI_IMAGE_OK;
                }
        }
        return MULTI_IMAGE_NO_VARIANT;
}

/* Whether r decides where other matches as well and comes first. */
static bool beats(const struct format_rule *r, const struct format_rule *other)
{
        uint32_t priority = get_le32(r->priority);
        uint32_t others = get_le32(other->priority);

        return priority > others ||
               (priority == others && r->level > other->level);
}

uint32_t multi_image_choose(const struct multi_image *mi, uint32_t platforms,
                            unsigned level, uint32_t usable, int *ret_rule)
{
        int best = -1;
        uint32_t i;

        for (i = 0; i < mi->rule_count; i++) {
                const struct format_rule *r = &mi->rules[i];

                if (!(platforms >> r->platform &
                      usable >> get_le16(r->variant) & 1) ||
                    r->level > level)
                        continue;
                if (best < 0 || beats(r, &mi->rules[best]))
                        best = (int)i;
        }
        *ret_rule = best;
        return best < 0 ? mi->default_variant
                        : get_le16(mi->rules[best].variant);
}
