/* SPDX-License-Identifier: MIT */
/*
 * Derives kallsyms: the kernel's table of its own symbols.
 *
 * The store keeps each name once, as text, with the slot that it names.  From
 * these follow, in the manner of the kernel's scripts/kallsyms.c:
 *
 *   kallsyms_offsets        address relative to the lowest symbol, or absolute
 *                           for the per-CPU area
 *   kallsyms_names          length and name, pairs of bytes replaced by tokens
 *   kallsyms_markers        position of every 256th name
 *   kallsyms_seqs_of_names  numbers of the symbols in the order of their names
 *
 * The tokens were made one after the other, each by replacing the pair of bytes
 * that was most frequent at the time.  To write a name with them, replace its
 * pairs in the order of the tokens' making: with t1 = (p,r), t2 = (t1,i),
 * "printk" becomes t1 i n t k, then t2 n t k.  A pair that appears by a
 * replacement holds the token just made, so its own token is younger: always
 * taking the oldest token among the pairs present gives the same result.
 */
#include <string.h>

#include "unpack.h"

#define MAX_NAME 512u /* KSYM_NAME_LEN; type included */

struct symbol {
        uint64_t key;  /* first eight bytes of the name, big-endian */
        uint32_t name; /* of the type byte, offset in STREAM_SYMBOL_NAME */
        uint32_t sequence;
};

/*
 * Two characters that stand side by side in no token are never joined, so a name
 * falls into segments that are written independently of each other; and the
 * same segments occur again and again.  Short ones are kept in a table, by hash.
 */
#define MAX_SEGMENT 15
#define SEGMENT_BITS 12
#define SEGMENTS (1u << SEGMENT_BITS)

struct segment {
        uint64_t text[2];  /* NUL-padded; all zero: none */
        uint8_t coded[15];
        uint8_t coded_size;
};

struct tokens {
        uint8_t rank[65536]; /* by left << 8 | right: 0 none, 1 oldest */
        uint8_t code[256];   /* by rank */
        uint8_t first[256], last[256]; /* characters of what a byte stands for */
        uint8_t joined[65536]; /* by left << 8 | right: a token has these two
                                * characters side by side; never with a NUL */
        struct segment segments[SEGMENTS];
};

/* The tokens of this variant: those of the ones before it are passed over. */
static int read_tokens(struct unpacker *u, struct tokens *t)
{
        struct reader *r = &u->streams[STREAM_TOKEN];
        uint32_t variant, i;

        for (variant = 0; variant <= u->variant; variant++) {
                uint32_t count = read_varint(r);

                REQUIRE(count < 256, MULTI_IMAGE_BAD_DERIVED);
                if (variant == u->variant) {
                        memset(t, 0, sizeof(*t));
                        for (i = 0; i < 256; i++)
                                t->first[i] = t->last[i] = (uint8_t)i;
                }
                for (i = 1; i <= count; i++) {
                        uint8_t code = read_byte(r);
                        uint8_t left = read_byte(r);
                        uint8_t right = read_byte(r);

                        if (variant != u->variant)
                                continue;
                        t->rank[left << 8 | right] = (uint8_t)i;
                        t->code[i] = code;
                        t->first[code] = t->first[left];
                        t->last[code] = t->last[right];
                        t->joined[t->last[left] << 8 | t->first[right]] =
                                t->first[right] != '\0';
                }
        }
        REQUIRE(reader_ok(r), MULTI_IMAGE_BAD_DERIVED);
        return MULTI_IMAGE_OK;
}

/* A name while pairs in it are replaced: a token stays where its left part
 * began, and the links leave out what it swallowed. */
struct pairs {
        const struct tokens *tokens;
        uint8_t *name;
        uint32_t size;
        uint64_t present[4];  /* set of the ranks below, and perhaps of some
                               * that are gone */
        uint64_t repeated[4]; /* of those that may be there more than once */
        uint16_t at[256];     /* by rank: where it was seen last */
        uint8_t ranks[MAX_NAME]; /* of the pair that begins here; 0: none */
        uint16_t next[MAX_NAME + 1], previous[MAX_NAME + 1];
};

/* Looks at the pair of i and its right neighbour. */
static inline void pair_look(struct pairs *p, uint32_t i, uint32_t next)
{
        uint32_t rank = p->tokens->rank[p->name[i] << 8 | p->name[next]];
        uint64_t bit = 1ull << (rank & 63);

        p->ranks[i] = (uint8_t)rank;
        if (!rank)
                return;
        p->repeated[rank >> 6] |= p->present[rank >> 6] & bit;
        p->present[rank >> 6] |= bit;
        p->at[rank] = (uint16_t)i;
}

