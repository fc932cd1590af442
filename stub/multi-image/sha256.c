/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4, sections 4 to 6).  The stub hashes one image at boot,
 * which is most of what it does.  Processors that have instructions for it need
 * a quarter of the time: that block is nettle's.  nettle's other one, in
 * assembly, takes as long as what is here, and two and a half times the room.
 */
#include "sha256.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* First 32 bits of the fractional parts of the cube roots of the first 64
 * primes (FIPS 180-4, 4.2.2). */
static const uint32_t k[64] __attribute__((aligned(16))) = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
        0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
        0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
        0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
        0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
        0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
        0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
        0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

static uint32_t rotate(uint32_t x, unsigned n)
{
        return x >> n | x << (32 - n);
}

/* The functions of FIPS 180-4, 4.1.2, with rotations nested so that each takes
 * one register: rotate(x, 2) ^ rotate(x, 13) ^ rotate(x, 22) for BIG_0, and so
 * on. */
#define BIG_0(x) rotate(rotate(rotate(x, 9) ^ (x), 11) ^ (x), 2)
#define BIG_1(x) rotate(rotate(rotate(x, 14) ^ (x), 5) ^ (x), 6)

/*
 * The words of the message schedule (6.2.2, step 1), each with its constant added:
 * 16 are the block's, then 8 at a time follow from the last 16.
 */
#ifdef __SSE2__
typedef uint32_t words __attribute__((vector_size(16)));
typedef uint64_t pairs __attribute__((vector_size(16)));

struct schedule {
        words last[4];
};

/* The four words behind the first of a, of which b are the next. */
static inline words behind(words a, words b)
{
        __m128 first = _mm_move_ss((__m128)a, (__m128)b);

        return (words)_mm_shuffle_epi32((__m128i)first, 0x39);
}

static inline words small_0(words x)
{
        return x >> 3 ^ x >> 7 ^ x << 25 ^ x >> 18 ^ x << 14;
}

/* Of words 0 and 2, which stand twice: a shift by so much is a rotation then. */
static inline words small_1(words x)
{
        return x >> 10 ^ (words)((pairs)x >> 17) ^ (words)((pairs)x >> 19);
}

static inline words next_words(struct schedule *s)
{
        words *w = s->last;
        words x = w[0] + small_0(behind(w[0], w[1])) + behind(w[2], w[3]);
        words two; /* 0, 1: what the last two words add */

        two = small_1((words)_mm_shuffle_epi32((__m128i)w[3], 0xfa));
        two = (words)_mm_shuffle_epi32((__m128i)two, 0x08);
        x += (words)_mm_move_epi64((__m128i)two);
        two = small_1((words)_mm_shuffle_epi32((__m128i)x, 0x50));
        two = (words)_mm_shuffle_epi32((__m128i)two, 0x08);
        x += (words)_mm_slli_si128((__m128i)two, 8);
        w[0] = w[1];
        w[1] = w[2];
        w[2] = w[3];
        return w[3] = x;
}

static inline void put_words(uint32_t *out, words x, const uint32_t *constants)
{
        x += (words)_mm_loadu_si128((const __m128i *)constants);
        _mm_store_si128((__m128i *)out, (__m128i)x);
}

static inline void schedule_open(struct schedule *s, const uint8_t *p,
                                 uint32_t *out, const uint32_t *constants)
{
        unsigned i;

        for (i = 0; i < 4; i++) {
                __m128i x = _mm_loadu_si128((const __m128i *)p + i);

                /* each word's bytes the other way round */
                x = _mm_or_si128(_mm_srli_epi16(x, 8), _mm_slli_epi16(x, 8));
                x = _mm_shufflehi_epi16(_mm_shufflelo_epi16(x, 0xb1), 0xb1);
                s->last[i] = (words)x;
                put_words(out + 4 * i, s->last[i], constants + 4 * i);
        }
}

static inline void schedule_next(struct schedule *s, uint32_t *out,
                                 const uint32_t *constants)
{
        put_words(out, next_words(s), constants);
        put_words(out + 4, next_words(s), constants + 4);
}
#else
struct schedule {
        uint32_t words[64];
        unsigned count;
};

static inline void schedule_open(struct schedule *s, const uint8_t *p,
                                 uint32_t *out, const uint32_t *constants)
{
        for (s->count = 0; s->count < 16; s->count++, p += 4) {
                uint32_t w = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                             (uint32_t)p[2] << 8 | p[3];

                s->words[s->count] = w;
                *out++ = w + *constants++;
        }
}

#define SMALL_0(x) (rotate(rotate(x, 11) ^ (x), 7) ^ (x) >> 3)
#define SMALL_1(x) (rotate(rotate(x, 2) ^ (x), 17) ^ (x) >> 10)

