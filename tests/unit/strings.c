/* SPDX-License-Identifier: MIT */
/* Reading strings that name symbols, and which symbols are exported (docs/format.md,
 * 4.12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/multi-image/exports.h"

/* Types and names of the symbols 0 to 3; where they are: slot 0 and 2 bytes, 4, and
 * slots 2 and 1. */
#define NAMES "Tprintk\0tstart\0tstart\0Dx"
static const uint8_t names[sizeof(NAMES) + READER_SLACK] = NAMES;
static const uint8_t name_slots[] = { 0, 0, 4, 1 }; /* +0 +0 +2 -1 */
static const uint8_t name_offsets[] = { 2, 2, 0, 0 };

enum {
        STRINGS_ADDR = 0x1000,
        TABLES = 0x40, /* in the compact payload, behind the strings */
        SLIDE = 0x80,
        ABSENT_SLOT = 3,
        PERCPU_SLOT = 1,
};

/* A variant that holds two of three entries of strings, of some sizes. */
struct fixture {
        struct unpacker u;
        struct section section;
        struct membership memberships[2];
        struct slot slots[5];
        struct format_variant row;
        uint8_t ops[3], members[3], sizes[3];
        uint8_t payload[256]; /* the first byte is none of the strings' */
        uint8_t arena[300000] __attribute__((aligned(16)));
};

struct text {
        const char *at;
        size_t size;
};
#define TEXT(literal)                        \
        {                                    \
                literal, sizeof(literal) - 1 \
        }

/* What the streams tell. */
struct told {
        uint8_t sizes[3];
        struct text strings, symbols, exports, places;
};

static struct reader reader(const void *bytes, size_t size)
{
        return (struct reader){ bytes, (const uint8_t *)bytes + size };
}

static struct reader text_reader(struct text t)
{
        return reader(t.at ? t.at : "", t.size);
}

static void set_up(struct fixture *f, const struct told *t)
{
        struct unpacker *u = &f->u;

        memset(f, 0, sizeof(*f));
        f->section = (struct section){ .part = PART_PAYLOAD,
                                       .addr = STRINGS_ADDR - 1,
                                       .entry_count = 4 };
        f->memberships[0] = (struct membership){ true, 0 };
        f->slots[0].addr = 0x8000;
        f->slots[PERCPU_SLOT].addr = 0x20;
        f->slots[2].addr = STRINGS_ADDR;
        f->slots[ABSENT_SLOT].addr = SLOT_ABSENT;
        memcpy(f->sizes, t->sizes, sizeof(f->sizes));
        memset(f->payload, 0xee, sizeof(f->payload));
        u->row = &f->row;
        u->sections = &f->section;
        u->section_count = 1;
        u->memberships = f->memberships;
        u->slots = f->slots;
        u->slot_count = 4;
        u->percpu_first = PERCPU_SLOT;
        u->percpu_count = 1;
        u->compact = f->payload;
        u->arena = (struct arena){ .base = f->arena, .size = sizeof(f->arena) };
        u->streams[STREAM_SYMBOL_MEMBERSHIP] = reader("\0\0\0\0", 4);
        u->streams[STREAM_SYMBOL_SLOT] = reader(name_slots, sizeof(name_slots));
        u->streams[STREAM_SYMBOL_OFFSET] =
                reader(name_offsets, sizeof(name_offsets));
        u->streams[STREAM_SYMBOL_NAME] = reader(names, sizeof(NAMES));
        u->streams[STREAM_STRING] = text_reader(t->strings);
        u->streams[STREAM_STRING_SYMBOL] = text_reader(t->symbols);
        u->streams[STREAM_EXPORT] = text_reader(t->exports);
        u->streams[STREAM_EXPORT_PLACE] = text_reader(t->places);
        assert_int_equal(names_find(u), MULTI_IMAGE_OK);
}