static inline void pair_replace(struct pairs *p, uint32_t i, uint8_t code)
{
        uint32_t right = p->next[i];
        uint32_t next = p->next[right];

        p->name[i] = code;
        p->ranks[right] = p->ranks[i] = 0;
        p->next[i] = (uint16_t)next;
        p->previous[next] = (uint16_t)i;
        if (next < p->size)
                pair_look(p, i, next);
        if (i)
                pair_look(p, p->previous[i], i);
}

/* Takes the lowest rank out of the set; 0 if there is none. */
static inline uint32_t take_rank(struct pairs *p)
{
        uint32_t i;

        for (i = 0; i < 4; i++)
                if (p->present[i]) {
                        uint32_t low =
                                (uint32_t)__builtin_ctzll(p->present[i]);

                        p->present[i] &= p->present[i] - 1;
                        return i * 64 + low;
                }
        return 0;
}

/* Writes the name of size bytes with tokens, in place; returns its new size. */
static uint32_t tokenise(const struct tokens *t, uint8_t *name, uint32_t size)
{
        struct pairs p; /* its arrays are not worth clearing */
        uint32_t rank, i, n;

        p.tokens = t;
        p.name = name;
        p.size = size;
        memset(p.present, 0, sizeof(p.present) + sizeof(p.repeated));
        for (i = 0; i < size; i++) {
                p.next[i] = (uint16_t)(i + 1);
                p.previous[i + 1] = (uint16_t)i;
        }
        for (i = 0; i + 1 < size; i++)
                pair_look(&p, i, i + 1);
        p.ranks[size - 1] = 0;
        while ((rank = take_rank(&p))) {
                uint8_t code = t->code[rank];

                if (!(p.repeated[rank >> 6] >> (rank & 63) & 1)) {
                        if (p.ranks[p.at[rank]] == rank)
                                pair_replace(&p, p.at[rank], code);
                        continue;
                }
                for (i = 0; i < size; i = p.next[i])
                        if (p.ranks[i] == rank)
                                pair_replace(&p, i, code);
        }
        for (i = 0, n = 0; i < size; i = p.next[i])
                name[n++] = name[i];
        return n;
}

static inline uint64_t load_le64(const uint8_t *bytes)
{
        le64 v;

        memcpy(&v, bytes, sizeof(v));
        return get_le64(v);
}

/* The first size bytes of a little-endian word, at least one. */
static inline uint64_t leading(uint64_t word, uint32_t size)
{
        return size < 8 ? word & ~0ull >> (64 - 8 * size) : word;
}

/* Characters of a name in a stream, which has READER_SLACK zeros behind it. */
static inline uint32_t name_size(const uint8_t *name)
{
        const uint64_t ones = 0x0101010101010101u;
        uint32_t size = 0;

        for (;; size += 8) {
                uint64_t word = load_le64(name + size);
                uint64_t zeros = (word - ones) & ~word & ones << 7;

                if (zeros) /* the lowest bit is that of the first zero byte */
                        return size + (uint32_t)__builtin_ctzll(zeros) / 8;
        }
}

/* One segment of size bytes to out; returns the bytes written. */
static uint32_t put_segment(struct tokens *t, const uint8_t *text,
                            uint32_t size, uint8_t *out)
{
        uint64_t key[2];
        struct segment *s;
        uint64_t hash;

        if (size == 1) {
                *out = *text;
                return 1;
        }
        if (size > MAX_SEGMENT) {
                memcpy(out, text, size);
                return tokenise(t, out, size);
        }
        key[0] = leading(load_le64(text), size);
        key[1] = size > 8 ? leading(load_le64(text + 8), size - 8) : 0;
        /* Any odd multipliers: the high bits depend on all of the low ones. */
        hash = key[0] * 0x9e3779b97f4a7c15u + key[1] * 0xc2b2ae3d27d4eb4fu;
        hash ^= hash >> 29;
        s = &t->segments[hash * 0x9e3779b97f4a7c15u >> (64 - SEGMENT_BITS)];
        if (s->text[0] != key[0] || s->text[1] != key[1]) {
                memcpy(s->text, key, sizeof(key));
                memcpy(s->coded, text, size);
                s->coded_size = (uint8_t)tokenise(t, s->coded, size);
        }
        memcpy(out, s->coded, sizeof(s->coded)); /* more than it is: quicker */
        return s->coded_size;
}

/* A name, NUL-terminated, with tokens to out, which has room for MAX_NAME and a
 * segment; returns its size. */
static uint32_t put_name(struct tokens *t, const uint8_t *name, uint8_t *out)
{
        uint32_t done = 0;

        while (*name) {
                uint32_t size = 1;

                while (t->joined[name[size - 1] << 8 | name[size]])
                        size++;
                done += put_segment(t, name, size, out + done);
                name += size;
        }
        return done;
}

