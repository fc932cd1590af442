/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), for digests of tables and images. */
#ifndef STUB_MULTI_IMAGE_SHA256_H
#define STUB_MULTI_IMAGE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32u

struct sha256 {
        uint32_t state[8];
        uint64_t size;     /* bytes taken so far */
        uint8_t block[64]; /* size % 64 of them are pending */
        bool is_fast;      /* by the processor's own instructions */
};

/* Whether the processor has instructions for it (SHA-NI). */
bool sha256_has_instructions(void);
void sha256_init(struct sha256 *s);
/* The same without them. */
void sha256_init_portable(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *bytes, size_t size);
void sha256_final(struct sha256 *s, uint8_t ret_digest[SHA256_SIZE]);

#endif
