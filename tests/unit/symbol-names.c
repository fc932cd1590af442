/* SPDX-License-Identifier: MIT */
/* Symbols by name, and strings that are such names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../packer/symbol-names.h"

/* Types and names of the symbols 0 to 3. */
#define NAMES "Tprintk\0tstart\0tstart\0Dx\0"

struct fixture {
        struct master m;
        struct interner *interner;
        struct symbol_names *symbols;
};

static void begin(struct fixture *f)
{
        const char *at = NAMES;

        memset(f, 0, sizeof(*f));
        f->interner = interner_new();
        for (; *at; at += strlen(at) + 1)
                *VECTOR_ADD(&f->m.symbols) = (struct master_symbol){
                        .name = intern(f->interner, at, strlen(at)),
                };
        f->symbols = symbol_names_new(&f->m, f->interner);
}

static void end(struct fixture *f)
{
        symbol_names_free(f->symbols);
        interner_free(f->interner);
        free(f->m.symbols.at);
}

static void test_find(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        assert_int_equal(symbol_names_find(f.symbols, "start", 5), 1);
        assert_int_equal(symbol_names_find(f.symbols, "x", 1), 3);
        assert_int_equal(symbol_names_find(f.symbols, "Tprintk", 7), NONE);
        assert_int_equal(symbol_names_find(f.symbols, "", 0), NONE);
        assert_int_equal(symbol_names_next(f.symbols, 1), 2);
        assert_int_equal(symbol_names_next(f.symbols, 2), NONE);
        assert_int_equal(symbol_names_next(f.symbols, 3), NONE);
        end(&f);
}

static bool are_names(struct fixture *f, const char *bytes, size_t size)
{
        return strings_are_names(f->symbols, (const uint8_t *)bytes,
                                 (uint32_t)size);
}

static void test_choose(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        assert_true(are_names(&f, "printk\0start\0other", 19));
        assert_false(are_names(&f, "x\0something else", 17)); /* few are */
        assert_false(are_names(&f, "printk", 6));             /* cut off */
        assert_false(are_names(&f, "printk\0\1", 8)); /* stands for a name */
        assert_false(are_names(&f, "", 0));
        end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_choose),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
