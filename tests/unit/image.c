/* SPDX-License-Identifier: MIT */
/* What image_read() and linked_read() tell of the kernels that are made from
 * tests/golden/kernel.S; faults are tests/cli/golden.test's and linked.test's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>

#include "../../packer/image.h"
#include "../../packer/image-parts.h"

#define VIRT_BASE 0xffffffff80000000ull

static const char *golden(const char *name)
{
        static char path[4096];
        const char *out = getenv("OUT");

        snprintf(path, sizeof(path), "%s/tests/golden/%s", out ? out : "out",
                 name);
        return path;
}

static struct image read_image(const char *name)
{
        struct image image;
        char *message = NULL;

        if (image_read(golden(name), &image, &message))
                fail_msg("%s", message);
        return image;
}

static struct linked read_linked(const char *name, const struct image *image)
{
        struct linked linked;
        char *message = NULL;

        if (linked_read(golden(name), image, &linked, &message))
                fail_msg("%s", message);
        return linked;
}

static void test_bzimage(void **state)
{
        struct image image = read_image("good-stored");
        (void)state;

        assert_int_equal(image.kind, IMAGE_BZIMAGE);
        assert_int_equal(image.setup_size, 5 * 512);
        assert_int_equal(image.payload_offset, 5 * 512 + 1024);
        assert_true(image.payload_offset + image.payload_size <= image.size);
        assert_true(image.size - image.payload_offset - image.payload_size <
                    16);
        assert_int_equal(image.version, 0x20f);
        assert_int_equal(image.xloadflags, 3);
        assert_int_equal(image.cmdline_size, 2047);
        assert_int_equal(image.init_size, 0x100000);
        assert_int_equal(image.pref_address, 0x1000000);
        assert_int_equal(image.kernel_alignment, 0x200000);
        assert_string_equal(image.payload_codec, "gzip");
        assert_true(image.stored);
        image_free(&image);
}

/* The kernel inside is the same whatever it was compressed with. */
static void test_payloads(void **state)
{
        static const char *const codecs[] = { "gzip", "xz", "zstd", "lz4" };
        struct image elf = read_image("good-elf");
        char name[32];
        (void)state;

        assert_int_equal(elf.kind, IMAGE_ELF);
        assert_int_equal(elf.setup_size, 0);
        assert_null(elf.payload_codec);
        assert_ptr_equal(elf.payload, elf.data);
        for (size_t i = 0; i < 4; i++) {
                struct image image;

                snprintf(name, sizeof(name), "good-%s", codecs[i]);
                image = read_image(name);
                assert_string_equal(image.payload_codec, codecs[i]);
                assert_false(image.stored);
                assert_int_equal(image.unpacked_size, elf.size);
                assert_memory_equal(image.payload, elf.data, elf.size);
                assert_int_equal(image.entry, elf.entry);
                image_free(&image);
        }
        image_free(&elf);
}

static void test_elf64(void **state)
{
        struct image image = read_image("payload64-0");
        (void)state;

        assert_true(image.elf64);
        assert_int_equal(image.load_addr, 0x1000000);
        /* text with rodata, data, per-CPU area, 16 KiB of bss */
        assert_int_equal(image.segment_count, 4);
        assert_int_equal(image.segments[2].vaddr, 0);
        assert_int_equal(image.segments[3].memsz, 0x4000);
        assert_int_equal(image.load_size,
                         image.segments[3].paddr + 0x4000 - image.load_addr);
        assert_int_equal(image.xen_entry, image.entry + VIRT_BASE);
        assert_int_equal(image.pvh_entry, image.entry);
        assert_int_equal(image.xen_virt_base, VIRT_BASE);
        image_free(&image);
}

static void test_elf32(void **state)
{
        struct image image = read_image("payload32-1");
        (void)state;

        assert_false(image.elf64);
        assert_int_equal(image.load_addr, 0x1000000);
        assert_int_equal(image.segment_count, 3);
        assert_int_equal(image.xen_virt_base, 0xc0000000);
        assert_int_equal(image.pvh_entry, image.entry);
        image_free(&image);
}

static const struct linked_symbol *find_symbol(const struct linked *linked,
                                               const char *name)
{
        for (size_t i = 0; i < linked->symbol_count; i++)
                if (!strcmp(linked->symbols[i].name, name))
                        return &linked->symbols[i];
        fail_msg("no symbol %s", name);
        return NULL;
}

/* The relocation at addr. */
static const struct linked_relocation *find_relocation(
        const struct linked *linked, uint64_t addr)
{
        for (size_t i = 0; i < linked->relocation_count; i++)
                if (linked->relocations[i].offset == addr)
                        return &linked->relocations[i];
        fail_msg("no relocation at %#lx", (unsigned long)addr);
        return NULL;
}

static void test_linked(void **state)
{
        static const struct {
                const char *image, *vmlinux;
                uint32_t type; /* of a pointer */
                unsigned size; /* of a pointer */
        } cases[] = {
                { "bzimage64-1", "vmlinux64-1", R_X86_64_64, 8 },
                { "bzimage32-1", "vmlinux32-1", R_X86_64_32, 4 },
        };
        (void)state;

        for (size_t i = 0; i < 2; i++) {
                struct image image = read_image(cases[i].image);
                struct linked l = read_linked(cases[i].vmlinux, &image);
                const struct linked_symbol *worker = find_symbol(&l, "worker7");
                const struct linked_symbol *table = find_symbol(&l, "workers");
                const struct linked_relocation *r;

                assert_int_equal(worker->type, STT_FUNC);
                assert_int_equal(worker->binding, STB_GLOBAL);
                assert_string_equal(worker->file, "");
                assert_string_equal(l.sections[worker->section].name, ".text");
                assert_int_equal(find_symbol(&l, "only_here")->value & 15, 0);
                assert_int_equal(table->size, 100 * cases[i].size);

                r = find_relocation(&l, table->value + 7 * cases[i].size);
                assert_int_equal(r->type, cases[i].type);
                assert_int_equal(l.symbols[r->symbol].value +
                                         (uint64_t)r->addend,
                                 worker->value);
                /* the call of print behind the 5 bytes of mov */
                r = find_relocation(&l, worker->value + 6);
                assert_int_equal(l.symbols[r->symbol].value +
                                         (uint64_t)r->addend,
                                 find_symbol(&l, "print")->value - 4);
                for (size_t j = 1; j < l.relocation_count; j++)
                        assert_true(l.relocations[j - 1].offset <=
                                    l.relocations[j].offset);
                linked_free(&l);
                image_free(&image);
        }
}

/* Failures leave the results alone and set a message with the file's name. */
static void test_failure(void **state)
{
        struct image image = { .size = 42 };
        char *message = NULL;
        (void)state;

        assert_int_equal(image_read("/no/such/file", &image, &message), 4);
        assert_string_equal(message,
                            "/no/such/file: open: No such file or directory");
        assert_int_equal(image.size, 42);
        free(message);
        message = NULL;
        assert_int_equal(image_read(golden("bad-phoff"), &image, &message), 3);
        assert_memory_equal(message, golden("bad-phoff"),
                            strlen(golden("bad-phoff")));
        assert_int_equal(image.size, 42);
        free(message);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bzimage), cmocka_unit_test(test_payloads),
                cmocka_unit_test(test_elf64),   cmocka_unit_test(test_elf32),
                cmocka_unit_test(test_linked),  cmocka_unit_test(test_failure),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
