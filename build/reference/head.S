/* SPDX-License-Identifier: MIT */
/*
 * First instructions: one 32-bit entry for multiboot1, multiboot2 and the
 * Linux 32-bit protocol (which is lguest's), told apart by eax; one for PVH;
 * one 64-bit for Xen PV.  Each ends in boot_start(protocol, information) with
 * the kernel mapped where it is linked.
 *
 * The multiboot headers give addresses, so loaders that take no 64-bit ELF
 * (or insist on e_entry being virtual) load the file by them.
 */
#include <xen/elfnote.h>

#include "operations.h"

#define PHYSICAL(x) ((x) - VIRT_BASE)

#define MULTIBOOT1_HEADER 0x1badb002
#define MULTIBOOT1_LOADER 0x2badb002
#define MULTIBOOT1_FLAGS  0x10003 /* page-aligned, memory map, addresses */
#define MULTIBOOT2_HEADER 0xe85250d6
#define MULTIBOOT2_LOADER 0x36d76289

#define CR0_PG_WP_NE_PE 0x80010021
#define CR4_PAE         0x20
#define MSR_EFER        0xc0000080
#define EFER_LME        0x100

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

/* ebp: protocol, ebx: its information; flat segments, no paging */
        .type   enter_flat, @function
enter_flat:
        movl    $PHYSICAL(boot_stack_top), %esp
#if BITS == 32
#if defined(BACKEND_lguest) || defined(BACKEND_pvops)
        /* Ring 1: a guest of lguest. */
        movl    %cs, %eax
        testb   $3, %al
        jnz     lguest_head
#endif
#ifdef BACKEND_lguest
        jmp     lguest_refuse
#else
        call    make_tables
        movl    $PHYSICAL(kernel_table), %eax
        movl    %eax, %cr3
        movl    $CR0_PG_WP_NE_PE, %eax
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $KERNEL_CS, $1f
1:      movl    $KERNEL_SS, %eax
        movl    %eax, %ss
        movl    $USER_SS, %eax
        movl    %eax, %ds
        movl    %eax, %es
#endif
        .globl  enter_high
enter_high:
        movl    $boot_stack_top, %esp
        movl    %ebp, %eax
        movl    %ebx, %edx
        xorl    %ebp, %ebp
        pushl   %ebp
        movl    $boot_start, %ecx
        jmp     *%ecx
        .size   enter_flat, . - enter_flat

/* Page tables for the direct map, at VIRT_BASE and, as far as the kernel
 * reaches, one to one. */
        .globl  make_tables
        .type   make_tables, @function
make_tables:
        movl    $PHYSICAL(direct_tables), %edi
        movl    $3, %eax /* present, writable */
1:      stosl
        addl    $PAGE_SIZE, %eax
        cmpl    $DIRECT_MAP_SIZE, %eax
        jb      1b
        movl    $PHYSICAL(kernel_table) + (VIRT_BASE >> 22) * 4, %edi
        movl    $PHYSICAL(direct_tables) + 3, %eax
        movl    $DIRECT_MAP_SIZE >> 22, %ecx
2:      stosl
        addl    $PAGE_SIZE, %eax
        loop    2b
        movl    $PHYSICAL(kernel_table) + (VIRT_BASE >> 22) * 4, %esi
        movl    $PHYSICAL(kernel_table), %edi
        movl    $IDENTITY_SIZE >> 22, %ecx
        rep movsl
        ret
        .size   make_tables, . - make_tables

        .section .bss.direct_tables, "aw", @nobits
        .balign PAGE_SIZE
direct_tables:
        .skip   DIRECT_MAP_SIZE / 1024

#else /* BITS == 64 */

        /* Top table: [0] and [511] lead to the same directory pointers, of
         * which [0], [1] and [510], [511] are the first 2 GiB. */
        movl    $PHYSICAL(pointer_table) + 7, %eax
        movl    %eax, PHYSICAL(kernel_table)
        movl    %eax, PHYSICAL(kernel_table) + 511 * 8
        movl    $PHYSICAL(directories) + 3, %eax
        movl    %eax, PHYSICAL(pointer_table)
        movl    %eax, PHYSICAL(pointer_table) + 510 * 8
        addl    $PAGE_SIZE, %eax
        movl    %eax, PHYSICAL(pointer_table) + 8
        movl    %eax, PHYSICAL(pointer_table) + 511 * 8
        movl    $PHYSICAL(directories), %edi
        movl    $0x83, %eax /* present, writable, 2 MiB */
1:      movl    %eax, (%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        cmpl    $DIRECT_MAP_SIZE, %eax
        jb      1b

        movl    $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $PHYSICAL(kernel_table), %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        movl    $CR0_PG_WP_NE_PE, %eax
        movl    %eax, %cr0
        lgdt    PHYSICAL(head_gdt_pointer)
        ljmp    $KERNEL_CS, $PHYSICAL(1f)
        .code64
1:      movl    $KERNEL_SS, %eax
        movl    %eax, %ss
        movl    %eax, %ds
        movl    %eax, %es
        movl    %ebp, %edi
        movl    %ebx, %esi
        movq    $enter_high, %rax
        jmp     *%rax
        .size   enter_flat, . - enter_flat

        .type   enter_high, @function
enter_high:
        movq    $boot_stack_top, %rsp
        xorl    %ebp, %ebp
        pushq   %rbp
        jmp     boot_start
        .size   enter_high, . - enter_high

        .section .rodata
        .balign 8
head_gdt:
        .quad   0, 0
        .quad   0x00af9b000000ffff /* KERNEL_CS */
        .quad   0x00cf93000000ffff
head_gdt_pointer:
        .short  . - head_gdt - 1
        .long   PHYSICAL(head_gdt), 0

#if defined(BACKEND_xen) || defined(BACKEND_pvops)
        .text
        .globl  entry_xen
        .type   entry_xen, @function
/* rsi: start_info; everything is mapped already */
entry_xen:
        cld
        movl    $ENTRY_XEN_PV, %edi
        jmp     enter_high
        .size   entry_xen, . - entry_xen

        /* Xen writes a page of small functions here, 32 bytes each. */
        .section .text.hypercall_page, "ax"
        .balign PAGE_SIZE
        .globl  hypercall_page
hypercall_page:
        .skip   PAGE_SIZE, 0xcc
#endif

        .section .bss.directories, "aw", @nobits
        .balign PAGE_SIZE
pointer_table:
        .skip   PAGE_SIZE
directories:
        .skip   2 * PAGE_SIZE
#endif

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
2:      note    XEN_ELFNOTE_HYPERCALL_PAGE
        word    hypercall_page
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
