/* SPDX-License-Identifier: MIT */
/* Files around a store, there and back; cut short, and with bits flipped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>

#include "../../packer/compose.h"
#include "../../stub/parameters.h"

#define MAX_STORE 200000

static uint8_t store[MAX_STORE];

static struct variant_info variant(void)
{
        return (struct variant_info){
                .name = "native",
                .kind = VARIANT_BZIMAGE,
                .image_size = 300000,
                .setup_size = 0x400,
                .init_size = 5 << 20,
                .load_addr = 0x1000000,
                .load_size = 4 << 20,
                .load_room = 4 << 20,
                .work_size = 100000,
                .chunk_size = 65536,
        };
}

/* A variant's first bytes: only its header matters. */
static void make_setup(uint8_t setup[0x400])
{
        memset(setup, 0, 0x400);
        memcpy(setup + 0x234, (uint8_t[]){ 1, 21, 0x7f, 0 }, 4);
        memcpy(setup + 0x230, (uint8_t[]){ 0, 0, 0x20, 0 }, 4);
        memcpy(setup + 0x238, (uint8_t[]){ 0xff, 7, 0, 0 }, 4);
        memcpy(setup + 0x22c, (uint8_t[]){ 0xff, 0xff, 0xff, 0x7f }, 4);
        memcpy(setup + 0x258, (uint8_t[]){ 0, 0, 0, 1 }, 4);
        memcpy(setup + 0x260, (uint8_t[]){ 0, 0, 0x50, 0 }, 4);
}

static void make(size_t store_size, const struct codec *codec,
                 uint8_t **ret_file, size_t *ret_size)
{
        struct compose_input input = COMPOSE_INPUT;
        struct variant_info info = variant();
        uint8_t setup[0x400];
        make_setup(setup);
        for (size_t i = 0; i < store_size; i++)
                store[i] = (uint8_t)(i * 7 + (i >> 8));
        assert_int_equal(compose_add_variant(&input, &info, setup), 0);
        info.xen_virt_base = 0xffffffff80000000;
        info.xen_entry = 0xffffffff81000000;
        assert_int_equal(compose_add_variant(&input, &info, setup), 0);
        input.store = store;
        input.store_size = store_size;
        input.codec = codec;
        assert_int_equal(compose(&input, ret_file, ret_size), 0);
}

static const struct codec *const codecs[] = { &codec_deflate, &codec_xz,
                                              &codec_zstd };
#define CODECS (sizeof(codecs) / sizeof(codecs[0]))

static void test_round_trip(void **state)
{
        /* around whole stored blocks, too */
        static const size_t sizes[] = { 1, 1000, 65528, 131056, MAX_STORE };
        (void)state;
        for (size_t i = 0; i < CODECS * sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct composed c, bare;
                uint8_t *file;
                size_t size;
                make(sizes[i / CODECS], codecs[i % CODECS], &file, &size);
                assert_int_equal(compose_open(file, size, &c), 0);
                assert_true(c.is_bzimage);
                assert_int_equal(c.store_size, sizes[i / CODECS]);
                assert_memory_equal(c.store, store, c.store_size);
                assert_int_equal(compose_verify(file, size, &c), 0);

                assert_int_equal(compose_open(c.elf, c.elf_size, &bare), 0);
                assert_false(bare.is_bzimage);
                assert_int_equal(bare.store_size, c.store_size);
                assert_memory_equal(bare.store, store, bare.store_size);
                compose_close(&bare);
                compose_close(&c);
                free(file);
        }
}

static void test_same_input_same_file(void **state)
{
        uint8_t *a, *b;
        size_t a_size, b_size;
        (void)state;
        make(5000, &codec_xz, &a, &a_size);
        make(5000, &codec_xz, &b, &b_size);
        assert_int_equal(a_size, b_size);
        assert_memory_equal(a, b, a_size);
        free(a);
        free(b);
}

/* What loaders read of the set-up header. */
static void test_header(void **state)
{
        uint8_t *file;
        size_t size;
        le32 syssize, init_size, alignment;
        (void)state;
        make(100000, &codec_deflate, &file, &size);
        memcpy(&syssize, file + 0x1f4, 4);
        memcpy(&init_size, file + 0x260, 4);
        memcpy(&alignment, file + 0x230, 4);
        size_t setup = (file[0x1f1] + 1u) * 512;
        assert_true(file[0x1f1] >= 1 && file[0x1f1] <= 64);
        assert_int_equal(setup + get_le32(syssize) * 16, size);
        assert_true(get_le32(init_size) > (5 << 20));
        assert_true(get_le32(init_size) > size - setup);
        assert_int_equal(get_le32(alignment), 0x200000);
        assert_memory_equal(file + 0x202, "HdrS", 4);
        /* 64-bit entry and above 4 GiB, but nothing of EFI */
        assert_int_equal(file[0x236], 3);
        free(file);
}

