/* SPDX-License-Identifier: MIT */
/*
 * Accounts for the bytes of a store: by stream, by section of the kernel, by
 * membership, by variant, by entry.
 *
 * The master sequence is walked as the reader does, for all variants at once:
 * each entry's part of every stream is known in raw bytes.  What it takes of
 * the packed store is that, times packed/raw of the chunk that it lies in: an
 * estimate, since a compressor does not work in shares, but one that adds up to
 * the streams' true sizes, to the byte.
 *
 * So the marginal cost of a variant is told as the bytes that it alone holds.
 * A smaller part of what it shares with others (other sizes, other order) is
 * not told apart.
 */
#include "account-parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "../stub/multi-image/exports.h"

static const char *const stream_names[ACCOUNT_STREAM_KINDS] = {
        [STREAM_SECTIONS] = "sections",
        [STREAM_MEMBERSHIPS] = "memberships",
        [STREAM_GROUPS] = "groups",
        [STREAM_OP] = "entry kinds",
        [STREAM_MEMBERSHIP] = "entry memberships",
        [STREAM_SIZE] = "entry sizes",
        [STREAM_FOLD] = "folds",
        [STREAM_MOVED] = "moved entries",
        [STREAM_ORC_PALETTE] = "orc palette",
        [STREAM_SYMBOL_MEMBERSHIP] = "symbol memberships",
        [STREAM_SYMBOL_SLOT] = "symbol slots",
        [STREAM_SYMBOL_OFFSET] = "symbol offsets",
        [STREAM_SYMBOL_NAME] = "symbol names",
        [STREAM_TOKEN] = "symbol tokens",
        [STREAM_STRING] = "strings",
        [STREAM_STRING_SYMBOL] = "string symbols",
        [STREAM_EXPORT] = "exported symbols",
        [STREAM_EXPORT_PLACE] = "exported symbols' places",
        [STREAM_SITES] = "sites",
        [STREAM_BTF_KIND] = "btf kinds",
        [STREAM_BTF_COUNT] = "btf counts",
        [STREAM_BTF_NAME] = "btf names",
        [STREAM_BTF_MEMBER_NAME] = "btf member names",
        [STREAM_BTF_NEAR] = "btf near types",
        [STREAM_BTF_TYPE] = "btf types",
        [STREAM_BTF_NUMBER] = "btf numbers",
        [STREAM_BTF_MEMBER_NUMBER] = "btf member numbers",
        [STREAM_BTF_STRING] = "btf strings",
        [STREAM_BTF_SYMBOL] = "btf symbols",
        [STREAM_BTF_ORDER] = "btf orders",
        [STREAM_GROUP_FIRST + GROUP_FIELD_COUNT] = "field counts",
        [STREAM_GROUP_FIRST + GROUP_FIELD_GAP] = "field gaps",
        [STREAM_GROUP_FIRST + GROUP_FIELD_TYPE] = "field types",
        [STREAM_GROUP_FIRST + GROUP_TARGET] = "field targets",
        [STREAM_GROUP_FIRST + GROUP_ORC_COUNT] = "orc counts",
        [STREAM_GROUP_FIRST + GROUP_ORC_GAP] = "orc gaps",
        [STREAM_GROUP_FIRST + GROUP_ORC_INDEX] = "orc indexes",
        [STREAM_GROUP_FIRST + GROUP_PATCH_OP] = "patch ops",
        [STREAM_GROUP_FIRST + GROUP_PATCH_BYTE] = "patch bytes",
        [STREAM_GROUP_FIRST + GROUP_BODY_CODE] = "bodies: code",
        [STREAM_GROUP_FIRST + GROUP_BODY_DATA] = "bodies: data",
        [STREAM_GROUP_FIRST + GROUP_BODY_STRING] = "bodies: strings",
        [STREAM_GROUP_FIRST + GROUP_BODY_RECORD] = "bodies: records",
        [STREAM_GROUP_FIRST + GROUP_BODY_OTHER] = "bodies: other",
        [STREAM_GROUP_FIRST + GROUP_CODE_DISP8] = "code: displacements of a byte",
        [STREAM_GROUP_FIRST + GROUP_CODE_DISP32] = "code: other displacements",
        [STREAM_GROUP_FIRST + GROUP_CODE_IMM8] = "code: immediates of a byte",
        [STREAM_GROUP_FIRST + GROUP_CODE_IMM32] = "code: other immediates",
        [STREAM_GROUP_FIRST + GROUP_CODE_REL8] = "code: distances of a byte",
        [STREAM_GROUP_FIRST + GROUP_CODE_REL32] = "code: other distances",
        [STREAM_GROUP_FIRST + GROUP_CODE_REL32_LOW] = "code: their lowest bytes",
        [STREAM_GROUP_FIRST + GROUP_CODE_CALL] = "code: calls",
        [STREAM_GROUP_FIRST + GROUP_CODE_ADDRESS] = "code: addresses",
};