/* One byte, then the three entries, the second of which is not held. */
static int derive(struct fixture *f, const struct told *t)
{
        static const uint8_t ops[] = { ENTRY_BODY, ENTRY_STRINGS, ENTRY_STRINGS,
                                       ENTRY_STRINGS };
        static const uint8_t members[] = { 0, 0, 1, 0 };
        const uint8_t sizes[] = { 1, t->sizes[0], t->sizes[1], t->sizes[2] };

        f->u.streams[STREAM_OP] = reader(ops, sizeof(ops));
        f->u.streams[STREAM_MEMBERSHIP] = reader(members, sizeof(members));
        f->u.streams[STREAM_SIZE] = reader(sizes, sizeof(sizes));
        return strings_derive(&f->u);
}

static void test_names(void **state)
{
        static const struct told nothing;
        static struct fixture f;

        (void)state;
        set_up(&f, &nothing);
        assert_int_equal(f.u.name_count, 4);
        assert_string_equal((const char *)f.u.names[0].text, "printk");
        assert_string_equal((const char *)f.u.names[2].text, "start");
        assert_string_equal((const char *)f.u.names[3].text, "x");
        assert_int_equal(f.u.names[1].at.slot, 0);
        assert_int_equal(f.u.names[1].at.offset, 4);
        assert_int_equal(f.u.names[2].at.slot, 2);
        assert_int_equal(f.u.names[3].at.slot, 1);
}

/* More names than symbols; one without an end. */
static void test_bad_names(void **state)
{
        static const struct told nothing;
        static struct fixture f;

        (void)state;
        set_up(&f, &nothing);
        f.u.name_count = 0;
        f.u.streams[STREAM_SYMBOL_MEMBERSHIP] = reader("\0\0\0", 3);
        assert_int_equal(names_find(&f.u), MULTI_IMAGE_BAD_DERIVED);
        f.u.name_count = 0;
        f.u.streams[STREAM_SYMBOL_MEMBERSHIP] = reader("\0\0\0\0", 4);
        f.u.streams[STREAM_SYMBOL_NAME] =
                reader("Tprintk\0\0\0\0\0\0\0\0\0", 7);
        assert_int_equal(names_find(&f.u), MULTI_IMAGE_BAD_DERIVED);
}

/* Symbols 3, 0 and 1: +3, -4, +0. */
static void test_strings(void **state)
{
        static const struct told t = { { 4, 7, 8 },
                                       TEXT("\1ab\1\1\0z"),
                                       TEXT("\6\7\0"),
                                       TEXT(""),
                                       TEXT("") };
        static struct fixture f;

        (void)state;
        set_up(&f, &t);
        assert_int_equal(derive(&f, &t), MULTI_IMAGE_OK);
        /* the second entry, printk, is not held */
        assert_memory_equal(f.payload + 1,
                            "x\0ab"
                            "start\0\0z",
                            12);
        assert_int_equal(f.payload[0], 0xee);
        assert_int_equal(f.payload[13], 0xee);
}

static void test_bad_strings(void **state)
{
        static const struct told bad[] = {
                /* no symbol 4, nor -1; in an entry that is not held, too */
                { { 2, 0, 0 }, TEXT("\1"), TEXT("\10"), TEXT(""), TEXT("") },
                { { 2, 0, 0 }, TEXT("\1"), TEXT("\1"), TEXT(""), TEXT("") },
                { { 0, 2, 0 }, TEXT("\1"), TEXT("\10"), TEXT(""), TEXT("") },
                /* 7 bytes instead of 2; no room for the NUL */
                { { 2, 0, 0 }, TEXT("\1"), TEXT("\0"), TEXT(""), TEXT("") },
                { { 6, 0, 0 }, TEXT("\1"), TEXT("\0"), TEXT(""), TEXT("") },
                /* a stream ends early, or late */
                { { 3, 0, 0 }, TEXT("\1"), TEXT("\6"), TEXT(""), TEXT("") },
                { { 2, 0, 0 }, TEXT("\1"), TEXT(""), TEXT(""), TEXT("") },
                { { 2, 0, 0 }, TEXT("\1"), TEXT("\200"), TEXT(""), TEXT("") },
                { { 2, 0, 0 }, TEXT("\1a"), TEXT("\6"), TEXT(""), TEXT("") },
                { { 2, 0, 0 }, TEXT("\1"), TEXT("\6\0"), TEXT(""), TEXT("") },
        };
        static struct fixture f;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                set_up(&f, &bad[i]);
                assert_int_equal(derive(&f, &bad[i]), MULTI_IMAGE_BAD_DERIVED);
        }
}

