/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder: each row is an instruction as an assembler would
 * print its bytes, and what the decoder has to say about it:
 *
 *         "48 c7 05 11 22 33 44 55 66 77 88", "11 rip@3 imm4@7 wide"
 *
 * size, then KIND@OFFSET for each address field, then flags.  Every row is
 * decoded with more bytes behind it, at the very end of readable memory, and
 * cut off after each of its bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "x86-decode.h"

/* Longest run of bytes that a test decodes. */
#define MAX_BYTES 32

static const struct row {
        enum x86_mode mode;
        const char *bytes;
        const char *expected; /* "undefined", or see describe() */
} rows[] = {
        /* one byte, prefixes, REX */
        { X86_64, "90", "1" },
        { X86_64, "c3", "1 ret" },
        { X86_64, "c2 08 00", "3 ret" },
        { X86_64, "f3 c3", "2 ret" },
        { X86_64, "48 cf", "2 wide ret" },
        { X86_64, "f3 0f 1e fa", "4" }, /* endbr64 */
        { X86_64, "66 66 2e 0f 1f 84 00 00 00 00 00", "11 base@7" },
        { X86_64, "48 89 e5", "3 wide" },
        { X86_64, "48 66 90", "3" }, /* REX in the wrong place: void */
        { X86_64, "48 66 b8 11 22", "5" },
        { X86_64, "66 48 b8 11 22 33 44 55 66 77 88", "11 imm8@3 wide" },
        { X86_64, "48 0f 07", "3 wide" }, /* sysretq */
        { X86_64, "f0 48 0f b1 15 11 22 33 44", "9 rip@5 wide" },
        { X86_64, "0f 0b", "2" },          /* ud2 */
        { X86_64, "67 0f b9 40 10", "5" }, /* ud1: UBSAN's traps */
        { X86_64, "0f ff c0", "3" },       /* ud0 */

        /* branches */
        { X86_64, "e8 11 22 33 44", "5 rel@1 call" },
        { X86_64, "2e e8 11 22 33 44", "6 rel@2 call" },
        { X86_64, "e9 11 22 33 44", "5 rel@1 jump" },
        { X86_64, "66 e9 11 22 33 44", "6 rel@2 jump" },
        { X86_64, "eb fe", "2 jump" },
        { X86_64, "75 11", "2 jump cond" },
        { X86_64, "e3 11", "2 jump cond" },
        { X86_64, "0f 84 11 22 33 44", "6 rel@2 jump cond" },
        { X86_64, "3e ff e0", "3 jump indirect" },
        { X86_64, "ff d0", "2 call indirect" },
        { X86_64, "ff 15 11 22 33 44", "6 rip@2 call indirect" },
        { X86_64, "ff 14 c5 11 22 33 44", "7 index@3 call indirect" },
        { X86_64, "ff 24 c5 11 22 33 44", "7 index@3 jump indirect" },
        { X86_64, "ff 35 11 22 33 44", "6 rip@2" },           /* push */
        { X86_64, "c7 f8 11 22 33 44", "6 rel@2 jump cond" }, /* xbegin */
        { X86_64, "66 c7 f8 11 22", "5" },
        { X86_64, "c7 c0 11 22 33 44", "6 imm4@2" },

        /* ModRM, SIB and displacement */
        { X86_64, "8b 00", "2" },
        { X86_64, "8b 04 24", "3" },
        { X86_64, "8b 04 25 11 22 33 44", "7 abs@3" },
        { X86_64, "42 8b 04 25 11 22 33 44", "8 index@4" }, /* r12 */
        { X86_64, "41 8b 04 24", "4" },
        { X86_64, "8b 04 85 11 22 33 44", "7 index@3" },
        { X86_64, "8b 05 11 22 33 44", "6 rip@2" },
        { X86_64, "41 8b 05 11 22 33 44", "7 rip@3" },
        { X86_64, "8b 45 08", "3" },
        { X86_64, "8b 44 24 08", "4" },
        { X86_64, "8b 80 11 22 33 44", "6 base@2" },
        { X86_64, "8b 84 c3 11 22 33 44", "7 base@3" },
        { X86_64, "48 8b 84 25 11 22 33 44", "8 base@4 wide" },
        { X86_64, "67 8b 05 11 22 33 44", "7 rip@3" },
        { X86_64, "65 48 8b 04 25 28 00 00 00", "9 abs@5 wide segment" },
        { X86_64, "65 8b 05 11 22 33 44", "7 rip@3 segment" },
        { X86_64, "0f 20 18", "3" }, /* mov %cr3,%rax, whatever mod is */
        { X86_64, "0f 22 05", "3" },

        /* immediates */
        { X86_64, "b8 11 22 33 44", "5 imm4@1" },
        { X86_64, "66 b8 11 22", "4" },
        { X86_64, "48 b8 11 22 33 44 55 66 77 88", "10 imm8@2 wide" },
        { X86_64, "b0 11", "2" },
        { X86_64, "05 11 22 33 44", "5 imm4@1" },
        { X86_64, "48 05 11 22 33 44", "6 imm4@2 wide" },
        { X86_64, "68 11 22 33 44", "5 imm4@1" },
        { X86_64, "6a 11", "2" },
        { X86_64, "6b c0 11", "3" },
        { X86_64, "69 05 11 22 33 44 55 66 77 88", "10 rip@2 imm4@6" },
        { X86_64, "66 81 3d 11 22 33 44 55 66", "9 rip@3" },
        { X86_64, "80 3d 11 22 33 44 55", "7 rip@2" },
        { X86_64, "48 c7 05 11 22 33 44 55 66 77 88", "11 rip@3 imm4@7 wide" },
        { X86_64, "65 48 c7 04 25 11 22 33 44 55 66 77 88",
          "13 abs@5 imm4@9 wide segment" },
        { X86_64, "f6 05 11 22 33 44 55", "7 rip@2" }, /* test */
        { X86_64, "f6 c8 01", "3" },                   /* test's other code */
        { X86_64, "f6 15 11 22 33 44", "6 rip@2" },    /* not */
        { X86_64, "f7 c0 11 22 33 44", "6 imm4@2" },
        { X86_64, "66 f7 c0 11 22", "5" },
        { X86_64, "f7 d8", "2" },
        { X86_64, "c8 11 22 33", "4" },
        { X86_64, "a1 11 22 33 44 55 66 77 88", "9 imm8@1 moffs" },
        { X86_64, "67 a1 11 22 33 44", "6 imm4@2 moffs" },
        { X86_64, "66 a3 11 22 33 44 55 66 77 88", "10 imm8@2 moffs" },

        /* two- and three-byte opcodes */
        { X86_64, "0f a4 c2 11", "4" },
        { X86_64, "0f ba 2d 11 22 33 44 55", "8 rip@3" },
        { X86_64, "0f 78 c8", "3" },          /* vmread */
        { X86_64, "66 0f 78 c1 11 22", "6" }, /* extrq */
        { X86_64, "f2 0f 78 c1 11 22", "6" }, /* insertq */
        { X86_64, "0f 77", "2" },
        { X86_64, "66 0f 3a 0f c1 08", "6" },
        { X86_64, "66 0f 3a 0f 05 11 22 33 44 08", "10 rip@5" },
        { X86_64, "66 0f 38 00 05 11 22 33 44", "9 rip@5" },
        { X86_64, "f3 48 0f 38 f6 c1", "6 wide" }, /* adox */

        /* VEX and EVEX */
        { X86_64, "c5 f8 77", "3" }, /* vzeroupper */
        { X86_64, "c5 fd 6f 05 11 22 33 44", "8 rip@4" },
        { X86_64, "c5 f5 72 f0 11", "5" },
        { X86_64, "c4 e2 7d 00 05 11 22 33 44", "9 rip@5" },
        { X86_64, "c4 e3 7d 39 c1 01", "6" },
        { X86_64, "c4 a2 7d 90 04 25 11 22 33 44", "10 index@6" },
        { X86_64, "c4 e3 fb f0 c0 11", "6" }, /* rorx */
        { X86_64, "62 f1 7c 48 10 05 11 22 33 44", "10 rip@6" },
        { X86_64, "62 f1 7c 48 10 40 01", "7" },
        { X86_64, "62 f3 7d 48 25 c1 ff", "7" }, /* vpternlogd */
        { X86_64, "62 f1 75 48 72 f0 11", "7" },
        { X86_64, "62 f5 7c 48 58 c1", "6" }, /* vaddph */

        /* undefined */
        { X86_64, "06", "undefined" },
        { X86_64, "60", "undefined" },
        { X86_64, "9a", "undefined" },
        { X86_64, "ea", "undefined" },
        { X86_64, "d6", "undefined" },
        { X86_64, "82 c0 11", "undefined" },
        { X86_64, "48 06", "undefined" },
        { X86_64, "0f 04", "undefined" },
        { X86_64, "48 0f 24 c0", "undefined" },
        { X86_64, "66 0f 38 ff c0", "undefined" },
        { X86_64, "66 0f 3a ff c0 11", "undefined" },
        { X86_64, "66 c5 f8 77", "undefined" },    /* prefix before VEX */
        { X86_64, "48 c5 f8 77", "undefined" },    /* REX before VEX */
        { X86_64, "c4 e0 7d 00 c1", "undefined" }, /* VEX map 0 */
        { X86_64, "62 f1 78 48 10 c1", "undefined" },

        /* the longest: 14 prefixes are one too many behind 15 bytes */
        { X86_64, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "15" },
        { X86_64, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90",
          "undefined" },
        { X86_64, "2e 2e 2e 2e 48 c7 05 11 22 33 44 55 66 77 88",
          "15 rip@7 imm4@11 wide" },
        { X86_64, "2e 2e 2e 2e 2e 48 c7 05 11 22 33 44 55 66 77 88",
          "undefined" },

        /* 32-bit code */
        { X86_32, "40", "1" },
        { X86_32, "48 89 e5", "1" }, /* dec */
        { X86_32, "06", "1" },
        { X86_32, "60", "1" },
        { X86_32, "82 c0 11", "3" },
        { X86_32, "8b 05 11 22 33 44", "6 abs@2" },
        { X86_32, "8b 04 85 11 22 33 44", "7 index@3" },
        { X86_32, "a1 11 22 33 44", "5 imm4@1 moffs" },
        { X86_32, "66 a1 11 22 33 44", "6 imm4@2 moffs" },
        { X86_32, "67 a1 11 22", "4 moffs" },
        { X86_32, "67 8b 06 11 22", "5" },
        { X86_32, "67 8b 04", "3" },
        { X86_32, "67 8b 40 11", "4" },
        { X86_32, "67 8b 80 11 22", "5" },
        { X86_32, "ea 11 22 33 44 10 00", "7 imm4@1" },
        { X86_32, "66 ea 11 22 10 00", "6" },
        { X86_32, "66 e9 11 22", "4 jump" },
        { X86_32, "e8 11 22 33 44", "5 rel@1 call" },
        { X86_32, "b8 11 22 33 44", "5 imm4@1" },
        { X86_32, "c5 00", "2" }, /* lds */
        { X86_32, "c4 45 11", "3" },
        { X86_32, "62 05 11 22 33 44", "6 abs@2" },
        { X86_32, "c5 f8 77", "3" },
        { X86_32, "d4 0a", "2" },
        { X86_32, "d6", "1" },
};

