/* SPDX-License-Identifier: MIT */
/* Writing strings as the symbols that they name (docs/format.md, 4.12). */
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

struct writing {
        struct master m;
        struct interner *interner;
        struct symbol_names *symbols;
        struct streams streams;
        uint32_t next;
};

static void begin(struct writing *w)
{
        const char *at = NAMES;

        memset(w, 0, sizeof(*w));
        w->interner = interner_new();
        for (; *at; at += strlen(at) + 1)
                *VECTOR_ADD(&w->m.symbols) = (struct master_symbol){
                        .name = intern(w->interner, at, strlen(at)),
                };
        w->symbols = symbol_names_new(&w->m, w->interner);
        w->streams.count = STREAM_GROUP_FIRST;
}

static void end(struct writing *w)
{
        symbol_names_free(w->symbols);
        streams_free(&w->streams);
        interner_free(w->interner);
        free(w->m.symbols.at);
}

static void put(struct writing *w, const char *bytes, uint32_t size)
{
        strings_put(w->symbols, &w->streams, &w->next, (const uint8_t *)bytes,
                    size);
}

static void test_find(void **state)
{
        struct writing w;

        (void)state;
        begin(&w);
        assert_int_equal(symbol_names_find(w.symbols, "start", 5), 1);
        assert_int_equal(symbol_names_find(w.symbols, "x", 1), 3);
        assert_int_equal(symbol_names_find(w.symbols, "Tprintk", 7), NONE);
        assert_int_equal(symbol_names_find(w.symbols, "", 0), NONE);
        end(&w);
}

static bool are_names(struct writing *w, const char *bytes, size_t size)
{
        return strings_are_names(w->symbols, (const uint8_t *)bytes,
                                 (uint32_t)size);
}

static void test_choose(void **state)
{
        struct writing w;

        (void)state;
        begin(&w);
        assert_true(are_names(&w, "printk\0start\0other", 19));
        assert_false(are_names(&w, "x\0something else", 17)); /* few are */
        assert_false(are_names(&w, "printk", 6));             /* cut off */
        assert_false(are_names(&w, "printk\0\1", 8)); /* stands for a name */
        assert_false(are_names(&w, "", 0));
        end(&w);
}

/* The streams that tests/unit/strings.c reads. */
static void test_write(void **state)
{
        const struct bytes *text, *symbols;
        struct writing w;

        (void)state;
        begin(&w);
        put(&w, "x\0ab", 4);
        put(&w, "printk\0", 7);
        put(&w, "start\0\0z", 8);
        text = &w.streams.at[STREAM_STRING].bytes;
        symbols = &w.streams.at[STREAM_STRING_SYMBOL].bytes;
        assert_int_equal(text->count, 7);
        assert_memory_equal(text->at, "\1ab\1\1\0z", 7);
        assert_int_equal(symbols->count, 3);
        assert_memory_equal(symbols->at, "\6\7\0", 3); /* +3, -4, +0 */
        end(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_choose),
                cmocka_unit_test(test_write),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