const char *stream_name(unsigned stream)
{
        return stream < ACCOUNT_STREAM_KINDS && stream_names[stream]
                       ? stream_names[stream]
                       : "?";
}

void share_add(struct share *s, const struct share *more)
{
        s->packed += more->packed;
        s->raw += more->raw;
        s->entries += more->entries;
}

/* What kind of stream the store's stream number i is: groups have the same. */
static unsigned stream_kind(uint32_t i)
{
        return i < STREAM_GROUP_FIRST ?
                       i :
                       STREAM_GROUP_FIRST +
                               (i - STREAM_GROUP_FIRST) % GROUP_STREAM_COUNT;
}

/* One stream being walked: where, and what its current chunk costs. */
struct cursor {
        const uint8_t *at; /* streams read as a whole: as last seen */
        uint32_t chunk, chunk_end;
        uint64_t position; /* raw bytes of the chunk passed */
};

struct walker {
        const struct multi_image *mi;
        struct unpacker u; /* of variant 0, with the groups of all */
        struct reader streams[MULTI_IMAGE_MAX_STREAMS];
        struct cursor cursors[MULTI_IMAGE_MAX_STREAMS];
        struct account *account;
        struct share taken[ACCOUNT_STREAM_KINDS]; /* by entries */
        struct entry_share *entry; /* being walked */
        uint32_t group;            /* its first stream */
        uint32_t slot;             /* of the last one that has one */
        uint32_t slot_count;       /* begun so far */
        uint32_t base;             /* last entry with a body */
        struct string_reader strings;
        struct export_reader exports;
        bool has_exports; /* something is told of each string */
        struct code code;
};

/* Takes size raw bytes of a stream for the entry being walked. */
static void take(struct walker *w, unsigned stream, uint64_t size)
{
        struct cursor *c = &w->cursors[stream];

        while (size && c->chunk < c->chunk_end) {
                const struct format_chunk *chunk = &w->mi->chunks[c->chunk];
                uint32_t raw_size = get_le32(chunk->raw_size);
                uint64_t packed_size = get_le32(chunk->packed_size);
                uint64_t left = raw_size - c->position;
                uint64_t n = left < size ? left : size;
                uint64_t behind = c->position + n;
                struct share s = {
                        .packed = behind * packed_size / raw_size -
                                  c->position * packed_size / raw_size,
                        .raw = n,
                };

                share_add(&w->entry->share, &s);
                share_add(&w->taken[stream_kind(stream)], &s);
                size -= n;
                c->position = behind;
                if (c->position == raw_size) {
                        c->position = 0;
                        c->chunk++;
                }
        }
}

/* What has been read of a stream since the last call. */
static void take_read(struct walker *w, unsigned stream)
{
        const uint8_t *at = w->streams[stream].at;
        struct cursor *c = &w->cursors[stream];

        if (at > w->streams[stream].end)
                at = w->streams[stream].end;
        take(w, stream, (uint64_t)(at - c->at));
        c->at = at;
}

