/* SPDX-License-Identifier: MIT */
/* From flat 32-bit mode to long mode on the bare machine. */
#include "layout.h"

#define CR0_PG_WP_NE_PE 0x80010021
#define CR4_PAE         0x20
#define MSR_EFER        0xc0000080
#define EFER_LME        0x100

        .text
        .code32
        .globl  enter_flat
        .type   enter_flat, @function
enter_flat:
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
        .type   head_gdt, @object
head_gdt:
        .quad   0, 0
        .quad   0x00af9b000000ffff /* KERNEL_CS */
        .quad   0x00cf93000000ffff
head_gdt_pointer:
        .short  . - head_gdt - 1
        .long   PHYSICAL(head_gdt), 0
        .size   head_gdt, . - head_gdt

        .section .bss.directories, "aw", @nobits
        .balign PAGE_SIZE
        .type   pointer_table, @object
pointer_table:
        .skip   PAGE_SIZE
        .size   pointer_table, . - pointer_table
        .type   directories, @object
directories:
        .skip   2 * PAGE_SIZE
        .size   directories, . - directories
        .section .note.GNU-stack, "", @progbits
