/* SPDX-License-Identifier: MIT */
/* Kernels that are loaded ELF files, not rebuilt bzImages. */
#ifndef STUB_HANDOFF_BARE_H
#define STUB_HANDOFF_BARE_H

#include "boot-params.h"
#include "boot.h"

#ifdef __x86_64__
/* The 64-bit boot protocol: what is loaded is the kernel proper of a Linux. */
static inline _Noreturn void leave_to_elf(const struct boot *boot,
                                          uint64_t params)
{
        leave_to_boot_64((uintptr_t)boot->body + boot->elf_entry -
                                 boot->info.load_addr,
                         params);
}
#else
/* Enters the loaded ELF with boot_params at params: a Linux by the 64-bit boot
 * protocol; a bare ELF of class 32, or with a multiboot header, by the 32-bit
 * one, at the entry that header or e_entry names. */
_Noreturn void leave_to_elf(const struct boot *boot, uint64_t params);

/* The physical entry of the loaded kernel for multiboot1 or 2 (version); 0: it
 * has no such header. */
uint32_t bare_multiboot_entry(const struct boot *boot, int version);

/* Makes page tables that map the first 4 GiB one to one: six pages. */
void identity_map(uint8_t *tables);

/* Says that the screen is as a BIOS leaves it: text, 80 x 25. */
void text_screen(struct boot_params *params);
#endif

#endif
