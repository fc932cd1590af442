/* SPDX-License-Identifier: MIT */
/*
 * A TCG plugin that counts the instructions between two addresses.
 *
 *      qemu-system-x86_64 -plugin FILE,from=ADDR,to=ADDR,out=FILE[,exclude=LO-HI]...
 *
 * Counting begins when the instruction at `from` (a linear address, hex) is
 * about to run and ends when the one at `to` is; `to` may equal `from`: then
 * it is the second time that counts.  QEMU ends there, with one line in `out`:
 *
 *      instructions N string-steps N excluded N
 *
 * A repeated string instruction counts once in `instructions`, and its steps
 * count in `string-steps`; `-icount` and most tools count every step as an
 * instruction, which is the sum of both.  Instructions whose address lies in
 * an excluded range [LO, HI) count in `excluded` only, steps included.
 *
 * With profile=FILE, FILE gets a line "ADDR COUNT" for every address that ran
 * in between, steps included; tests/bench/profile adds them up by function.
 *
 * Debian's qemu-system-x86 has plugins but no package has their header:
 * the prototypes below are those of plugin API version 1 as QEMU 7.2 documents
 * it (docs/devel/tcg-plugins.rst).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum {
        QEMU_PLUGIN_CB_NO_REGS
};
enum {
        QEMU_PLUGIN_INLINE_ADD_U64
};

extern void qemu_plugin_register_vcpu_tb_trans_cb(
        qemu_plugin_id_t id,
        void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
        const struct qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_cb(
        struct qemu_plugin_insn *insn,
        void (*cb)(unsigned int vcpu, void *data), int flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline(
        struct qemu_plugin_insn *insn, int op, void *counter, uint64_t add);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                               const struct qemu_info *info, int argc,
                               char **argv);

#define MAX_EXCLUDED 32

static struct {
        uint64_t low, high;
} excluded[MAX_EXCLUDED];
static size_t excluded_count;

static uint64_t from, to;
static const char *out;

/* One processor only: plain counters. */
static bool counting;
static uint64_t plain;        /* no string instruction, not excluded */
static uint64_t strings;      /* repeated string instructions, once each */
static uint64_t string_steps; /* their steps beyond that */
static uint64_t excluded_steps;

/* The last string instruction, and how many others had run before it. */
static uint64_t last_string = UINT64_MAX, plain_then, excluded_then;

/* Counters by address: open addressing, never more than half full in practice
 * (a boot's code is some 100,000 instructions). */
static struct {
        uint64_t addr, count;
} profile[1 << 19];
static const char *profile_path;

static uint64_t *profile_counter(uint64_t addr)
{
        size_t mask = sizeof(profile) / sizeof(profile[0]) - 1;
        size_t i = (addr * 0x9e3779b97f4a7c15) >> 40 & mask;

        for (size_t tries = 0; tries <= mask; tries++, i = (i + 1) & mask) {
                if (!profile[i].addr)
                        profile[i].addr = addr;
                if (profile[i].addr == addr)
                        return &profile[i].count;
        }
        fprintf(stderr, "count: profile: too many addresses\n");
        _exit(1);
}

static void profile_write(void)
{
        FILE *f = profile_path ? fopen(profile_path, "w") : NULL;

        for (size_t i = 0; f && i < sizeof(profile) / sizeof(profile[0]); i++)
                if (profile[i].count)
                        fprintf(f, "%jx %ju\n", (uintmax_t)profile[i].addr,
                                (uintmax_t)profile[i].count);
        if (f)
                fclose(f);
}

static void on_end(void)
{
        FILE *f = fopen(out, "w");

        if (!f ||
            fprintf(f, "instructions %ju string-steps %ju excluded %ju\n",
                    (uintmax_t)(plain + strings), (uintmax_t)string_steps,
                    (uintmax_t)excluded_steps) < 0 ||
            fclose(f))
                _exit(1);
        profile_write();
        _exit(0);
}

