/* SPDX-License-Identifier: MIT */
/* The set-up header that a variant finds: its own, with the loader's words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/boot-params.h"

#define SIZE 0x290

/* Every byte of the header is told apart: the variant's are 0x11, the
 * loader's 0x22. */
static void test_merge(void **state)
{
        uint8_t variant[SIZE], loader[SIZE], out[SIZE];
        struct setup_header h;
        (void)state;
        memset(variant, 0x11, sizeof(variant));
        memset(loader, 0x22, sizeof(loader));
        memset(out, 0x33, sizeof(out));
        variant[0x201] = 0x6a; /* the header ends at 0x26c */
        variant[0x211] = 0x01; /* LOADED_HIGH */
        loader[0x211] = 0xe3;  /* all that a loader may say, and more */
        header_merge(header_of(out), header_of(loader), variant);
        memcpy(&h, out + SETUP_HEADER, sizeof(h));

        assert_int_equal(h.loadflags, 0xe1);
        /* the loader's */
        assert_int_equal(h.vid_mode, 0x2222);
        assert_int_equal(h.type_of_loader, 0x22);
        assert_int_equal(h.code32_start, 0x22222222);
        assert_int_equal(h.ramdisk_image, 0x22222222);
        assert_int_equal(h.ramdisk_size, 0x22222222);
        assert_int_equal(h.heap_end_ptr, 0x2222);
        assert_int_equal(h.cmd_line_ptr, 0x22222222);
        assert_int_equal(h.hardware_subarch, 0x22222222);
        assert_true(h.setup_data == 0x2222222222222222);
        /* the variant's */
        assert_int_equal(h.setup_sects, 0x11);
        assert_int_equal(h.syssize, 0x11111111);
        assert_int_equal(h.kernel_alignment, 0x11111111);
        assert_int_equal(h.xloadflags, 0x1111);
        assert_int_equal(h.payload_offset, 0x11111111);
        assert_true(h.pref_address == 0x1111111111111111);
        assert_int_equal(h.init_size, 0x11111111);
        assert_int_equal(h.handover_offset, 0x11111111);
        assert_int_equal(h.kernel_info_offset, 0x11111111);
        /* nothing around it */
        assert_int_equal(out[0x1f0], 0x33);
        assert_int_equal(out[0x26c], 0x33);
}

/* An older, shorter header: what lies behind it is not the header's. */
static void test_short_header(void **state)
{
        uint8_t variant[SIZE], loader[SIZE], out[SIZE];
        (void)state;
        memset(variant, 0x11, sizeof(variant));
        memset(loader, 0x22, sizeof(loader));
        memset(out, 0x33, sizeof(out));
        variant[0x201] = 0x36; /* ends at 0x238: before cmdline_size */
        header_merge(header_of(out), header_of(loader), variant);
        assert_int_equal(out[0x237], 0x11);
        assert_int_equal(out[0x238], 0x33);
}

/* boot_params: the loader's header and the result are the same memory. */
static void test_in_place(void **state)
{
        uint8_t variant[SIZE], loader[SIZE], out[SIZE];
        (void)state;
        memset(variant, 0x11, sizeof(variant));
        memset(loader, 0x22, sizeof(loader));
        memset(out, 0x22, sizeof(out));
        variant[0x201] = 0x6a;
        header_merge(header_of(out), header_of(loader), variant);
        header_merge(header_of(loader), header_of(loader), variant);
        assert_memory_equal(out, loader, sizeof(out));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_merge),
                cmocka_unit_test(test_short_header),
                cmocka_unit_test(test_in_place),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