static uint32_t next(struct walker *w, unsigned stream)
{
        uint32_t value = read_varint(&w->streams[stream]);

        take_read(w, stream);
        return value;
}

static void walk_fields(struct walker *w, const struct section *s)
{
        uint32_t count = next(w, w->group + GROUP_FIELD_COUNT);
        uint32_t type = w->group + GROUP_FIELD_TYPE;

        for (; count && reader_ok(&w->streams[type]); count--) {
                uint8_t t = read_byte(&w->streams[type]);

                take_read(w, type);
                next(w, w->group + GROUP_FIELD_GAP);
                if (s->flags & SECTION_RECORD && !field_is_fixed(t))
                        next(w, w->group + GROUP_TARGET);
        }
}

static void walk_orc(struct walker *w)
{
        uint32_t count = next(w, w->group + GROUP_ORC_COUNT);

        for (; count && reader_ok(&w->streams[w->group + GROUP_ORC_GAP]);
             count--) {
                next(w, w->group + GROUP_ORC_GAP);
                next(w, w->group + GROUP_ORC_INDEX);
        }
}

static void walk_patch(struct walker *w, uint32_t size)
{
        const struct reader *ops = &w->streams[w->group + GROUP_PATCH_OP];

        while (reader_ok(ops)) {
                uint32_t copy = next(w, w->group + GROUP_PATCH_OP);
                uint32_t n;

                if (copy >= size)
                        return;
                size -= copy;
                n = next(w, w->group + GROUP_PATCH_OP);
                next(w, w->group + GROUP_PATCH_OP);
                w->streams[w->group + GROUP_PATCH_BYTE].at += n >> 1;
                take_read(w, w->group + GROUP_PATCH_BYTE);
                if (n & 1)
                        walk_orc(w);
                if (n >> 1 >= size)
                        return;
                size -= n >> 1;
        }
}

/* Code that was taken apart tells only by its instructions how much of it is in
 * which stream. */
static int walk_code(struct walker *w, struct group *g, uint32_t size)
{
        struct body_stream before[GROUP_BODY_COUNT];
        int err;

        memcpy(before, g->bodies, sizeof(before));
        if ((err = gather(&w->u, g, &w->code, size)))
                return err;
        for (unsigned i = 0; i < GROUP_BODY_COUNT; i++) {
                const struct body_stream *s = &g->bodies[i];

                take(w, w->group + GROUP_BODY_FIRST + i,
                     s->chunk == before[i].chunk ?
                             s->position - before[i].position :
                             s->position);
        }
        return MULTI_IMAGE_OK;
}

/* Bytes of a body. */
static int walk_body(struct walker *w, const struct section *s, uint8_t kind,
                     struct group *g, uint32_t size)
{
        const uint8_t *bytes;

        if (kind == ENTRY_CODE)
                return walk_code(w, g, size);
        take(w, w->group + GROUP_BODY_FIRST + s->body, size);
        return body_take(&w->u, &g->bodies[s->body], size, &bytes);
}

/* Where a symbol is does not matter here. */
static const struct symbol_name any_symbol;

/* Strings, some of which are the names of symbols, perhaps of exported ones. */
static int walk_strings(struct walker *w, uint32_t size)
{
        struct string_piece piece;
        struct export_telling telling;
        uint32_t done = 0;
        int err;

        while (done < size) {
                if ((err = string_next(&w->strings, &w->u, &piece)))
                        return err;
                done += piece.size;
                telling.told = w->has_exports && !piece.text[piece.size - 1] ?
                                       EXPORT_MORE :
                                       0;
                while (telling.told & EXPORT_MORE)
                        if ((err = export_next(&w->exports, &any_symbol, &telling)))
                                return err;
        }
        for (unsigned i = STREAM_STRING; i <= STREAM_EXPORT_PLACE; i++)
                take_read(w, i);
        return MULTI_IMAGE_OK;
}

