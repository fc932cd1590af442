/* SPDX-License-Identifier: MIT */
/*
 * The three pages that a guest's page tables map for the host, at the same
 * address in the host's: code, registers, tables.  A guest in ring 1 can read
 * all three, since paging takes it for a supervisor, and write the second, so
 * nothing else of the host may be in them.
 */
#ifndef TESTS_HOSTS_LGUEST_SWITCHER_H
#define TESTS_HOSTS_LGUEST_SWITCHER_H

#define SWITCHER 0xffc00000
/* Writable for the guest, too.  Below is room for a trap on the way in. */
#define SWITCHER_REGS  (SWITCHER + 0x1800)
#define SWITCHER_STATE (SWITCHER + 0x2000) /* read-only for the guest */

/* Offsets in struct switcher_state. */
#define STATE_GDT       2048
#define STATE_TSS       2304
#define STATE_HOST_CR3  2408
#define STATE_HOST_ESP  2412
#define STATE_GUEST_CR3 2416
#define STATE_BROKEN    2420

/* In struct regs. */
#define REGS_TRAP 48
#define REGS_CS   60
#define REGS_SIZE 76

#define HOST_CS 0x50 /* LGUEST_CS, entry 10 of the GDT */
#define HOST_DS 0x58 /* LGUEST_DS */
#define HOST_TR 0x80

#define STUB_SIZE 12 /* bytes from one trap's entry to the next */

#endif
