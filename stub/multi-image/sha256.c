/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4, sections 4 to 6).  The stub hashes one image at boot,
 * which is most of what it does.  In 64 bits blocks are nettle's work: by the
 * processor's own instructions, a quarter of the time, or in assembly.  In 32 bits
 * it is done here.
 */
#include "sha256.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
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
#define BIG_0(x)   rotate(rotate(rotate(x, 9) ^ (x), 11) ^ (x), 2)
#define BIG_1(x)   rotate(rotate(rotate(x, 14) ^ (x), 5) ^ (x), 6)
#define SMALL_0(x) (rotate(rotate(x, 11) ^ (x), 7) ^ (x) >> 3)
#define SMALL_1(x) (rotate(rotate(x, 2) ^ (x), 17) ^ (x) >> 10)

/* One round; the caller renames the eight words instead of moving them.  Eight of
 * them are a step of the loop, no more: the code is carried in every multi-image. */
#define ROUND(a, b, c, d, e, f, g, h, n)                                   \
        h += BIG_1(e) + ((((f) ^ (g)) & (e)) ^ (g)) + constants[i + (n)] + \
             w[i + (n)];                                                   \
        d += h;                                                            \
        h += BIG_0(a) + ((((a) | (b)) & (c)) | ((a) & (b)))

void sha256_compress_portable(uint32_t state[8], const uint8_t *p,
                              const uint32_t constants[64])
{
        uint32_t w[64];
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        int i;

        for (i = 0; i < 16; i++, p += 4)
                w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                       (uint32_t)p[2] << 8 | p[3];
        for (; i < 64; i++)
                w[i] = w[i - 16] + SMALL_0(w[i - 15]) + w[i - 7] +
                       SMALL_1(w[i - 2]);
        for (i = 0; i < 64; i += 8) {
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
sha256_compress _nettle_sha256_compress_x86_64;
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

sha256_compress *sha256_compress_fast(bool with_instructions)
{
        return with_instructions && has_instructions()
                       ? _nettle_sha256_compress_sha_ni
                       : _nettle_sha256_compress_x86_64;
}
#else
sha256_compress *sha256_compress_fast(bool with_instructions)
{
        (void)with_instructions;
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
        sha256_init_with(s, sha256_compress_fast(true));
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