/* In which slot it is, as the reader tells. */
static void walk_slot(struct walker *w, uint8_t op)
{
        if (op & ENTRY_MOVED) {
                w->slot = next(w, STREAM_MOVED);
                w->entry->reason = REASON_MOVED;
        } else if (!(op & ENTRY_VERSION)) {
                w->slot = w->slot_count++;
        }
        w->entry->slot = w->slot;
}

static int walk_entry(struct walker *w, uint32_t section, uint32_t number)
{
        const struct section *s = &w->u.sections[section];
        struct entry_share *e = w->entry = VECTOR_ADD(&w->account->entries);
        struct group *g;
        uint8_t op = read_byte(&w->streams[STREAM_OP]);
        uint8_t kind = op & ENTRY_KIND;
        int err;

        *e = (struct entry_share){
                .section = section,
                .number = number,
                .slot = NO_SLOT,
                .share.entries = 1,
        };
        take_read(w, STREAM_OP);
        e->membership = next(w, STREAM_MEMBERSHIP);
        e->members = w->account->memberships[e->membership].members;
        g = &w->u.groups[w->u.memberships[e->membership].group];
        w->group = STREAM_GROUP_FIRST +
                   (uint32_t)(g - w->u.groups) * GROUP_STREAM_COUNT;
        e->size = next(w, STREAM_SIZE);
        if (kind == ENTRY_FOLD)
                take(w, STREAM_FOLD, 1);
        if (s->flags & SECTION_SLOTS)
                walk_slot(w, op);
        if (kind == ENTRY_PATCH) {
                e->reason = REASON_PATCH;
                e->base = w->base;
                walk_patch(w, e->size);
        } else if (kind == ENTRY_STRINGS) {
                return walk_strings(w, e->size);
        } else if (!entry_has_body(kind)) {
                if (kind == ENTRY_FOLD)
                        e->size *= PAGE;
                return MULTI_IMAGE_OK;
        } else {
                w->base = (uint32_t)(w->account->entries.count - 1);
                if ((err = walk_body(w, s, kind, g, e->size)))
                        return err;
        }
        if (s->flags & SECTION_SLOTS)
                walk_fields(w, s);
        if (s->flags & SECTION_CODE && kind != ENTRY_PATCH)
                walk_orc(w);
        return MULTI_IMAGE_OK;
}

/* Opens the streams and, by laying out variant 0, has the reader check all that
 * the walk relies on. */
static int open_streams(struct walker *w, uint8_t *work, size_t work_size)
{
        uint32_t chunk = 0;
        int err;

        w->u.mi = w->mi;
        w->u.all_groups = true;
        w->u.arena.base = work;
        w->u.arena.size = work_size;
        if ((err = streams_open(&w->u)))
                return err;
        memcpy(w->streams, w->u.streams, sizeof(w->u.streams));
        for (uint32_t g = 0; g < w->u.group_count; g++)
                memcpy(w->streams + STREAM_GROUP_FIRST + g * GROUP_STREAM_COUNT,
                       w->u.groups[g].streams, sizeof(w->u.groups[g].streams));
        for (uint32_t i = 0; i < w->mi->stream_count; i++) {
                w->cursors[i].chunk = chunk;
                chunk += get_le32(w->mi->streams[i].chunk_count);
                w->cursors[i].chunk_end = chunk;
                w->cursors[i].at = w->streams[i].at;
        }
        if ((err = layout(&w->u)) || (err = names_find(&w->u)))
                return err;
        w->strings = (struct string_reader){ &w->streams[STREAM_STRING],
                                             &w->streams[STREAM_STRING_SYMBOL], 0 };
        w->exports = (struct export_reader){
                .told = &w->streams[STREAM_EXPORT],
                .places = &w->streams[STREAM_EXPORT_PLACE]
        };
        w->has_exports = !reader_done(&w->streams[STREAM_EXPORT]);
        if (!code_open(&w->u, &w->code))
                return MULTI_IMAGE_NO_MEMORY;
        return bodies_open(&w->u);
}

