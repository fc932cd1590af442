/* SPDX-License-Identifier: MIT */
/*
 * The pv_ops kernel at boot: chooses a backend, copies its functions into the
 * structure that all call sites go through, then rewrites each site, one way
 * for all backends:
 *
 *      ff 15 disp32    call *operations.irq_enable
 *   -> fb NOP5                    a rule gives native_irq_enable `sti`
 *   -> NOP6                       a rule gives it no instruction at all
 *   -> 2e e8 rel32                no rule, or its code is too long: a direct call,
 *                                 the room filled by a prefix without meaning
 *
 * and the same with jmp.  A very-read-only variable's value goes into the
 * instruction that loads it.  This happens once, with interrupts off and one
 * processor, before anything could be executing what is rewritten.
 *
 * `nopatch` on the command line leaves the calls as they are, to be measured.
 */
#include "kernel.h"
#include "table.h"

#define CALL_RELATIVE 0xe8
#define JUMP_RELATIVE 0xe9
#define CALL_SIZE     5
#define PREFIX        0x2e /* cs: */
#define SITE_MAX      6

/* One instruction that does nothing, of each length: six short ones would take
 * longer than the call.  In 32 bits those that every processor has. */
static const uint8_t nops[SITE_MAX + 1][SITE_MAX] = {
        [1] = { 0x90 },
        [2] = { 0x66, 0x90 },
#if BITS == 64
        [3] = { 0x0f, 0x1f, 0x00 },
        [4] = { 0x0f, 0x1f, 0x40, 0x00 },
        [5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
        [6] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
#else /* lea 0(%esi), %esi */
        [3] = { 0x8d, 0x76, 0x00 },
        [4] = { 0x8d, 0x74, 0x26, 0x00 },
        [5] = { 0x3e, 0x8d, 0x74, 0x26, 0x00 },
        [6] = { 0x8d, 0xb6, 0x00, 0x00, 0x00, 0x00 },
#endif
};

struct operations operations;
const struct backend *backend;
const char *patch_summary = ", pv_ops unpatched";
extern const struct patch_site pv_sites_start[], pv_sites_end[];

void patch_choose(void)
{
        const char *failed = NULL;
        const struct backend_row *row = backend_rows;
        while (row->backend.name && row->backend.probe())
                row++;
        backend = &row->backend;
        operations = *row->operations;
        failed = backend->init();
        if (failed)
                panic("backend %s: %s", backend->name, failed);
}

static const struct patch_rule *rule_for(const void *function)
{
        const struct patch_rule *rule = patch_rules;
        while (rule->function && rule->function != function)
                rule++;
        return rule->function ? rule : NULL;
}

static unsigned patch_call(const struct patch_site *site)
{
        const uint8_t *function = ((const uint8_t **)&operations)[site->number];
        const struct patch_rule *rule = rule_for(function);
        if (rule && rule->end - rule->code <= site->size) {
                unsigned size = (unsigned)(rule->end - rule->code);
                __builtin_memcpy(site->code, rule->code, size);
                return size;
        }
        uint8_t *code = site->code;
        while (code + CALL_SIZE < site->code + site->size)
                *code++ = PREFIX;
        int32_t distance = (int32_t)(function - (code + CALL_SIZE));
        code[0] = site->kind == SITE_CALL ? CALL_RELATIVE : JUMP_RELATIVE;
        __builtin_memcpy(code + 1, &distance, sizeof distance);
        return site->size;
}

void patch_apply(void)
{
        bool calls = !boot_word("nopatch");
        for (const struct patch_site *s = pv_sites_start; s < pv_sites_end;
             s++) {
                if (s->kind == SITE_CONSTANT) {
                        __builtin_memcpy(s->code, &constants[s->number],
                                         sizeof constants[0]);
                        continue;
                }
                if (!calls)
                        continue;
                unsigned used = patch_call(s);
                __builtin_memcpy(s->code + used, nops[s->size - used],
                                 s->size - used);
        }
        if (calls)
                patch_summary = ", pv_ops patched";
}
