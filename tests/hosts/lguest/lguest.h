/* SPDX-License-Identifier: MIT */
/*
 * lguest as its guests see it: numbers that the test host and its guest share.
 * (Linux 2.6.23 to 4.13, arch/x86/include/asm/lguest_hcall.h and
 * include/linux/lguest.h, as of 4.9.)
 */
#ifndef TESTS_HOSTS_LGUEST_H
#define TESTS_HOSTS_LGUEST_H

/* int $0x1f: eax is the number, arguments in ebx, ecx, edx, esi. */
#define LGUEST_TRAP_ENTRY 0x1f

#define LHCALL_FLUSH_ASYNC     0
#define LHCALL_LGUEST_INIT     1 /* address of struct lguest_data */
#define LHCALL_SHUTDOWN        2 /* address of a text, how */
#define LHCALL_NEW_PGTABLE     4 /* address of a page directory */
#define LHCALL_FLUSH_TLB       5 /* 0: below kernel_address, else all */
#define LHCALL_LOAD_IDT_ENTRY  6 /* number, low and high half */
#define LHCALL_SET_STACK       7 /* ss, esp, pages */
#define LHCALL_TS              8 /* 0 or 1 */
#define LHCALL_SET_CLOCKEVENT  9 /* ns from now; 0: none */
#define LHCALL_HALT            10
#define LHCALL_SET_PMD         13 /* PAE: not here */
#define LHCALL_SET_PTE         14 /* page directory, virtual address, entry */
#define LHCALL_SET_PGD         15 /* page directory, index */
#define LHCALL_LOAD_TLS        16 /* address of three descriptors */
#define LHCALL_NOTIFY          17 /* address of a text; up to 3.x */
#define LHCALL_LOAD_GDT_ENTRY  18 /* number, low and high half */
#define LHCALL_SEND_INTERRUPTS 19

#define LGUEST_SHUTDOWN_POWEROFF 1
#define LGUEST_SHUTDOWN_RESTART  2

/* Selectors of the guest's kernel, ring 1. */
#define LGUEST_KERNEL_CS 0x61
#define LGUEST_KERNEL_DS 0x69

#define LGUEST_IRQS         32 /* vectors 32 to 63 */
#define LGUEST_FIRST_VECTOR 32
#define LGUEST_SYSCALL      0x80
#define LGUEST_IF           0x200 /* as in EFLAGS */

#define LHCALL_RING_SIZE 64
#define LHCALL_EMPTY     0xff

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct lguest_data {
        uint32_t irq_enabled;        /* LGUEST_IF or 0 */
        uint32_t blocked_interrupts; /* a bit each */
        uint32_t cr2;
        uint32_t time[2];                       /* seconds, nanoseconds */
        uint32_t irq_pending;                   /* LGUEST_IF or 0 */
        uint8_t hcall_status[LHCALL_RING_SIZE]; /* LHCALL_EMPTY or ready */
        uint32_t hcalls[LHCALL_RING_SIZE][5];
        uint32_t reserve_mem; /* bytes at the top of the address space */
        uint32_t tsc_khz;     /* 0: don't use it */
        /* The guest's, before LGUEST_INIT: */
        uint32_t noirq_iret;     /* address of an iret that is not to be parted
                              * from what precedes it */
        uint32_t kernel_address; /* equal in all page directories from here */
        uint32_t syscall_vec;
};
_Static_assert(sizeof(struct lguest_data) == 1388, "lguest_data of Linux 4.9");
_Static_assert(offsetof(struct lguest_data, reserve_mem) == 1368, "as well");
#endif

/* The fields of boot_params that the launcher fills, by offset. */
#define BOOT_E820_ENTRIES     0x1e8
#define BOOT_LOADFLAGS        0x211
#define BOOT_KEEP_SEGMENTS    0x40
#define BOOT_TYPE_OF_LOADER   0x210
#define BOOT_CODE32_START     0x214
#define BOOT_RAMDISK_IMAGE    0x218
#define BOOT_RAMDISK_SIZE     0x21c
#define BOOT_SETUP_SECTS      0x1f1
#define BOOT_HEADER           0x202 /* "HdrS" in the file */
#define BOOT_VERSION          0x206
#define BOOT_CMD_LINE_PTR     0x228
#define BOOT_KERNEL_ALIGNMENT 0x230
#define BOOT_HARDWARE_SUBARCH 0x23c
#define BOOT_SUBARCH_LGUEST   1
#define BOOT_E820_MAP         0x2d0
#define BOOT_PARAMS_SIZE      0x1000

#endif
