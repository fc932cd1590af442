/* SPDX-License-Identifier: MIT */
/* The stub's options, and what it adds to a command line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/command-line.h"

static const struct {
        const char *line;
        const char *variant; /* NULL: none */
        bool verbose, halt;
} options[] = {
        { "", NULL, false, false },
        { "   \t ", NULL, false, false },
        { "ingot.variant=kvm", "kvm", false, false },
        { "quiet ingot.variant=xen root=/dev/vda", "xen", false, false },
        /* as with Linux, the last one counts */
        { "ingot.variant=xen ingot.variant=kvm", "kvm", false, false },
        { "ingot.variant=", NULL, false, false },
        { "ingot.variants=kvm xingot.variant=kvm", NULL, false, false },
        { "ingot.verbose\tingot.halt", NULL, true, true },
        { "ingot.verbose=1 ingot.halted", NULL, false, false },
        /* behind "--" are init's arguments */
        { "a -- ingot.variant=kvm ingot.verbose", NULL, false, false },
        { "--x ingot.verbose", NULL, true, false },
        /* inside quotes there is no word */
        { "a=\"b ingot.verbose c\"", NULL, false, false },
        { "a=\"-- \" ingot.halt", NULL, false, true },
        { "a=\"unclosed ingot.halt", NULL, false, false },
};

static void test_options(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
                struct options o;
                command_line_options(options[i].line, &o);
                assert_int_equal(o.verbose, options[i].verbose);
                assert_int_equal(o.halt, options[i].halt);
                if (!options[i].variant) {
                        assert_null(o.variant);
                        continue;
                }
                assert_int_equal(o.variant_size, strlen(options[i].variant));
                assert_memory_equal(o.variant, options[i].variant,
                                    o.variant_size);
        }
}

#define ADDED "ingot.variant=kvm ingot.reason=rule-2"

static const struct {
        const char *line, *result;
} appended[] = {
        { "", ADDED },
        { "quiet", "quiet " ADDED },
        { "quiet ", "quiet " ADDED },
        { "quiet -- single", "quiet " ADDED " -- single" },
        { "-- single", ADDED " -- single" },
        { "quiet --", "quiet " ADDED " --" },
        { "a=\"x -- y\" b", "a=\"x -- y\" b " ADDED },
};

static void test_append(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(appended) / sizeof(appended[0]); i++) {
                char out[128];
                assert_true(command_line_append(appended[i].line, "kvm",
                                                "rule-2", out, sizeof(out)));
                assert_string_equal(out, appended[i].result);
        }
}

/* Every room from none to plenty: whole result, or the line alone, or as much
 * of it as there is room for; never a byte beyond. */
static void test_append_without_room(void **state)
{
        static const char line[] = "quiet -- single";
        static const char whole[] = "quiet " ADDED " -- single";
        (void)state;
        assert_false(command_line_append(line, "kvm", "rule-2", NULL, 0));
        for (size_t room = 1; room < sizeof(whole) + 8; room++) {
                char *out = malloc(room); /* the sanitizer guards its end */
                bool fits =
                        command_line_append(line, "kvm", "rule-2", out, room);
                assert_int_equal(fits, room >= sizeof(whole));
                if (fits) {
                        assert_string_equal(out, whole);
                } else {
                        size_t kept = room - 1 < sizeof(line) - 1
                                              ? room - 1
                                              : sizeof(line) - 1;
                        assert_int_equal(strlen(out), kept);
                        assert_memory_equal(out, line, kept);
                }
                free(out);
        }
}

/* What is added is found again, and beats what was there. */
static void test_round_trip(void **state)
{
        char out[128];
        struct options o;
        (void)state;
        command_line_append("ingot.variant=nowhere -- x", "native",
                            "unknown-name", out, sizeof(out));
        command_line_options(out, &o);
        assert_int_equal(o.variant_size, 6);
        assert_memory_equal(o.variant, "native", 6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_append),
                cmocka_unit_test(test_append_without_room),
                cmocka_unit_test(test_round_trip),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