/* Reads all symbols; those of this variant to symbols and addrs, up to max. */
static int read_symbols(struct unpacker *u, struct symbol *symbols,
                        uint32_t *addrs, uint8_t *is_absolute, uint32_t max,
                        uint32_t *ret_count)
{
        struct reader *membership = &u->streams[STREAM_SYMBOL_MEMBERSHIP];
        struct reader *slots = &u->streams[STREAM_SYMBOL_SLOT];
        struct reader *offsets = &u->streams[STREAM_SYMBOL_OFFSET];
        struct reader *names = &u->streams[STREAM_SYMBOL_NAME];
        const uint8_t *text = names->at;
        uint32_t slot = 0, offset = 0; /* in it */
        uint32_t count = 0;

        while (membership->at < membership->end) {
                uint32_t m = read_varint_fast(membership);
                int32_t step = read_signed(slots);
                const uint8_t *name = names->at;
                uint32_t size;

                slot += (uint32_t)step;
                offset = (step ? 0 : offset) + read_varint_fast(offsets);
                REQUIRE(slot < u->slot_count && m <= u->membership_count &&
                                name < names->end,
                        MULTI_IMAGE_BAD_DERIVED);
                size = name_size(name);
                names->at += size + 1;
                REQUIRE(reader_ok(names) && size < MAX_NAME && size >= 2,
                        MULTI_IMAGE_BAD_DERIVED);
                if (m ? !u->memberships[m - 1].is_member :
                        u->slots[slot].addr == SLOT_ABSENT)
                        continue;
                REQUIRE(u->slots[slot].addr != SLOT_ABSENT && count < max,
                        MULTI_IMAGE_BAD_DERIVED);
                symbols[count] = (struct symbol){
                        /* the type is no part of it */
                        .key = __builtin_bswap64(
                                leading(load_le64(name + 1), size - 1)),
                        .name = (uint32_t)(name - text),
                        .sequence = count,
                };
                is_absolute[count] = slot - u->percpu_first < u->percpu_count;
                addrs[count++] = u->slots[slot].addr + offset;
        }
        REQUIRE(reader_done(membership) && reader_done(slots) &&
                        reader_done(offsets) && reader_done(names),
                MULTI_IMAGE_BAD_DERIVED);
        *ret_count = count;
        return MULTI_IMAGE_OK;
}

static void derive_offsets(struct unpacker *u, const uint32_t *addrs,
                           const uint8_t *is_absolute, uint32_t count)
{
        uint8_t *out = u->compact + u->derived[ENTRY_SYMBOL_OFFSETS].offset;
        uint32_t base = 0; /* the lowest that is not absolute */
        uint32_t i;

        for (i = 0; i < count; i++)
                if (!is_absolute[i]) {
                        base = addrs[i];
                        break;
                }
        for (i = 0; i < count; i++) {
                le32 v = put_le32(is_absolute[i] ? addrs[i] :
                                                   base - addrs[i] - 1);

                memcpy(out + i * sizeof(v), &v, sizeof(v));
        }
}

static int derive_names(struct unpacker *u, const struct symbol *symbols,
                        uint32_t count, struct tokens *tokens,
                        const uint8_t *text)
{
        const struct derived *d = &u->derived[ENTRY_SYMBOL_NAMES];
        uint8_t *names = u->compact + d->offset;
        uint8_t *markers =
                u->compact + u->derived[ENTRY_SYMBOL_MARKERS].offset;
        uint8_t name[MAX_NAME + MAX_SEGMENT];
        uint64_t done = 0;
        uint32_t i;

        for (i = 0; i < count; i++) {
                uint32_t size;

                if (i % 256 == 0) {
                        le32 v = put_le32((uint32_t)done);

                        memcpy(markers + i / 256 * sizeof(v), &v, sizeof(v));
                }
                size = put_name(tokens, text + symbols[i].name, name);
                REQUIRE(size + (size > 0x7f ? 2 : 1) <= d->size - done,
                        MULTI_IMAGE_BAD_DERIVED);
                if (size > 0x7f) {
                        names[done++] = (uint8_t)(size | 0x80);
                        names[done++] = (uint8_t)(size >> 7);
                } else {
                        names[done++] = (uint8_t)size;
                }
                memcpy(names + done, name, size);
                done += size;
        }
        return MULTI_IMAGE_OK;
}

/* By name, then by number. */
static bool is_before(const struct symbol *a, const struct symbol *b,
                      const uint8_t *text)
{
        const uint8_t *x, *y;

        if (a->key != b->key)
                return a->key < b->key;
        if (!(a->key & 0xff)) /* the name ends within the key */
                return a->sequence < b->sequence;
        x = text + a->name + 9;
        y = text + b->name + 9;
        while (*x && *x == *y)
                x++, y++;
        return *x != *y ? *x < *y : a->sequence < b->sequence;
}

