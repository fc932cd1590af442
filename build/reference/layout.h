/* SPDX-License-Identifier: MIT */
/*
 * Where things are: numbers that C, assembler and the linker script share.
 *
 * Both sizes are linked high and loaded low; physical address P is seen
 * at VIRT_BASE + P.  The user's half of the address space is below.
 */
#ifndef REFERENCE_LAYOUT_H
#define REFERENCE_LAYOUT_H

/* A multiple of PAGE_SIZE; `make reference REFERENCE_LOAD_ADDR=…` changes it. */
#ifndef LOAD_ADDR
#define LOAD_ADDR 0x100000
#endif
/* Before paging is on, assembler says where a symbol is loaded. */
#define PHYSICAL(x) ((x)-VIRT_BASE)
#define PAGE_SIZE   4096

#ifdef __x86_64__
#define BITS      64
#define VIRT_BASE 0xffffffff80000000
/* Two page directories of 2 MiB pages: all that fits above VIRT_BASE. */
#define DIRECT_MAP_SIZE 0x80000000
#define KERNEL_CS       0x10
#define KERNEL_SS       0x18
#define USER_SS         0x2b
#define USER_CS         0x33
#define TSS_SELECTOR    0x40 /* two entries */
#else
#define BITS            32
#define VIRT_BASE       0xc0000000
/* 64 page tables of 4 KiB pages (lguest has no larger ones): 256 KiB of bss. */
#define DIRECT_MAP_SIZE 0x10000000
/* Linux's numbers: lguest's host knows the first two. */
#define KERNEL_CS       0x60
#define KERNEL_SS       0x68
#define USER_CS         0x73
#define USER_SS         0x7b
#define TSS_SELECTOR    0x80
#endif

/* What enter-32.S leaves mapped one to one as well; the image must fit. */
#define IDENTITY_SIZE ((LOAD_ADDR + 0x7fffff) & ~0x3fffff) /* 4 MiB and more */

/* The user's process: its program's page, then memory that appears when it is
 * touched; the stack is at that memory's end. */
#define USER_CODE     0x40000000
#define USER_HEAP     0x40400000
#define USER_HEAP_END 0x40500000

#define STACK_SIZE 8192

/* How the kernel was entered; entry_names in boot.c is in this order. */
#define ENTRY_LINUX      0
#define ENTRY_MULTIBOOT1 1
#define ENTRY_MULTIBOOT2 2
#define ENTRY_PVH        3
#define ENTRY_XEN_PV     4

#define VECTOR_PAGE_FAULT 14
#define VECTOR_TIMER      32 /* the first that is no exception */
#define VECTOR_COUNT      48
#define VECTOR_SYSCALL    0x80

#define SYSCALL_EXIT   0 /* bx: status */
#define SYSCALL_WRITE  1 /* bx: text, cx: bytes */
#define SYSCALL_NUMBER 2 /* returns how many calls there were */
#define SYSCALL_TICKS  3
#define SYSCALL_COUNT  4

#endif
