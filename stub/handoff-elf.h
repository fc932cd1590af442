/* SPDX-License-Identifier: MIT */
/* Kernels that are loaded ELF files, not rebuilt bzImages. */
#ifndef STUB_HANDOFF_ELF_H
#define STUB_HANDOFF_ELF_H

#include "boot.h"

/* Where a 32-bit jump, esi = boot_params, leads into the loaded Linux ELF by the
 * 64-bit boot protocol (elf-hook.S). */
uint32_t elf_hook_for(const struct boot *boot);

/* Enters the loaded ELF with boot_params at params: a bare ELF by the 32-bit boot
 * protocol if it has such an entry, a Linux through the hook. */
_Noreturn void leave_to_elf(const struct boot *boot, uint64_t params);

#endif
