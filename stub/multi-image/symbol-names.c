/* SPDX-License-Identifier: MIT */
/*
 * Writes the names of kallsyms, with tokens.
 *
 * The tokens were made one after the other, each by replacing the pair of bytes
 * that was most frequent at the time.  To write a name with them, replace its
 * pairs in the order of the tokens' making: with t1 = (p,r), t2 = (t1,i),
 * "printk" becomes t1 i n t k, then t2 n t k.  A pair that appears by a
 * replacement holds the token just made, so its own token is younger: always
 * taking the oldest token among the pairs present gives the same result.
 */
#include "symbols.h"

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
        uint8_t joined[65536]; /* by left | right << 8: a token has these two
                                * characters side by side; never with a NUL */
        struct segment segments[SEGMENTS];
};

/* The tokens of this variant: those of the ones before it are passed over. */
static __attribute__((noinline)) int read_tokens(struct unpacker *u, struct tokens *t)
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
                        t->joined[t->last[left] | t->first[right] << 8] =
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

/* Two characters side by side. */
static inline uint32_t load_le16(const uint8_t *bytes)
{
        le16 v;

        memcpy(&v, bytes, sizeof(v));
        return get_le16(v);
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

                while (t->joined[load_le16(name + size - 1)])
                        size++;
                done += put_segment(t, name, size, out + done);
                name += size;
        }
        return done;
}

static int put_names(struct unpacker *u, const struct symbol *symbols,
                     uint32_t count, struct tokens *tokens, const uint8_t *text)
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

int symbol_names_derive(struct unpacker *u, const struct symbol *symbols,
                        uint32_t count, const uint8_t *text)
{
        struct tokens *tokens = arena_take(&u->arena, sizeof(*tokens));
        int err;

        REQUIRE(tokens, MULTI_IMAGE_NO_MEMORY);
        if ((err = read_tokens(u, tokens)))
                return err;
        return put_names(u, symbols, count, tokens, text);
}