/* What ELF loaders read: E at 1 MiB, the hole where the variants load. */
static void test_elf(void **state)
{
        struct composed c;
        uint8_t *file;
        size_t size;
        Elf64_Phdr headers[3];
        (void)state;
        make(100000, &codec_deflate, &file, &size);
        assert_int_equal(compose_open(file, size, &c), 0);
        memcpy(headers, c.elf + sizeof(Elf64_Ehdr), sizeof(headers));
        assert_int_equal(headers[0].p_type, PT_LOAD);
        assert_int_equal(headers[0].p_paddr, 0x100000);
        assert_int_equal(headers[0].p_filesz, c.elf_size);
        assert_true(headers[0].p_paddr + headers[0].p_memsz <=
                    headers[1].p_paddr);
        assert_int_equal(headers[1].p_paddr, 0x1000000);
        assert_int_equal(headers[1].p_filesz, 0);
        assert_true(headers[1].p_memsz >= 5 << 20);
        assert_int_equal(headers[2].p_type, PT_NOTE);
        compose_close(&c);
        free(file);
}

/* With a kernel that is no Linux. */
static void make_bare(size_t store_size, uint64_t load_addr, uint8_t **ret_file,
                      size_t *ret_size)
{
        struct compose_input input = COMPOSE_INPUT;
        struct variant_info info = variant();
        info.kind = VARIANT_ELF_32;
        info.setup_size = 0;
        info.load_addr = load_addr;
        info.pvh_entry = load_addr + 0x100;
        assert_int_equal(compose_add_variant(&input, &info, NULL), 0);
        input.store = store;
        input.store_size = store_size;
        input.codec = &codec_deflate;
        assert_true(compose_has_32(input.codec));
        assert_int_equal(compose(&input, ret_file, ret_size), 0);
}

static uint32_t word(const uint8_t *bytes)
{
        le32 v;
        memcpy(&v, bytes, sizeof v);
        return get_le32(v);
}

/* As a multiboot loader reads the file: both headers where the specifications
 * search, with sums of zero, and one place for the file in memory. */
static void test_multiboot(void **state)
{
        uint8_t *file;
        size_t size;
        (void)state;
        make_bare(70000, 0x200000, &file, &size);
        size_t setup = (file[0x1f1] + 1u) * 512, one = 0, two = 0;
        uint32_t init_size = word(file + 0x260);
        for (size_t i = 0; i + 32 <= 8192 && !one; i += 4)
                if (word(file + i) == 0x1badb002)
                        one = i;
        for (size_t i = 0; i + 64 <= 32768 && !two; i += 8)
                if (word(file + i) == 0xe85250d6)
                        two = i;
        assert_true(one && two);
        const uint8_t *h = file + one, *h2 = file + two;
        assert_int_equal(word(h) + word(h + 4) + word(h + 8), 0);
        assert_int_equal(word(h + 12), 0x100000 + one - setup);
        assert_int_equal(word(h + 16), 0x100000);
        assert_int_equal(word(h + 20), 0x100000 + size - setup);
        assert_int_equal(word(h + 24), 0x100000 + init_size);
        assert_in_range(word(h + 28), 0x100000, 0x100000 + one - setup);
        assert_int_equal(word(h2) + word(h2 + 4) + word(h2 + 8) + word(h2 + 12),
                         0);
        assert_int_equal(word(h2 + 8), 64);
        assert_int_equal(word(h2 + 16), 2);
        assert_int_equal(word(h2 + 24), 0x100000 + two - setup);
        assert_memory_equal(h2 + 28, h + 16, 12);
        assert_int_equal(word(h2 + 40), 3);
        assert_memory_equal(h2 + 48, h + 28, 4);
        assert_int_equal(word(h2 + 56), 0);
        assert_int_equal(word(h2 + 60), 8);
        /* at its own address, below the stub */
        assert_int_equal(file[0x234], 0);
        assert_true(word(file + setup + HEAD_PARAMETERS + 16) >=
                    0x100000 + (4 << 20));
        free(file);
}

static void test_low_kernel(void **state)
{
        struct compose_input input = COMPOSE_INPUT;
        struct variant_info info = variant();
        (void)state;
        info.kind = VARIANT_ELF;
        info.setup_size = 0;
        info.load_addr = 0xff000;
        assert_int_equal(compose_add_variant(&input, &info, NULL),
                         COMPOSE_LOW_KERNEL);
        info.load_addr = 0x100000;
        assert_int_equal(compose_add_variant(&input, &info, NULL), 0);
        assert_false(compose_has_32(&codec_xz));
        assert_false(compose_has_32(&codec_zstd));
}

