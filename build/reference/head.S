/* SPDX-License-Identifier: MIT */
/*
 * First instructions: one 32-bit entry for multiboot1, multiboot2 and the
 * Linux 32-bit protocol (which is lguest's), told apart by eax; one for PVH.
 * Both go on to enter_flat with ebp = protocol, ebx = its information; there
 * (enter-32.S, enter-64.S, lguest.S, xen.S) the kernel gets mapped where it is
 * linked, and boot_start(protocol, information) is called.
 *
 * The multiboot headers give addresses, so loaders that take no 64-bit ELF
 * (or insist on e_entry being virtual) load the file by them.
 */
#include <xen/elfnote.h>

#include "layout.h"

#define MULTIBOOT1_HEADER 0x1badb002
#define MULTIBOOT1_LOADER 0x2badb002
#define MULTIBOOT1_FLAGS  0x10003 /* page-aligned, memory map, addresses */
#define MULTIBOOT2_HEADER 0xe85250d6
#define MULTIBOOT2_LOADER 0x36d76289

        .section .head, "ax"
        .balign 8
        .globl  head_start
head_start:
multiboot1_header:
        .long   MULTIBOOT1_HEADER, MULTIBOOT1_FLAGS
        .long   -(MULTIBOOT1_HEADER + MULTIBOOT1_FLAGS)
        .long   PHYSICAL(multiboot1_header)
        .long   PHYSICAL(head_start)
        .long   PHYSICAL(image_end)
        .long   PHYSICAL(bss_end)
        .long   PHYSICAL(entry)

        .balign 8
multiboot2_header:
        .long   MULTIBOOT2_HEADER, 0 /* i386 */
        .long   multiboot2_end - multiboot2_header
        .long   -(MULTIBOOT2_HEADER + multiboot2_end - multiboot2_header)
        .short  2, 0 /* addresses */
        .long   24
        .long   PHYSICAL(multiboot2_header)
        .long   PHYSICAL(head_start)
        .long   PHYSICAL(image_end)
        .long   PHYSICAL(bss_end)
        .short  3, 0 /* entry address */
        .long   12
        .long   PHYSICAL(entry)
        .balign 8
        .short  0, 0
        .long   8
multiboot2_end:

        .code32
        .globl  entry
        .type   entry, @function
entry:
        cld
        movl    $ENTRY_MULTIBOOT1, %ebp
        cmpl    $MULTIBOOT1_LOADER, %eax
        je      1f
        movl    $ENTRY_MULTIBOOT2, %ebp
        cmpl    $MULTIBOOT2_LOADER, %eax
        je      1f
        movl    $ENTRY_LINUX, %ebp
        movl    %esi, %ebx
1:      jmp     enter_flat
        .size   entry, . - entry

        .globl  entry_pvh
        .type   entry_pvh, @function
entry_pvh:
        cld
        movl    $ENTRY_PVH, %ebp
        jmp     enter_flat
        .size   entry_pvh, . - entry_pvh

        .section .bss.kernel_table, "aw", @nobits
        .balign PAGE_SIZE
        .globl  kernel_table
kernel_table:
        .skip   PAGE_SIZE
        .globl  boot_stack_top
boot_stack:
        .skip   STACK_SIZE
boot_stack_top:

        .macro  note number
        .long   4, 2f - 1f, \number
        .asciz  "Xen"
1:
        .endm
        .macro  word value
#if BITS == 64
        .quad   \value
#else
        .long   \value
#endif
        .endm
        .section .note.Xen, "a", @note
        note    XEN_ELFNOTE_PHYS32_ENTRY
        word    PHYSICAL(entry_pvh)
2:
#if BITS == 64 && (defined(BACKEND_xen) || defined(BACKEND_pvops))
        note    XEN_ELFNOTE_ENTRY
        word    entry_xen
2:      note    XEN_ELFNOTE_VIRT_BASE
        word    VIRT_BASE
2:      note    XEN_ELFNOTE_PADDR_OFFSET
        word    0
2:      note    XEN_ELFNOTE_XEN_VERSION
        .asciz  "xen-3.0"
2:      .balign 4
        note    XEN_ELFNOTE_LOADER
        .asciz  "generic"
2:      .balign 4
#endif
        note    XEN_ELFNOTE_GUEST_OS
        .asciz  "ingot"
2:      .balign 4
        note    XEN_ELFNOTE_FEATURES
        .asciz  "!writable_page_tables|pae_pgdir_above_4gb"
2:      .balign 4
        .section .note.GNU-stack, "", @progbits