/* Merge sort, bottom up; returns where the result is: a or b. */
static struct symbol *sort(struct symbol *a, struct symbol *b, uint32_t count,
                           const uint8_t *text)
{
        uint32_t width, start;

        for (width = 1; width < count; width *= 2) {
                struct symbol *swap = a;

                for (start = 0; start < count; start += 2 * width) {
                        uint32_t i = start;
                        uint32_t middle = count - start > width ?
                                                  start + width :
                                                  count;
                        uint32_t j = middle;
                        uint32_t end = count - start > 2 * width ?
                                               start + 2 * width :
                                               count;
                        uint32_t n;

                        for (n = start; n < end; n++)
                                b[n] = j == end || (i < middle &&
                                                    is_before(&a[i], &a[j],
                                                              text)) ?
                                               a[i++] :
                                               a[j++];
                }
                a = b;
                b = swap;
        }
        return a;
}

/* Sorts by name.  First into buckets by two characters: few names are left
 * in each for the merge sort.  counts has room for 65536 and one. */
static void sort_names(struct symbol *symbols, struct symbol *spare,
                       uint32_t count, uint32_t *counts, const uint8_t *text)
{
        uint32_t i, start;

        memset(counts, 0, 65537 * sizeof(*counts));
        for (i = 0; i < count; i++)
                counts[(symbols[i].key >> 48) + 1]++;
        for (i = 0; i < 65536; i++)
                counts[i + 1] += counts[i];
        for (i = 0; i < count; i++) /* counts becomes each bucket's end */
                spare[counts[symbols[i].key >> 48]++] = symbols[i];
        for (start = 0; start < count;) {
                uint32_t end = counts[spare[start].key >> 48];
                struct symbol *sorted = sort(spare + start, symbols + start,
                                             end - start, text);

                if (sorted != symbols + start)
                        memcpy(symbols + start, sorted,
                               (end - start) * sizeof(*sorted));
                start = end;
        }
}

static void derive_seqs(struct unpacker *u, const struct symbol *sorted,
                        uint32_t count)
{
        uint8_t *out = u->compact + u->derived[ENTRY_SYMBOL_SEQS].offset;
        uint32_t i;

        for (i = 0; i < count; i++) {
                *out++ = (uint8_t)(sorted[i].sequence >> 16);
                *out++ = (uint8_t)(sorted[i].sequence >> 8);
                *out++ = (uint8_t)sorted[i].sequence;
        }
}

int symbols_derive(struct unpacker *u)
{
        const struct derived *offsets = &u->derived[ENTRY_SYMBOL_OFFSETS];
        const struct derived *seqs = &u->derived[ENTRY_SYMBOL_SEQS];
        const uint8_t *text = u->streams[STREAM_SYMBOL_NAME].at;
        uint32_t max = (uint32_t)(offsets->size / sizeof(le32));
        uint32_t count;
        struct symbol *symbols, *spare;
        struct tokens *tokens;
        uint8_t *is_absolute;
        uint32_t *addrs, *counts;
        int err;

        if (!max)
                return MULTI_IMAGE_OK;
        symbols = arena_take(&u->arena, (uint64_t)max * sizeof(*symbols));
        spare = arena_take(&u->arena, (uint64_t)max * sizeof(*spare));
        addrs = arena_take(&u->arena, (uint64_t)max * sizeof(*addrs));
        is_absolute = arena_take(&u->arena, max);
        tokens = arena_take(&u->arena, sizeof(*tokens));
        counts = arena_take(&u->arena, 65537 * sizeof(*counts));
        REQUIRE(symbols && spare && addrs && is_absolute && tokens && counts,
                MULTI_IMAGE_NO_MEMORY);
        if ((err = read_tokens(u, tokens)) ||
            (err = read_symbols(u, symbols, addrs, is_absolute, max, &count)))
                return err;

        REQUIRE(u->derived[ENTRY_SYMBOL_MARKERS].size >=
                                (count + 255ull) / 256 * sizeof(le32) &&
                        (!seqs->size || seqs->size >= 3ull * count),
                MULTI_IMAGE_BAD_DERIVED);
        derive_offsets(u, addrs, is_absolute, count);
        if ((err = derive_names(u, symbols, count, tokens, text)))
                return err;
        if (seqs->size) { /* kernels before 6.2 lack it, stable ones do not */
                sort_names(symbols, spare, count, counts, text);
                derive_seqs(u, symbols, count);
        }
        return MULTI_IMAGE_OK;
}
