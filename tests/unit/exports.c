/* SPDX-License-Identifier: MIT */
/* Writing strings as the symbols that they name, and which of these are exported
 * (docs/format.md, 4.12): the streams that tests/unit/strings.c reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../packer/exports.h"

/* Types and names of the symbols 0 to 3. */
#define NAMES "Tprintk\0tstart\0tstart\0Dx\0"

/* What a slot of the packer is in the store: slot and offset. */
static const struct master_slot slots[] = {
        { .index = 0 },              /* code */
        { .index = 1 },              /* data */
        { .index = 2 },              /* "x" */
        { .index = 2, .offset = 2 }, /* "zap" */
        { .index = 3 },              /* "start" */
};
enum {
        CODE,
        DATA,
        X,
        ZAP,
        START,
        SLOT_COUNT
};

static const struct {
        const char *bytes;
        uint32_t size;
} bodies[SLOT_COUNT] = {
        { NULL, 0 }, { NULL, 0 }, { "x", 2 }, { "zap\0", 5 }, { "start", 6 },
};

struct fixture {
        struct master m;
        struct variant variants[2];
        struct interner *interner;
        struct symbol_names *symbols;
        struct streams streams;
        struct exports *exports;
        struct place places[SLOT_COUNT];
};

/* Each fragment of both variants has the slot of its number, and a place. */
static void set_up(struct fixture *f)
{
        const char *at = NAMES;

        memset(f, 0, sizeof(*f));
        f->interner = interner_new();
        for (; *at; at += strlen(at) + 1)
                *VECTOR_ADD(&f->m.symbols) = (struct master_symbol){
                        .name = intern(f->interner, at, strlen(at)),
                };
        f->m.symbols.at[1].slot = f->m.symbols.at[2].slot = CODE;
        f->m.symbols.at[1].offset = 8;
        f->m.symbols.at[2].offset = 4;
        f->m.symbols.at[3].slot = DATA;
        f->m.variants = f->variants;
        f->m.variant_count = 2;
        f->m.slots = (struct master_slot *)slots;
        f->m.slot_count = SLOT_COUNT;
        for (uint32_t i = 0; i < SLOT_COUNT; i++) {
                for (uint32_t v = 0; v < 2; v++)
                        *VECTOR_ADD(
                                &f->variants[v].fragments) = (struct fragment){
                                .slot = i,
                                .bytes = (const uint8_t *)bodies[i].bytes,
                                .size = bodies[i].size,
                        };
                f->places[i] = (struct place){ .slot = i,
                                               .run = 1,
                                               .version_first = i };
                *VECTOR_ADD(&f->m.versions) = (struct version){ 3, 0, i };
        }
        f->streams.count = STREAM_GROUP_FIRST;
        f->symbols = symbol_names_new(&f->m, f->interner);
}

static void tear_down(struct fixture *f)
{
        exports_free(f->exports);
        symbol_names_free(f->symbols);
        streams_free(&f->streams);
        interner_free(f->interner);
        for (uint32_t v = 0; v < 2; v++) {
                free(f->variants[v].fragments.at);
                free(f->variants[v].exports.at);
        }
        free(f->m.versions.at);
        free(f->m.symbols.at);
}

static void add_export(struct fixture *f, uint32_t v, uint8_t table,
                       struct fragment_place string,
                       struct fragment_place value)
{
        *VECTOR_ADD(&f->variants[v].exports) = (struct export){
                .table = table,
                .string = string,
                .value = value,
                .space = { X, 1 },
        };
}

static void put(struct fixture *f)
{
        f->exports = exports_new(&f->m, f->symbols, &f->streams);
        f->places[X].run = 2;
        exports_put(f->exports, &f->places[X], &f->m.versions.at[X]);
        exports_put(f->exports, &f->places[START], &f->m.versions.at[START]);
}

static void assert_stream(const struct fixture *f, uint32_t stream,
                          const char *bytes, size_t size)
{
        assert_int_equal(f->streams.at[stream].bytes.count, size);
        if (size)
                assert_memory_equal(f->streams.at[stream].bytes.at, bytes,
                                    size);
}

/* Nothing is exported: nothing is told of the strings. */
static void test_strings(void **state)
{
        struct fixture f;

        (void)state;
        set_up(&f);
        put(&f);
        assert_stream(&f, STREAM_STRING, "\1zap\0\0\1", 7);
        assert_stream(&f, STREAM_STRING_SYMBOL, "\6\5", 2); /* +3, -3 */
        assert_stream(&f, STREAM_EXPORT, "", 0);
        assert_stream(&f, STREAM_EXPORT_PLACE, "", 0);
        tear_down(&f);
}

#define ANY (EXPORT_ANY + 1)
#define GPL (EXPORT_GPL + 1)

static void test_exports(void **state)
{
        struct fixture f;

        (void)state;
        set_up(&f);
        for (uint32_t v = 0; v < 2; v++) {
                add_export(&f, v, EXPORT_ANY, (struct fragment_place){ X, 0 },
                           (struct fragment_place){ DATA, 0 });
                /* of two symbols called start, the second */
                add_export(&f, v, EXPORT_GPL,
                           (struct fragment_place){ START, 0 },
                           (struct fragment_place){ CODE, 4 });
        }
        /* in one variant only; and its end */
        add_export(&f, 1, EXPORT_ANY, (struct fragment_place){ ZAP, 1 },
                   (struct fragment_place){ DATA, 3 });
        put(&f);
        assert_stream(&f, STREAM_STRING, "\1zap\0\0\1", 7);
        assert_stream(&f, STREAM_STRING_SYMBOL, "\6\3", 2); /* +3, -2 */
        /* "x", "zap" and the NUL behind it, "start" */
        assert_stream(&f, STREAM_EXPORT,
                      (const char[]){ ANY | EXPORT_SPACE,
                                      ANY | EXPORT_VALUE | EXPORT_TAIL |
                                              EXPORT_MEMBERS,
                                      0, GPL },
                      4);
        /* slot +2, 1; then 1 byte on, in variant 1, slot -1, 3 */
        assert_stream(&f, STREAM_EXPORT_PLACE,
                      "\4\1"
                      "\1\2\1\3",
                      6);
        tear_down(&f);
}

/* What differs is told for each. */
static void test_differences(void **state)
{
        struct fixture f;

        (void)state;
        set_up(&f);
        add_export(&f, 0, EXPORT_ANY, (struct fragment_place){ X, 0 },
                   (struct fragment_place){ DATA, 0 });
        add_export(&f, 1, EXPORT_GPL, (struct fragment_place){ X, 0 },
                   (struct fragment_place){ DATA, 0 });
        put(&f);
        assert_stream(&f, STREAM_EXPORT,
                      (const char[]){ ANY | EXPORT_SPACE | EXPORT_MEMBERS |
                                              EXPORT_MORE,
                                      GPL | EXPORT_MEMBERS, 0, 0, 0 },
                      5);
        assert_stream(&f, STREAM_EXPORT_PLACE,
                      "\1\4\1"
                      "\2",
                      4);
        tear_down(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_exports),
                cmocka_unit_test(test_differences),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
