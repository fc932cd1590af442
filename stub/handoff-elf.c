/* SPDX-License-Identifier: MIT */
/* Enters kernels that are loaded ELF files, in 32-bit mode whatever they are. */
#include "handoff-elf.h"

#include <string.h>

#include "handoff-bare.h"

extern uint8_t elf_hook[], elf_hook_self[], elf_hook_tables[],
        elf_hook_target[];

static void put32(uint8_t *at, uint64_t value)
{
        le32 v = put_le32((uint32_t)value);
        memcpy(at, &v, sizeof v);
}

uint32_t elf_hook_for(const struct boot *boot)
{
        put32(elf_hook_self, (uintptr_t)elf_hook);
        put32(elf_hook_tables, (uintptr_t)boot->own + OWN_PAGE_TABLES);
        put32(elf_hook_target,
              (uintptr_t)boot->body + boot->elf_entry - boot->info.load_addr);
        return (uint32_t)(uintptr_t)elf_hook;
}

_Noreturn void leave_to_elf(const struct boot *boot, uint64_t params)
{
        uint32_t entry = bare_entry(boot);
        if (!entry)
                entry = elf_hook_for(boot);
        leave_to_32(entry, (uint32_t)params, 0);
}