/* The variants that unpack stream i. */
static uint32_t stream_readers(const struct walker *w, uint32_t i)
{
        const le32 *members = (const void *)w->streams[STREAM_MEMBERSHIPS].at;
        uint32_t group, readers = 0;

        if (i < STREAM_GROUP_FIRST)
                return w->account->everyone;
        group = (i - STREAM_GROUP_FIRST) / GROUP_STREAM_COUNT;
        for (uint32_t m = 0; m < w->u.membership_count; m++)
                if (w->u.memberships[m].group == group)
                        readers |= get_le32(members[m]);
        return readers;
}

static void count_streams(struct walker *w)
{
        const struct multi_image *mi = w->mi;
        struct account *a = w->account;
        uint32_t chunk = 0;

        for (uint32_t i = 0; i < mi->stream_count; i++) {
                uint32_t n = get_le32(mi->streams[i].chunk_count);
                uint32_t readers = stream_readers(w, i);
                struct share s = { .raw = get_le64(mi->streams[i].raw_size),
                                   .entries = n };

                for (; n; n--, chunk++)
                        s.packed += get_le32(mi->chunks[chunk].packed_size);
                share_add(&a->streams[stream_kind(i)], &s);
                for (uint32_t v = 0; v < mi->variant_count; v++)
                        if (readers >> v & 1)
                                share_add(&a->read[v], &s);
        }
}

static bool make_rows(struct walker *w)
{
        const struct reader *r = &w->streams[STREAM_SECTIONS];
        const struct format_section *f = (const void *)(r->at + sizeof(le32));
        const le32 *m = (const void *)w->streams[STREAM_MEMBERSHIPS].at;
        struct account *a = w->account;

        a->section_count = w->u.section_count;
        a->membership_count = w->u.membership_count;
        a->sections = calloc(a->section_count + 1, sizeof(*a->sections));
        a->memberships =
                calloc(a->membership_count + 1, sizeof(*a->memberships));
        if (!a->sections || !a->memberships)
                return false;
        for (uint32_t i = 0; i < a->section_count; i++) {
                memcpy(a->sections[i].name, f[i].name, sizeof(f[i].name));
                a->sections[i].number = i;
        }
        for (uint32_t i = 0; i < a->membership_count; i++)
                a->memberships[i].members = get_le32(m[i]);
        return true;
}

static void sum_variants(struct account *a, const struct entry_share *e)
{
        if (e->members & (e->members - 1))
                share_add(&a->several, &e->share);
        for (uint32_t v = 0; v < MULTI_IMAGE_MAX_VARIANTS; v++) {
                if (e->members >> v & 1)
                        share_add(&a->held[v], &e->share);
                if (e->members == 1u << v)
                        share_add(&a->alone[v], &e->share);
        }
}

/* Sums of the entries, and what no entry took. */
static void sum_up(struct walker *w)
{
        struct account *a = w->account;

        for (size_t i = 0; i < a->entries.count; i++) {
                const struct entry_share *e = &a->entries.at[i];

                share_add(&a->sections[e->section].share, &e->share);
                share_add(&a->memberships[e->membership].share, &e->share);
                share_add(&a->reasons[e->reason], &e->share);
                sum_variants(a, e);
        }
        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++) {
                struct share *s = &a->common_streams[i];

                s->packed = a->streams[i].packed - w->taken[i].packed;
                s->raw = a->streams[i].raw - w->taken[i].raw;
                share_add(&a->common, s);
        }
}