static const struct {
        uint8_t flag;
        const char *name;
} flag_names[] = {
        { X86_WIDE, " wide" },         { X86_SEGMENT, " segment" },
        { X86_MOFFS, " moffs" },       { X86_CALL, " call" },
        { X86_JUMP, " jump" },         { X86_CONDITIONAL, " cond" },
        { X86_INDIRECT, " indirect" }, { X86_RET, " ret" },
};

static const char *const disp_names[] = {
        [X86_DISP_NONE] = "none",    [X86_DISP_RIP] = "rip",
        [X86_DISP_ABSOLUTE] = "abs", [X86_DISP_INDEX] = "index",
        [X86_DISP_BASE] = "base",
};

/* Puts an instruction into the words of the table. */
static void describe(const struct x86_insn *insn, char text[static 128])
{
        size_t i;

        if (!insn->valid) {
                /* must say nothing, but how to go on */
                static const struct x86_insn undefined = { .size = 1 };
                assert_memory_equal(insn, &undefined, sizeof(undefined));
                strcpy(text, "undefined");
                return;
        }
        text += sprintf(text, "%u", insn->size);
        if (insn->disp_offset)
                text += sprintf(text, " %s@%u", disp_names[insn->disp_kind],
                                insn->disp_offset);
        else
                assert_int_equal(insn->disp_kind, X86_DISP_NONE);
        if (insn->imm_offset)
                text += sprintf(text, " imm%u@%u", insn->imm_size,
                                insn->imm_offset);
        else
                assert_int_equal(insn->imm_size, 0);
        if (insn->rel_offset)
                text += sprintf(text, " rel@%u", insn->rel_offset);
        for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
                if (insn->flags & flag_names[i].flag)
                        text += sprintf(text, "%s", flag_names[i].name);
}