/* ---- exported symbols --------------------------------------------------- */

/*
 * "x" is symbol 3, in the per-CPU area: exported to all.  "zap" is exported to GPL
 * modules, 6 bytes behind slot 0, and "ap", its end, to all, as something in slot 2.
 * printk, which is not held, is exported too.  All namespaces are the NUL behind "x".
 */
#define ANY (EXPORT_ANY + 1)
#define GPL (EXPORT_GPL + 1)
static const struct told exported = {
        { 2, 7, 4 },
        TEXT("\1\1zap\0"),
        TEXT("\6\7"), /* 3, 0 */
        { (const char[]){ ANY | EXPORT_SPACE, ANY,
                          GPL | EXPORT_VALUE | EXPORT_MORE | EXPORT_MEMBERS,
                          ANY | EXPORT_VALUE | EXPORT_TAIL },
          4 },
        /* x: slot +2, 1; zap: variant 0, slot -2, 6; ap: 1 byte on, slot +2, 3 */
        TEXT("\4\1"
             "\1\3\6"
             "\1\4\3"),
};

/* Tables of two and one records; of the KASLR table's lists the inverse one has room
 * for two, and one that a field made, at addr. */
static void set_tables(struct fixture *f, uint32_t addr)
{
        struct unpacker *u = &f->u;
        le32 v = put_le32(addr);
        uint8_t *list = f->payload + SLIDE + 8;

        u->derived[ENTRY_EXPORTS + EXPORT_ANY] =
                (struct derived){ TABLES, 0x2000, 2 * EXPORT_RECORD_SIZE };
        u->derived[ENTRY_EXPORTS + EXPORT_GPL] =
                (struct derived){ TABLES + 2 * EXPORT_RECORD_SIZE, 0x2018,
                                  EXPORT_RECORD_SIZE };
        u->derived[ENTRY_SLIDE] = (struct derived){ SLIDE, 0, 20 };
        f->row.slide_count[SLIDE_INVERSE] = put_le32(2);
        memcpy(list, &v, sizeof(v));
        u->slide[SLIDE_INVERSE] = list + 4;
        u->slide_end[SLIDE_INVERSE] = list + 8;
}

static uint32_t word_at(const struct fixture *f, uint32_t offset)
{
        le32 v;

        memcpy(&v, f->payload + offset, sizeof(v));
        return get_le32(v);
}

static void assert_record(const struct fixture *f, uint32_t number,
                          uint32_t value, uint32_t name)
{
        uint32_t at = number * EXPORT_RECORD_SIZE;
        uint32_t space = STRINGS_ADDR + 1;

        assert_int_equal(word_at(f, TABLES + at), value - (0x2000 + at));
        assert_int_equal(word_at(f, TABLES + at + 4), name - (0x2004 + at));
        assert_int_equal(word_at(f, TABLES + at + 8), space - (0x2008 + at));
}

