/* SPDX-License-Identifier: MIT */
/*
 * Derives .BTF, the kernel's description of its own types.
 *
 * Kernels of one source describe nearly the same types, but each numbers them as
 * its own build met them, and a type holds the numbers of others.  The store has
 * each type once, with numbers that all variants share, and for each variant the
 * order of its types.  A variant's strings stand in the order in which its types
 * name them first; the few that come earlier are listed.
 */
#include <string.h>

#include "unpack.h"

const struct btf_kind btf_kinds[BTF_KIND_COUNT] = {
        [1] = { BTF_NUMBER, 1, 0, { BTF_NUMBER }, { 0 } }, /* INT */
        [2] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },            /* PTR */
        [3] = { BTF_NUMBER, 3, 0, { BTF_NEAR, BTF_TYPE, BTF_NUMBER }, { 0 } },
        [4] = { BTF_NUMBER, 0, 3, { 0 }, { BTF_NAME, BTF_TYPE, BTF_NUMBER } },
        [5] = { BTF_NUMBER, 0, 3, { 0 }, { BTF_NAME, BTF_TYPE, BTF_NUMBER } },
        [6] = { BTF_NUMBER, 0, 2, { 0 }, { BTF_NAME, BTF_NUMBER } }, /* ENUM */
        [7] = { BTF_NUMBER, 0, 0, { 0 }, { 0 } },            /* FWD */
        [8] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },              /* TYPEDEF */
        [9] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },              /* VOLATILE */
        [10] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },             /* CONST */
        [11] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },             /* RESTRICT */
        [BTF_FUNC] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },
        [13] = { BTF_TYPE, 0, 2, { 0 }, { BTF_NAME, BTF_TYPE } }, /* FUNC_PROTO */
        [14] = { BTF_NEAR, 1, 0, { BTF_NUMBER }, { 0 } },    /* VAR */
        [15] = { BTF_NUMBER, 0, 3, { 0 }, { BTF_TYPE, BTF_NUMBER, BTF_NUMBER } },
        [16] = { BTF_NUMBER, 0, 0, { 0 }, { 0 } },           /* FLOAT */
        [17] = { BTF_NEAR, 1, 0, { BTF_NUMBER }, { 0 } },    /* DECL_TAG */
        [18] = { BTF_NEAR, 0, 0, { 0 }, { 0 } },             /* TYPE_TAG */
        [19] = { BTF_NUMBER, 0, 3, { 0 }, { BTF_NAME, BTF_NUMBER, BTF_NUMBER } },
};

struct btf {
        struct reader *streams;
        uint32_t *words;  /* of all records; names and types by shared numbers */
        uint32_t *starts; /* by record, and the end of the last */
        uint32_t *types;  /* by record: its type, from 1 */
        uint32_t *ids;    /* by type: this variant's number, 0: not in it */
        uint32_t record_count, type_count;
        const uint8_t **texts; /* by string, from 1 */
        uint32_t *offsets;     /* in this variant's strings; 0: not yet */
        uint32_t string_count, named; /* all; by records read so far */
        uint8_t *strings, *next, *end; /* this variant's */
        struct reader order; /* early strings left */
        uint32_t early_count, gap;
};

/* Members, and so words, of a record: its kind is known. */
static uint32_t read_count(struct reader *counts, uint8_t kind)
{
        return btf_has_count(kind) ? read_varint_fast(counts) : 0;
}

/* Where each record's words will be. */
static int measure(struct unpacker *u, struct btf *b)
{
        struct reader kinds = b->streams[STREAM_BTF_KIND];
        struct reader counts = b->streams[STREAM_BTF_COUNT];
        uint64_t words = 0;
        uint32_t i;

        b->record_count = (uint32_t)(kinds.end - kinds.at);
        b->starts = arena_take(&u->arena, (b->record_count + 1ull) * 4);
        b->types = arena_take(&u->arena, b->record_count * 4ull);
        REQUIRE(b->starts && b->types, MULTI_IMAGE_NO_MEMORY);
        for (i = 0; i < b->record_count; i++) {
                uint8_t kind = kinds.at[i] & BTF_KIND;
                uint32_t count;

                REQUIRE(kind && kind < BTF_KIND_COUNT, MULTI_IMAGE_BAD_DERIVED);
                count = read_count(&counts, kind);
                REQUIRE(count <= BTF_MAX_MEMBERS, MULTI_IMAGE_BAD_DERIVED);
                b->type_count += !(kinds.at[i] & BTF_VERSION);
                b->types[i] = b->type_count;
                b->starts[i] = (uint32_t)words;
                words += BTF_RECORD_WORDS + btf_kinds[kind].fixed_count +
                         btf_kinds[kind].member_count * count;
                REQUIRE(b->type_count && words < UINT32_MAX,
                        MULTI_IMAGE_BAD_DERIVED);
        }
        b->starts[i] = (uint32_t)words;
        b->words = arena_take(&u->arena, words * 4);
        b->ids = arena_take(&u->arena, (b->type_count + 1ull) * 4);
        REQUIRE(b->words && b->ids, MULTI_IMAGE_NO_MEMORY);
        memset(b->ids, 0, (b->type_count + 1ull) * 4);
        return MULTI_IMAGE_OK;
}