/* "48 89 e5" as bytes; returns their number. */
static size_t from_hex(const char *hex, uint8_t *bytes)
{
        size_t n = 0;
        char *end;

        for (; *hex; hex = end) {
                assert_true(n < MAX_BYTES);
                bytes[n++] = strtoul(hex, &end, 16);
        }
        return n;
}

/* End of a page behind which nothing may be read. */
static uint8_t *guarded_end(void)
{
        static uint8_t *end;
        long page = sysconf(_SC_PAGESIZE);
        uint8_t *two;

        if (end)
                return end;
        two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(two != MAP_FAILED);
        assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
        end = two + page;
        return end;
}

/* Decodes the last size bytes before the guard page. */
static struct x86_insn decode_at_guard(const uint8_t *bytes, size_t size,
                                       enum x86_mode mode)
{
        uint8_t *end = guarded_end();
        struct x86_insn insn;

        memcpy(end - size, bytes, size);
        memset(&insn, 0xff, sizeof(insn));
        x86_decode(end - size, end, mode, &insn);
        return insn;
}

static void rows_with_bytes_behind(void **state)
{
        size_t i;
        (void)state;

        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint8_t bytes[2 * MAX_BYTES];
                struct x86_insn insn;
                char text[128];

                /* nothing that an instruction could end in */
                memset(bytes, 0xcc, sizeof(bytes));
                from_hex(rows[i].bytes, bytes);
                x86_decode(bytes, bytes + sizeof(bytes), rows[i].mode, &insn);
                describe(&insn, text);
                if (strcmp(text, rows[i].expected))
                        fail_msg("%s: %s, expected %s", rows[i].bytes, text,
                                 rows[i].expected);
        }
}

