/* SPDX-License-Identifier: MIT */
/* SHA-256 against the examples of FIPS 180-2, appendix B, and in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/multi-image/sha256.h"

static void hash_with(sha256_compress *compress, const void *bytes, size_t size,
                      size_t piece, char hex[65])
{
        uint8_t digest[SHA256_SIZE];
        struct sha256 s;
        sha256_init_with(&s, compress);
        for (size_t at = 0; at < size; at += piece)
                sha256_update(&s, (const uint8_t *)bytes + at,
                              size - at < piece ? size - at : piece);
        sha256_final(&s, digest);
        for (size_t i = 0; i < sizeof(digest); i++)
                sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* By the processor's own instructions, if it has any, as without them. */
static void hash(const void *bytes, size_t size, size_t piece, char hex[65])
{
        char other[65];

        hash_with(sha256_compress_fast(), bytes, size, piece, hex);
        hash_with(sha256_compress_portable, bytes, size, piece, other);
        assert_string_equal(other, hex);
}

/* Sizes around those of a block and its padding. */
static void test_sizes(void **state)
{
        uint8_t bytes[1000];
        char hex[65], before[65] = "";
        size_t i, size;

        (void)state;
        for (i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * i + i / 7);
        for (size = 0; size <= sizeof(bytes); size += 3) {
                hash(bytes, size, sizeof(bytes), hex);
                assert_string_not_equal(hex, before);
                memcpy(before, hex, sizeof(hex));
        }
}

static const struct {
        const char *text, *digest;
} examples[] = {
        { "",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void test_examples(void **state)
{
        char hex[65];
        (void)state;
        for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
                hash(examples[i].text, strlen(examples[i].text), 64, hex);
                assert_string_equal(hex, examples[i].digest);
        }
}

/* A million times "a", in pieces of every size around a block's. */
static void test_pieces(void **state)
{
        static uint8_t bytes[1000000];
        char hex[65];
        (void)state;
        memset(bytes, 'a', sizeof(bytes));
        for (size_t piece = 1; piece <= 130; piece += 1 + piece / 8) {
                hash(bytes, sizeof(bytes), piece, hex);
                assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
                                         "f1809a48a497200e046d39ccc7112cd0");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_examples),
                cmocka_unit_test(test_pieces),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
