/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), for digests of tables and images. */
#ifndef STUB_MULTI_IMAGE_SHA256_H
#define STUB_MULTI_IMAGE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32u

/* Takes one block of 64 bytes into the state; constants: FIPS 180-4, 4.2.2. */
typedef void sha256_compress(uint32_t state[8], const uint8_t *block,
                             const uint32_t constants[64]);

struct sha256 {
        uint32_t state[8];
        uint64_t size;     /* bytes taken so far */
        uint8_t block[64]; /* size % 64 of them are pending */
        sha256_compress *compress;
};

sha256_compress sha256_compress_portable;
/* The fastest that this processor can run: by its own instructions (SHA-NI) if it
 * has them. */
sha256_compress *sha256_compress_fast(void);
void sha256_init(struct sha256 *s);
/* The same with one of the above: for tests. */
void sha256_init_with(struct sha256 *s, sha256_compress *compress);
void sha256_update(struct sha256 *s, const void *bytes, size_t size);
void sha256_final(struct sha256 *s, uint8_t ret_digest[SHA256_SIZE]);

#endif