static void test_exports(void **state)
{
        /* in front of the record of x, which is the second, and behind it */
        static const uint32_t others[] = { 0x1fff, 0x200d };
        static struct fixture f;

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                set_up(&f, &exported);
                set_tables(&f, others[i]);
                assert_int_equal(derive(&f, &exported), MULTI_IMAGE_OK);
                assert_memory_equal(f.payload + 1, "x\0zap\0", 6);
                /* in the order of names: ap, x; zap */
                assert_record(&f, 0, STRINGS_ADDR + 3, STRINGS_ADDR + 3);
                assert_record(&f, 1, 0x20, STRINGS_ADDR);
                assert_record(&f, 2, 0x8006, STRINGS_ADDR + 2);
                assert_int_equal(word_at(&f, SLIDE + 8),
                                 i == 0 ? others[i] : 0x200c);
                assert_int_equal(word_at(&f, SLIDE + 12),
                                 i == 0 ? 0x200c : others[i]);
                assert_ptr_equal(f.u.slide[SLIDE_INVERSE],
                                 f.u.slide_end[SLIDE_INVERSE]);
        }
}

/* Another variant is told to export zap: then only ap and x are exported. */
static void test_members(void **state)
{
        struct told t = exported;
        static struct fixture f;

        (void)state;
        t.places = (struct text)TEXT("\4\1"
                                     "\2\3\6"
                                     "\1\4\3");
        set_up(&f, &t);
        set_tables(&f, 0);
        f.u.derived[ENTRY_EXPORTS + EXPORT_GPL].size = 0;
        assert_int_equal(derive(&f, &t), MULTI_IMAGE_OK);
        assert_record(&f, 1, 0x20, STRINGS_ADDR);
}

static void refuse(struct text exports, struct text places)
{
        struct told t = exported;
        static struct fixture f;

        t.exports = exports;
        t.places = places;
        set_up(&f, &t);
        set_tables(&f, 0);
        assert_int_equal(derive(&f, &t), MULTI_IMAGE_BAD_DERIVED);
}

static void test_bad_exports(void **state)
{
        const struct text good = exported.places;
        static struct fixture f;

        (void)state;
        refuse((struct text)TEXT("\3\0\0"), good);   /* table 3 */
        refuse((struct text)TEXT("\4\0\0"), good);   /* a place, but no table */
        refuse((struct text)TEXT("\201\0\0"), good); /* bit 7 */
        refuse((struct text)TEXT("\0\0\1"), good);   /* zap has no symbol */
        refuse((struct text)TEXT("\0\0"), (struct text)TEXT("")); /* cut off */
        refuse((struct text)TEXT("\0\0\0\0"),
               (struct text)TEXT("")); /* left over */
        refuse((struct text)TEXT("\0\0\0"),
               (struct text)TEXT("")); /* no records */
        /* the name begins behind the string; slot 3 is absent, 4 is not there */
        refuse(exported.exports, (struct text)TEXT("\4\1"
                                                   "\1\3\6"
                                                   "\4\4\3"));
        refuse(exported.exports, (struct text)TEXT("\4\1"
                                                   "\1\2\6"
                                                   "\1\1\3"));
        refuse(exported.exports, (struct text)TEXT("\4\1"
                                                   "\1\4\6"
                                                   "\1\3\3"));
        refuse(exported.exports, (struct text)TEXT("\4\1"
                                                   "\1\3\6"
                                                   "\1\4"));
        refuse(exported.exports, (struct text)TEXT("\4\1"
                                                   "\1\3\6"
                                                   "\1\4\3\0"));

        /* More records than the tables have room for, or fewer; an inverse field
         * too many, or too few. */
        for (int i = 0; i < 4; i++) {
                set_up(&f, &exported);
                set_tables(&f, 0);
                if (i == 0)
                        f.u.derived[ENTRY_EXPORTS + EXPORT_ANY].size -=
                                EXPORT_RECORD_SIZE;
                if (i == 1)
                        f.u.derived[ENTRY_EXPORTS + EXPORT_GPL].size +=
                                EXPORT_RECORD_SIZE;
                if (i == 2)
                        f.u.slide[SLIDE_INVERSE] += 4;
                if (i == 3)
                        f.u.slide[SLIDE_INVERSE] -= 4;
                assert_int_equal(derive(&f, &exported),
                                 MULTI_IMAGE_BAD_DERIVED);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_bad_names),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_bad_strings),
                cmocka_unit_test(test_exports),
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_bad_exports),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