/* Is stream i used up by the walk, if that is as the reader's? */
static bool is_done(const struct walker *w, uint32_t i)
{
        unsigned kind = stream_kind(i);

        if (kind >= STREAM_GROUP_FIRST + GROUP_BODY_FIRST)
                return w->cursors[i].chunk == w->cursors[i].chunk_end;
        if (kind >= STREAM_GROUP_FIRST || kind == STREAM_OP ||
            kind == STREAM_MEMBERSHIP || kind == STREAM_SIZE ||
            kind == STREAM_MOVED ||
            (kind >= STREAM_STRING && kind <= STREAM_EXPORT_PLACE))
                return reader_done(&w->streams[i]);
        return true; /* not shared out among entries */
}

static int check_walk(const struct walker *w, const struct store *store,
                      char **ret_message)
{
        for (uint32_t i = 0; i < w->mi->stream_count; i++)
                if (!is_done(w, i))
                        return fail(ret_message, EXIT_BAD_INPUT,
                                    "%s: store: stream '%s' does not fit its "
                                    "entries",
                                    store->path, stream_name(stream_kind(i)));
        return 0;
}

/* The streams of all groups at once, which no rebuild needs. */
static size_t walk_work_size(const struct store *store)
{
        size_t size = store_work_size(store);

        for (uint32_t i = 0; i < store->mi.stream_count; i++)
                if (stream_kind(i) < STREAM_GROUP_FIRST + GROUP_BODY_FIRST)
                        size += get_le64(store->mi.streams[i].raw_size) + 16;
                else
                        size += 2 * get_le32(store->mi.streams[i].max_chunk) +
                                2 * BODY_SLACK;
        /* names_find(): each takes at least a byte */
        size += sizeof(struct symbol_name) *
                get_le64(store->mi.streams[STREAM_SYMBOL_NAME].raw_size);
        return size;
}

static int walk_store(struct walker *w, const struct store *store,
                      uint8_t *work, size_t work_size, char **ret_message)
{
        int fault = open_streams(w, work, work_size);

        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT, "%s: store: %s",
                            store->path, multi_image_strerror(fault));
        if (!make_rows(w)) {
                errno = ENOMEM;
                return fail_errno(ret_message, store->path, "memory");
        }
        count_streams(w);
        for (uint32_t i = 0; i < w->u.section_count; i++)
                for (uint32_t n = 0; n < w->u.sections[i].entry_count; n++)
                        if ((fault = walk_entry(w, i, n)))
                                return fail(ret_message, EXIT_BAD_INPUT,
                                            "%s: %s", store->path,
                                            multi_image_strerror(fault));
        fault = check_walk(w, store, ret_message);
        if (fault)
                return fault;
        fault = account_explain(w->account, &w->u);
        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT, "%s: store: %s",
                            store->path, multi_image_strerror(fault));
        sum_up(w);
        account_sort(w->account);
        return 0;
}

int account_make(const struct store *store, struct account *ret_account,
                 char **ret_message)
{
        uint32_t count = store->mi.variant_count;
        struct account a = {
                .everyone = UINT32_MAX >> (32 - count),
                .tables_size = get_le32(store->mi.header->tables_size),
                .stub_size = store->size - store->mi.store_size,
        };
        size_t work_size = walk_work_size(store);
        uint8_t *work = malloc(work_size + 1);
        struct walker *w = calloc(1, sizeof(*w)); /* large for a stack */
        int err;

        if (!work || !w) {
                free(work);
                free(w);
                return fail_errno(ret_message, store->path, "memory");
        }
        w->mi = &store->mi;
        w->account = &a;
        err = walk_store(w, store, work, work_size, ret_message);
        free(w);
        free(work);
        if (err) {
                account_free(&a);
                return err;
        }
        *ret_account = a;
        return 0;
}

void account_free(struct account *account)
{
        free(account->sections);
        free(account->memberships);
        free(account->entries.at);
        free(account->largest);
        free(account->names);
        memset(account, 0, sizeof(*account));
}
