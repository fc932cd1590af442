/* SPDX-License-Identifier: MIT */
/* Where a loaded bare ELF is entered in 32-bit mode. */
#ifndef STUB_HANDOFF_BARE_H
#define STUB_HANDOFF_BARE_H

#include "boot.h"

#ifdef __x86_64__
/* The 64-bit stub program takes every ELF for a Linux: what else there is, is
 * the 32-bit one's to enter. */
static inline uint32_t bare_entry(const struct boot *boot)
{
        (void)boot;
        return 0;
}
#else
/* By the 32-bit boot protocol: what a multiboot header names, or e_entry of
 * class 32; 0: there is none, or the ELF is no bare one. */
uint32_t bare_entry(const struct boot *boot);

/* By multiboot 1 or 2 (version); 0: it has no such header. */
uint32_t bare_multiboot_entry(const struct boot *boot, int version);
#endif

#endif