static uint32_t read_name(struct btf *b, struct reader *names)
{
        uint32_t n = read_varint_fast(names);

        return n == 1 ? ++b->named : n ? n - 1 : 0;
}

/* A word of a record of type; before: the same of the member before, if it is
 * a member's. */
static uint32_t read_word(struct btf *b, uint8_t word, uint32_t type,
                          const uint32_t *before)
{
        struct reader *s = b->streams;
        uint32_t n;

        switch (word) {
        case BTF_NAME:
                return read_name(b, &s[before ? STREAM_BTF_MEMBER_NAME :
                                                STREAM_BTF_NAME]);
        case BTF_TYPE:
                return read_varint_fast(&s[STREAM_BTF_TYPE]);
        case BTF_NEAR:
                n = read_varint_fast(&s[STREAM_BTF_NEAR]);
                return n ? type - ((n - 1) >> 1 ^ -((n - 1) & 1)) : 0;
        default:
                return before ? *before + (uint32_t)read_signed(
                                        &s[STREAM_BTF_MEMBER_NUMBER]) :
                                read_varint_fast(&s[STREAM_BTF_NUMBER]);
        }
}

static void read_record(struct btf *b, uint32_t record)
{
        static const uint32_t zero;
        uint8_t byte = read_byte(&b->streams[STREAM_BTF_KIND]);
        uint8_t kind = byte & BTF_KIND;
        const struct btf_kind *k = &btf_kinds[kind];
        uint32_t count = read_count(&b->streams[STREAM_BTF_COUNT], kind);
        uint32_t *words = b->words + b->starts[record];
        uint32_t size = b->starts[record + 1] - b->starts[record];
        uint32_t first = BTF_RECORD_WORDS + k->fixed_count; /* of members */
        uint32_t i;

        for (i = 0; i < size; i++) {
                const uint32_t *before = i < first ? NULL :
                                         i < first + k->member_count ?
                                                     &zero :
                                                     &words[i - k->member_count];

                words[i] = i == 1 ? (uint32_t)(byte & BTF_FLAG) << 24 |
                                            (uint32_t)kind << 24 | count :
                                    read_word(b, btf_word(kind, i),
                                              b->types[record], before);
        }
}

static int read_strings(struct unpacker *u, struct btf *b)
{
        struct reader *r = &b->streams[STREAM_BTF_STRING];
        const uint8_t *at;
        uint32_t symbol = 0, n = 0;

        for (at = r->at; at < r->end; at++)
                b->string_count += !*at;
        b->texts = arena_take(&u->arena, (b->string_count + 1ull) *
                                                 sizeof(*b->texts));
        b->offsets = arena_take(&u->arena, (b->string_count + 1ull) * 4);
        REQUIRE(b->texts && b->offsets, MULTI_IMAGE_NO_MEMORY);
        memset(b->offsets, 0, (b->string_count + 1ull) * 4);
        while (n < b->string_count) {
                b->texts[++n] = r->at;
                if (!*r->at) {
                        symbol += (uint32_t)read_signed(
                                &b->streams[STREAM_BTF_SYMBOL]);
                        REQUIRE(symbol < u->name_count, MULTI_IMAGE_BAD_DERIVED);
                        b->texts[n] = u->names[symbol++].text;
                }
                while (*r->at++)
                        ;
        }
        return MULTI_IMAGE_OK;
}

static int put_string(struct btf *b, uint32_t n)
{
        const uint8_t *text;

        REQUIRE(n && n <= b->string_count && !b->offsets[n],
                MULTI_IMAGE_BAD_DERIVED);
        b->offsets[n] = (uint32_t)(b->next - b->strings);
        text = b->texts[n];
        do
                REQUIRE(b->next < b->end, MULTI_IMAGE_BAD_DERIVED);
        while ((*b->next++ = *text++));
        return MULTI_IMAGE_OK;
}

/* Those that stand before the next string that a type names first. */
static int put_early(struct btf *b)
{
        int err;

        for (; b->early_count && !b->gap; b->early_count--) {
                if ((err = put_string(b, read_varint(&b->order))))
                        return err;
                if (b->early_count > 1)
                        b->gap = read_varint(&b->order);
        }
        return MULTI_IMAGE_OK;
}

static int put_name(struct btf *b, uint32_t n, uint32_t *ret)
{
        int err;

        REQUIRE(n <= b->string_count, MULTI_IMAGE_BAD_DERIVED);
        if (n && !b->offsets[n]) {
                if ((err = put_early(b)))
                        return err;
                b->gap--;
                if (!b->offsets[n] && (err = put_string(b, n)))
                        return err;
        }
        *ret = n ? b->offsets[n] : 0;
        return MULTI_IMAGE_OK;
}