/* Cut at every place: never taken for whole. */
static void test_truncation(void **state)
{
        uint8_t *file;
        size_t size;
        (void)state;
        make(3000, &codec_deflate, &file, &size);
        for (size_t cut = 0; cut < size; cut++) {
                struct composed c;
                uint8_t *part = malloc(cut + 1);
                memcpy(part, file, cut);
                assert_int_not_equal(compose_open(part, cut, &c), 0);
                free(part);
        }
        free(file);
}

/* A bit flipped anywhere outside the store is found. */
/* About every step-th byte. */
static void expect_flips_found(uint8_t *file, size_t size, size_t step)
{
        size_t checked = 0;
        struct composed whole;
        assert_int_equal(compose_open(file, size, &whole), 0);
        for (size_t i = 0; i < size; i += step + i % 3) {
                struct composed c;
                file[i] ^= (uint8_t)(1u << i % 8);
                if (!compose_open(file, size, &c)) {
                        assert_int_not_equal(compose_verify(file, size, &c), 0);
                        compose_close(&c);
                }
                file[i] ^= (uint8_t)(1u << i % 8);
                checked++;
        }
        assert_true(checked > whole.stub_size / (step + 2));
        compose_close(&whole);
}

static void test_flips(void **state)
{
        uint8_t *file;
        size_t size;
        (void)state;
        make(100, &codec_deflate, &file, &size);
        expect_flips_found(file, size, 1);
        free(file);
        make_bare(100, 0x100000, &file, &size);
        expect_flips_found(file, size, 31);
        free(file);
}

/* The same for E alone, which has no set-up and no gzip frame. */
static void test_flips_in_elf(void **state)
{
        uint8_t *file;
        size_t size;
        struct composed whole, c;
        (void)state;
        make(100, &codec_deflate, &file, &size);
        assert_int_equal(compose_open(file, size, &whole), 0);
        assert_int_equal(compose_open(whole.elf, whole.elf_size, &c), 0);
        assert_int_equal(compose_verify(whole.elf, whole.elf_size, &c), 0);
        compose_close(&c);
        for (size_t i = 0; i < whole.elf_size - whole.store_size;
             i += 1 + i % 5) {
                whole.elf[i] ^= (uint8_t)(1u << i % 8);
                if (!compose_open(whole.elf, whole.elf_size, &c)) {
                        assert_int_not_equal(
                                compose_verify(whole.elf, whole.elf_size, &c),
                                0);
                        compose_close(&c);
                }
                whole.elf[i] ^= (uint8_t)(1u << i % 8);
        }
        compose_close(&whole);
        free(file);
}

static void test_large_setup(void **state)
{
        struct compose_input input = COMPOSE_INPUT;
        struct variant_info info = variant();
        (void)state;
        info.setup_size = 65 * 512;
        assert_int_equal(compose_add_variant(&input, &info, NULL), 0);
        info.setup_size = 80 * 512;
        assert_int_equal(compose_add_variant(&input, &info, NULL),
                         COMPOSE_LARGE_SETUP);
}

static void test_contradiction(void **state)
{
        struct compose_input input = COMPOSE_INPUT;
        struct variant_info info = variant();
        (void)state;
        assert_int_equal(compose_add_variant(&input, &info, NULL), 0);
        info.load_addr = 0x2000000;
        assert_int_equal(compose_add_variant(&input, &info, NULL),
                         COMPOSE_BAD_VARIANTS);
}

static void test_errors_have_texts(void **state)
{
        (void)state;
        for (int i = 0; i < COMPOSE_ERROR_COUNT; i++)
                assert_string_not_equal(compose_strerror(i), "unknown error");
        assert_string_equal(compose_strerror(COMPOSE_ERROR_COUNT),
                            "unknown error");
        assert_string_equal(compose_strerror(-1), "unknown error");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_same_input_same_file),
                cmocka_unit_test(test_multiboot),
                cmocka_unit_test(test_low_kernel),
                cmocka_unit_test(test_header),
                cmocka_unit_test(test_elf),
                cmocka_unit_test(test_truncation),
                cmocka_unit_test(test_flips),
                cmocka_unit_test(test_flips_in_elf),
                cmocka_unit_test(test_large_setup),
                cmocka_unit_test(test_contradiction),
                cmocka_unit_test(test_errors_have_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
