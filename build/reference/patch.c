/* SPDX-License-Identifier: MIT */
/*
 * The pv_ops kernel at boot: chooses a backend, copies its functions into the
 * structure that all call sites go through, then rewrites each site, one way
 * for all backends:
 *
 *      ff 15 disp32    call *operations.irq_enable
 *   -> fb 90 90 90 90 90          a rule gives native_irq_enable `sti`
 *   -> 90 90 90 90 90 90          a rule gives it no instruction at all
 *   -> e8 rel32 90                no rule, or its code is too long: a direct call
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
#define NOP           0x90

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
        int32_t distance = (int32_t)(function - (site->code + CALL_SIZE));
        site->code[0] = site->kind == SITE_CALL ? CALL_RELATIVE : JUMP_RELATIVE;
        __builtin_memcpy(site->code + 1, &distance, sizeof distance);
        return CALL_SIZE;
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
                for (unsigned i = patch_call(s); i < s->size; i++)
                        s->code[i] = NOP;
        }
        if (calls)
                patch_summary = ", pv_ops patched";
}