static int put_record(struct btf *b, uint32_t record, uint8_t **out)
{
        const uint32_t *words = b->words + b->starts[record];
        uint32_t size = b->starts[record + 1] - b->starts[record];
        uint8_t kind = words[1] >> 24 & BTF_KIND;
        uint32_t i;
        int err;

        for (i = 0; i < size; i++) {
                uint32_t n = words[i];
                le32 v;

                switch (btf_word(kind, i)) {
                case BTF_NAME:
                        if ((err = put_name(b, n, &n)))
                                return err;
                        break;
                case BTF_TYPE:
                case BTF_NEAR:
                        REQUIRE(n <= b->type_count && !n == !b->ids[n],
                                MULTI_IMAGE_BAD_DERIVED);
                        n = b->ids[n];
                }
                v = put_le32(n);
                memcpy(*out, &v, sizeof(v));
                *out += sizeof(v);
        }
        return MULTI_IMAGE_OK;
}

/* Numbers this variant's types in their order; ret_size: bytes of them. */
static int number_types(struct btf *b, struct reader runs, uint32_t run_count,
                        uint64_t *ret_size)
{
        uint32_t record = 0, id = 0;

        *ret_size = 0;
        for (; run_count; run_count--) {
                uint32_t n;

                record += (uint32_t)read_signed(&runs);
                for (n = read_varint(&runs); n; n--, record++) {
                        REQUIRE(record < b->record_count &&
                                        !b->ids[b->types[record]],
                                MULTI_IMAGE_BAD_DERIVED);
                        b->ids[b->types[record]] = ++id;
                        *ret_size += (b->starts[record + 1] -
                                      b->starts[record]) *
                                     4ull;
                }
        }
        return MULTI_IMAGE_OK;
}

static int put_types(struct btf *b, struct reader runs, uint32_t run_count,
                     uint8_t *out)
{
        uint32_t record = 0;
        int err;

        for (; run_count; run_count--) {
                uint32_t n;

                record += (uint32_t)read_signed(&runs);
                for (n = read_varint(&runs); n; n--)
                        if ((err = put_record(b, record++, &out)))
                                return err;
        }
        if ((err = put_early(b)))
                return err;
        REQUIRE(!b->early_count && b->next == b->end, MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

static void skip_pairs(struct reader *r, uint32_t count)
{
        skip_varints(r, count);
        skip_varints(r, count);
}

/* This variant's runs, and its early strings to b->order. */
static int find_order(struct unpacker *u, struct btf *b, struct reader *ret_runs,
                      uint32_t *ret_count)
{
        struct reader *r = &b->streams[STREAM_BTF_ORDER];
        uint32_t v;

        for (v = 0; v < u->mi->variant_count; v++) {
                uint32_t count = read_varint(r);
                struct reader runs = *r;

                skip_pairs(r, count);
                REQUIRE(reader_ok(r), MULTI_IMAGE_BAD_DERIVED);
                if (v == u->variant) {
                        *ret_runs = runs;
                        *ret_count = count;
                }
                count = read_varint(r);
                if (v == u->variant) {
                        b->order = *r;
                        b->early_count = count;
                        if (count)
                                b->gap = read_varint(&b->order);
                }
                skip_pairs(r, count);
        }
        return MULTI_IMAGE_OK;
}

int btf_derive(struct unpacker *u)
{
        const struct derived *d = &u->derived[ENTRY_BTF];
        struct btf b = { .streams = u->streams };
        uint8_t *out = u->compact + d->offset;
        struct btf_header h;
        struct reader runs = { 0 };
        uint32_t run_count = 0, i;
        uint64_t size;
        int err;

        if (!d->size)
                return MULTI_IMAGE_OK;
        if ((err = streams_open_late(u, STREAM_BTF_KIND, STREAM_BTF_ORDER)) ||
            (err = measure(u, &b)) || (err = read_strings(u, &b)) ||
            (err = find_order(u, &b, &runs, &run_count)))
                return err;
        for (i = 0; i < b.record_count; i++)
                read_record(&b, i);
        for (i = STREAM_BTF_KIND; i <= STREAM_BTF_ORDER; i++)
                REQUIRE(reader_done(&b.streams[i]), MULTI_IMAGE_BAD_DERIVED);
        if ((err = number_types(&b, runs, run_count, &size)))
                return err;
        REQUIRE(d->size > sizeof(h) && size < d->size - sizeof(h),
                MULTI_IMAGE_BAD_DERIVED);
        h = (struct btf_header){
                .magic = put_le16(BTF_MAGIC),
                .version = 1,
                .header_size = put_le32(sizeof(h)),
                .types_size = put_le32((uint32_t)size),
                .strings_offset = put_le32((uint32_t)size),
                .strings_size = put_le32(
                        (uint32_t)(d->size - sizeof(h) - size)),
        };
        memcpy(out, &h, sizeof(h));
        b.strings = out + sizeof(h) + size;
        b.next = b.strings + 1; /* string 0 is empty */
        b.end = out + d->size;
        return put_types(&b, runs, run_count, out + sizeof(h));
}
