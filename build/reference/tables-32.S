/* SPDX-License-Identifier: MIT */
/* The first page tables, and the step from low to high addresses, 32 bits. */
#include "layout.h"

        .text
        .code32
/* Page tables for the direct map, at VIRT_BASE and, as far as the kernel
 * reaches, one to one.  All registers but ebp and ebx are lost. */
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

        .globl  enter_high
        .type   enter_high, @function
enter_high:
        movl    $boot_stack_top, %esp
        movl    %ebp, %eax
        movl    %ebx, %edx
        xorl    %ebp, %ebp
        pushl   %ebp
        movl    $boot_start, %ecx
        jmp     *%ecx
        .size   enter_high, . - enter_high

        .section .bss.direct_tables, "aw", @nobits
        .balign PAGE_SIZE
        .type   direct_tables, @object
direct_tables:
        .skip   DIRECT_MAP_SIZE / 1024
        .size   direct_tables, . - direct_tables
        .section .note.GNU-stack, "", @progbits