static inline void schedule_next(struct schedule *s, uint32_t *out,
                                 const uint32_t *constants)
{
        unsigned end = s->count + 8;

        for (; s->count < end; s->count++) {
                const uint32_t *w = s->words + s->count;
                uint32_t x = w[-16] + SMALL_0(w[-15]) + w[-7] + SMALL_1(w[-2]);

                s->words[s->count] = x;
                *out++ = x + *constants++;
        }
}
#endif

/* One round; the caller renames the eight words instead of moving them.  Eight of
 * them are a step of the loop, no more: the code is carried in every multi-image.
 * The majority of a, b, c is b where a and b are the same, else c: changes has what
 * a and b differ in, and before that what b and c do. */
#define ROUND(a, b, c, d, e, f, g, h, n)                          \
        h += BIG_1(e) + ((((f) ^ (g)) & (e)) ^ (g)) + w[i + (n)]; \
        d += h;                                                   \
        h += BIG_0(a);                                            \
        t = (a) ^ (b);                                            \
        h += (changes & t) ^ (b);                                 \
        changes = t

void sha256_compress_portable(uint32_t state[8], const uint8_t *p,
                              const uint32_t constants[64])
{
        uint32_t w[64] __attribute__((aligned(16)));
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        uint32_t changes = b ^ c, t;
        struct schedule s;
        unsigned i;

        schedule_open(&s, p, w, constants);
        for (i = 0; i < 64; i += 8) {
                if (i < 48) /* long before they are needed */
                        schedule_next(&s, w + i + 16, constants + i + 16);
                ROUND(a, b, c, d, e, f, g, h, 0);
                ROUND(h, a, b, c, d, e, f, g, 1);
                ROUND(g, h, a, b, c, d, e, f, 2);
                ROUND(f, g, h, a, b, c, d, e, 3);
                ROUND(e, f, g, h, a, b, c, d, 4);
                ROUND(d, e, f, g, h, a, b, c, 5);
                ROUND(c, d, e, f, g, h, a, b, 6);
                ROUND(b, c, d, e, f, g, h, a, 7);
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

#ifdef __x86_64__
/* nettle's sha256-internal.h */
sha256_compress _nettle_sha256_compress_sha_ni;

/* SHA in leaf 7; it comes with SSSE3 and SSE4.1, which are used as well. */
static bool has_instructions(void)
{
        uint32_t a, b, c, d;

        if (__get_cpuid_max(0, NULL) < 7)
                return false;
        __cpuid(1, a, b, c, d);
        if (!(c & bit_SSSE3) || !(c & bit_SSE4_1))
                return false;
        __cpuid_count(7, 0, a, b, c, d);
        return b & bit_SHA;
}

sha256_compress *sha256_compress_fast(void)
{
        return has_instructions() ? _nettle_sha256_compress_sha_ni
                                  : sha256_compress_portable;
}
#else
sha256_compress *sha256_compress_fast(void)
{
        return sha256_compress_portable;
}
#endif

void sha256_init_with(struct sha256 *s, sha256_compress *compress)
{
        static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                             0xa54ff53a, 0x510e527f, 0x9b05688c,
                                             0x1f83d9ab, 0x5be0cd19 };

        memcpy(s->state, initial, sizeof(initial));
        s->size = 0;
        s->compress = compress;
}

void sha256_init(struct sha256 *s)
{
        sha256_init_with(s, sha256_compress_fast());
}

void sha256_update(struct sha256 *s, const void *bytes, size_t size)
{
        const uint8_t *p = bytes;
        size_t pending = s->size % 64;

        s->size += size;
        if (pending) {
                size_t n = 64 - pending < size ? 64 - pending : size;

                memcpy(s->block + pending, p, n);
                p += n;
                size -= n;
                if (pending + n < 64)
                        return;
                s->compress(s->state, s->block, k);
        }
        for (; size >= 64; p += 64, size -= 64)
                s->compress(s->state, p, k);
        memcpy(s->block, p, size);
}

void sha256_final(struct sha256 *s, uint8_t ret_digest[SHA256_SIZE])
{
        uint64_t bit_count = s->size * 8;
        uint8_t pad[72] = { 0x80 };
        size_t pad_size = (s->size % 64 < 56 ? 56 : 120) - s->size % 64;
        int i;

        for (i = 0; i < 8; i++)
                pad[pad_size + i] = (uint8_t)(bit_count >> (56 - 8 * i));
        sha256_update(s, pad, pad_size + 8);
        for (i = 0; i < 32; i++)
                ret_digest[i] =
                        (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}
