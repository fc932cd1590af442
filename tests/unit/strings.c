/* SPDX-License-Identifier: MIT */
/* Reading strings that name symbols (docs/format.md, 4.12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/multi-image/unpack.h"

/* Types and names of the symbols 0 to 3. */
#define NAMES "Tprintk\0tstart\0tstart\0Dx\0"

static const uint8_t names[] = NAMES;

/* A variant that holds two of three entries of strings, of some sizes. */
struct fixture {
        struct unpacker u;
        struct section section;
        struct membership memberships[2];
        uint8_t ops[3], members[3], sizes[3];
        uint8_t out[64];
        uint8_t arena[256] __attribute__((aligned(16)));
};

static struct reader reader(const void *bytes, size_t size)
{
        return (struct reader){ bytes, (const uint8_t *)bytes + size };
}

static void set_up(struct fixture *f, const uint8_t sizes[3],
                   struct reader text, struct reader symbols)
{
        *f = (struct fixture){
                .section = { .part = PART_PAYLOAD, .entry_count = 3 },
                .memberships = { { true, 0 }, { false, 0 } },
                .ops = { ENTRY_STRINGS, ENTRY_STRINGS, ENTRY_STRINGS },
                .members = { 0, 1, 0 },
        };
        memcpy(f->sizes, sizes, sizeof(f->sizes));
        memset(f->out, 0xee, sizeof(f->out));
        f->u.sections = &f->section;
        f->u.section_count = 1;
        f->u.memberships = f->memberships;
        f->u.compact = f->out;
        f->u.arena =
                (struct arena){ .base = f->arena, .size = sizeof(f->arena) };
        f->u.streams[STREAM_OP] = reader(f->ops, sizeof(f->ops));
        f->u.streams[STREAM_MEMBERSHIP] =
                reader(f->members, sizeof(f->members));
        f->u.streams[STREAM_SIZE] = reader(f->sizes, sizeof(f->sizes));
        f->u.streams[STREAM_SYMBOL_NAME] = reader(names, sizeof(names) - 1);
        f->u.streams[STREAM_STRING] = text;
        f->u.streams[STREAM_STRING_SYMBOL] = symbols;
        assert_int_equal(names_find(&f->u), MULTI_IMAGE_OK);
}

static int derive(const uint8_t sizes[3], const void *text, size_t text_size,
                  const void *symbols, size_t symbols_size, struct fixture *f)
{
        set_up(f, sizes, reader(text, text_size),
               reader(symbols, symbols_size));
        return strings_derive(&f->u);
}

static void test_names(void **state)
{
        struct fixture f;

        (void)state;
        set_up(&f, (const uint8_t[3]){ 0 }, reader("", 0), reader("", 0));
        assert_int_equal(f.u.name_count, 4);
        assert_string_equal((const char *)f.u.names[0], "printk");
        assert_string_equal((const char *)f.u.names[2], "start");
        assert_string_equal((const char *)f.u.names[3], "x");
}

/* Symbols 3, 0 and 1: +3, -4, +0. */
static void test_read(void **state)
{
        static const uint8_t sizes[] = { 4, 7, 8 };
        struct fixture f;

        (void)state;
        assert_int_equal(derive(sizes, "\1ab\1\1\0z", 7, "\6\7\0", 3, &f),
                         MULTI_IMAGE_OK);
        /* the second entry, printk, is not held */
        assert_memory_equal(f.out,
                            "x\0ab"
                            "start\0\0z",
                            12);
        assert_int_equal(f.out[12], 0xee);
}

static void test_refuse(void **state)
{
        static const struct {
                uint8_t sizes[3];
                const char *text;
                uint8_t text_size;
                const char *symbols;
                uint8_t symbols_size;
        } bad[] = {
                { { 2, 0, 0 }, "\1", 1, "\10", 1 },  /* no symbol 4 */
                { { 2, 0, 0 }, "\1", 1, "\1", 1 },   /* nor -1 */
                { { 0, 2, 0 }, "\1", 1, "\10", 1 },  /* in one not held, too */
                { { 2, 0, 0 }, "\1", 1, "\0", 1 },   /* 7 bytes instead of 2 */
                { { 6, 0, 0 }, "\1", 1, "\0", 1 },   /* no room for the NUL */
                { { 3, 0, 0 }, "\1", 1, "\6", 1 },   /* text ends early */
                { { 2, 0, 0 }, "\1", 1, "", 0 },     /* symbols end early: */
                { { 2, 0, 0 }, "\1", 1, "\200", 1 }, /* 0 is read, and marked */
                { { 2, 0, 0 }, "\1a", 2, "\6", 1 },  /* text is left */
                { { 2, 0, 0 }, "\1", 1, "\6\0", 2 }, /* a symbol is left */
        };
        struct fixture f;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(derive(bad[i].sizes, bad[i].text,
                                        bad[i].text_size, bad[i].symbols,
                                        bad[i].symbols_size, &f),
                                 MULTI_IMAGE_BAD_DERIVED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_refuse),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
