/* SPDX-License-Identifier: MIT */
/* The parser of options, and the loop over threads. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../packer/options.h"
#include "../../packer/parallel.h"

struct values {
        bool flag, other;
        const char *string;
        unsigned number;
        struct string_list list;
};

static const struct option_row rows[] = {
        { "flag", 'f', OPTION_FLAG, offsetof(struct values, flag), NULL, "" },
        { "other", 'g', OPTION_FLAG, offsetof(struct values, other), NULL, "" },
        { "string", 's', OPTION_STRING, offsetof(struct values, string), "S",
          "" },
        { "number", 'n', OPTION_NUMBER, offsetof(struct values, number), "N",
          "" },
        { "list", 0, OPTION_LIST, offsetof(struct values, list), "L", "" },
        { 0 },
};

static const struct command command = {
        .name = "test",
        .arguments = "ARGUMENT...",
        .options = rows,
        .most = 3,
};

/* Arguments end with NULL. */
static int parse(struct values *values, struct string_list *rest,
                 const char *const arguments[])
{
        char *argv[16];
        int argc = 0, code = -1;

        memset(values, 0, sizeof(*values));
        memset(rest, 0, sizeof(*rest));
        for (; arguments[argc]; argc++)
                argv[argc] = (char *)arguments[argc];
        return options_parse(&command, argc, argv, values, rest, &code) ? code
                                                                        : 0;
}
#define PARSE(values, rest, ...) \
        parse(values, rest, (const char *const[]){ __VA_ARGS__, NULL })

static void drop(struct values *values, struct string_list *rest)
{
        free(values->list.items);
        free(rest->items);
}

static void test_spellings(void **state)
{
        struct string_list rest;
        struct values v;
        (void)state;

        assert_int_equal(PARSE(&v, &rest, "a", "--string", "b", "-fg", "c",
                               "-n7", "--list=x", "--list", "y", "--",
                               "--flag"),
                         0);
        assert_true(v.flag && v.other);
        assert_string_equal(v.string, "b");
        assert_int_equal(v.number, 7);
        assert_int_equal(v.list.count, 2);
        assert_string_equal(v.list.items[1], "y");
        assert_int_equal(rest.count, 3);
        assert_string_equal(rest.items[2], "--flag");
        drop(&v, &rest);

        assert_int_equal(PARSE(&v, &rest, "-fs", "b", "--string="), 0);
        assert_string_equal(v.string, "");
        drop(&v, &rest);

        /* an option's argument may look like an option; "-" is an argument */
        assert_int_equal(PARSE(&v, &rest, "-s", "--flag", "-"), 0);
        assert_string_equal(v.string, "--flag");
        assert_false(v.flag);
        assert_int_equal(rest.count, 1);
        drop(&v, &rest);
}

static void test_faults(void **state)
{
        static const char *const faults[][5] = {
                { "--no" },
                { "-x" },
                { "--flag=1" },
                { "--string" },
                { "-s" },
                { "-n", "0" },
                { "-n", "x" },
                { "-n", "" },
                { "--number=99999" },
                { "--str", "a" },
                { "a", "b", "c", "d" },
        };
        (void)state;

        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                struct string_list rest;
                struct values v;

                assert_int_equal(parse(&v, &rest, faults[i]), 2);
                drop(&v, &rest);
        }
}

static void count_one(void *context, size_t index)
{
        atomic_int *counts = context;

        atomic_fetch_add(&counts[index], 1);
}

static void test_parallel(void **state)
{
        (void)state;
        for (unsigned threads = 0; threads < 100; threads += 9) {
                atomic_int counts[50] = { 0 };

                parallel(threads, 50, count_one, counts);
                parallel(threads, 0, count_one, counts);
                for (size_t i = 0; i < 50; i++)
                        assert_int_equal(counts[i], 1);
        }
        assert_true(processor_count() >= 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spellings),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_parallel),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
