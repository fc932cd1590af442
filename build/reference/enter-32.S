/* SPDX-License-Identifier: MIT */
/* Paging and descriptors of the bare machine, 32 bits. */
#include "layout.h"

#define CR0_PG_WP_NE_PE 0x80010021

        .text
        .code32
        .globl  enter_flat
        .type   enter_flat, @function
enter_flat:
#ifdef BACKEND_pvops
        /* Ring 1: a guest of lguest, which may do nothing of this. */
        movl    %cs, %eax
        testb   $3, %al
        jnz     lguest_enter
#endif
        movl    $PHYSICAL(boot_stack_top), %esp
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
        jmp     enter_high
        .size   enter_flat, . - enter_flat
        .section .note.GNU-stack, "", @progbits