/* Runs before the instruction's own counter does. */
static void on_mark(unsigned int vcpu, void *data)
{
        uint64_t addr = (uint64_t)(uintptr_t)data;

        (void)vcpu;
        if (counting && addr == to)
                on_end();
        if (!counting && addr == from) {
                counting = true;
                plain = strings = string_steps = excluded_steps = 0;
                for (size_t i = 0; i < sizeof(profile) / sizeof(profile[0]);
                     i++)
                        profile[i].count = 0;
        }
}

/* QEMU runs each step of a repeated instruction as a run of its own: it is
 * the same instruction still if no other ran in between. */
static void on_string(unsigned int vcpu, void *data)
{
        uint64_t addr = (uint64_t)(uintptr_t)data;

        (void)vcpu;
        if (addr == last_string && plain == plain_then &&
            excluded_steps == excluded_then) {
                string_steps++;
                return;
        }
        strings++;
        last_string = addr;
        plain_then = plain;
        excluded_then = excluded_steps;
}

static bool is_excluded(uint64_t addr)
{
        for (size_t i = 0; i < excluded_count; i++)
                if (addr >= excluded[i].low && addr < excluded[i].high)
                        return true;
        return false;
}

/* INS, OUTS, MOVS, CMPS, STOS, LODS, SCAS behind F2 or F3 and other prefixes
 * (Intel SDM, volume 2, table 4-19). */
static bool is_repeated(const uint8_t *code, size_t size)
{
        bool rep = false;

        for (size_t i = 0; i < size; i++) {
                uint8_t c = code[i];

                if (c == 0xf2 || c == 0xf3)
                        rep = true;
                else if (c == 0x66 || c == 0x67 || (c & 0xf0) == 0x40)
                        continue;
                else
                        return rep && ((c >= 0x6c && c <= 0x6f) ||
                                       (c >= 0xa4 && c <= 0xa7) ||
                                       (c >= 0xaa && c <= 0xaf));
        }
        return false;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
        size_t count = qemu_plugin_tb_n_insns(tb);

        (void)id;
        for (size_t i = 0; i < count; i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                uint64_t addr = qemu_plugin_insn_vaddr(insn);

                if (addr == from || addr == to)
                        qemu_plugin_register_vcpu_insn_exec_cb(
                                insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
                                (void *)(uintptr_t)addr);
                if (profile_path)
                        qemu_plugin_register_vcpu_insn_exec_inline(
                                insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                profile_counter(addr), 1);
                if (is_excluded(addr))
                        qemu_plugin_register_vcpu_insn_exec_inline(
                                insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                &excluded_steps, 1);
                else if (is_repeated(qemu_plugin_insn_data(insn),
                                     qemu_plugin_insn_size(insn)))
                        qemu_plugin_register_vcpu_insn_exec_cb(
                                insn, on_string, QEMU_PLUGIN_CB_NO_REGS,
                                (void *)(uintptr_t)addr);
                else
                        qemu_plugin_register_vcpu_insn_exec_inline(
                                insn, QEMU_PLUGIN_INLINE_ADD_U64, &plain, 1);
        }
}

static int add_excluded(const char *range)
{
        char *end;

        if (excluded_count == MAX_EXCLUDED)
                return -1;
        excluded[excluded_count].low = strtoull(range, &end, 16);
        if (*end != '-')
                return -1;
        excluded[excluded_count].high = strtoull(end + 1, &end, 16);
        excluded_count++;
        return *end ? -1 : 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                        int argc, char **argv)
{
        (void)info;
        for (int i = 0; i < argc; i++) {
                const char *value = strchr(argv[i], '=');

                if (!value)
                        return -1;
                value++;
                if (!strncmp(argv[i], "from=", 5))
                        from = strtoull(value, NULL, 16);
                else if (!strncmp(argv[i], "to=", 3))
                        to = strtoull(value, NULL, 16);
                else if (!strncmp(argv[i], "out=", 4))
                        out = strdup(value);
                else if (!strncmp(argv[i], "profile=", 8))
                        profile_path = strdup(value);
                else if (!strncmp(argv[i], "exclude=", 8)) {
                        if (add_excluded(value))
                                return -1;
                } else {
                        return -1;
                }
        }
        if (!out)
                return -1;
        qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
        return 0;
}