static void rows_at_the_end(void **state)
{
        size_t i;
        (void)state;

        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint8_t bytes[MAX_BYTES];
                size_t size = from_hex(rows[i].bytes, bytes);
                struct x86_insn insn =
                        decode_at_guard(bytes, size, rows[i].mode);
                char text[128];

                describe(&insn, text);
                if (strcmp(text, rows[i].expected))
                        fail_msg("%s: %s, expected %s", rows[i].bytes, text,
                                 rows[i].expected);
        }
}

static void cut_off_after_each_byte(void **state)
{
        size_t i, size;
        (void)state;

        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint8_t bytes[MAX_BYTES];

                from_hex(rows[i].bytes, bytes);
                for (size = 0; size < strtoul(rows[i].expected, NULL, 10);
                     size++) {
                        struct x86_insn insn =
                                decode_at_guard(bytes, size, rows[i].mode);
                        char text[128];

                        describe(&insn, text);
                        if (strcmp(text, "undefined"))
                                fail_msg("%s: %s with %zu bytes", rows[i].bytes,
                                         text, size);
                }
        }
}

/* An end before the beginning is an empty range. */
static void end_before_begin(void **state)
{
        uint8_t bytes[MAX_BYTES] = { 0x90 };
        struct x86_insn insn;
        char text[128];
        (void)state;

        x86_decode(bytes + 8, bytes, X86_64, &insn);
        describe(&insn, text);
        assert_string_equal(text, "undefined");
}

/* xorshift64: the same bytes in every run */
static uint64_t next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* Random bytes behind the starts that lead furthest.  Whatever comes out stays
 * inside, and is the same with and without bytes behind the instruction. */
static void random_bytes(void **state)
{
        static const char *const starts[] = {
                "",      "48", "66", "0f",       "0f 38",       "66 0f 3a",
                "c4 e3", "c5", "62", "62 f3 7d", "66 2e 66 41",
        };
        uint64_t seed = 1;
        unsigned i;
        (void)state;

        for (i = 0; i < 400000; i++) {
                enum x86_mode mode = i & 1 ? X86_32 : X86_64;
                uint8_t bytes[2 * MAX_BYTES];
                struct x86_insn all, some;
                size_t j, size = next_random(&seed) % MAX_BYTES;

                for (j = 0; j < sizeof(bytes); j++)
                        bytes[j] = next_random(&seed) >> 32;
                from_hex(starts[i % 11], bytes);
                x86_decode(bytes, bytes + sizeof(bytes), mode, &all);
                assert_in_range(all.size, 1, X86_MAX_SIZE);
                some = decode_at_guard(bytes, size, mode);
                if (all.size > size)
                        assert_int_equal(some.valid, 0);
                else
                        assert_memory_equal(&some, &all, sizeof(all));
                if (!all.valid)
                        continue;
                if (all.disp_offset)
                        assert_in_range(all.disp_offset, 2, all.size - 4);
                if (all.imm_offset)
                        assert_in_range(all.imm_offset, 1,
                                        all.size - all.imm_size);
                if (all.rel_offset)
                        assert_int_equal(all.rel_offset, all.size - 4);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_with_bytes_behind),
                cmocka_unit_test(rows_at_the_end),
                cmocka_unit_test(cut_off_after_each_byte),
                cmocka_unit_test(end_before_begin),
                cmocka_unit_test(random_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
