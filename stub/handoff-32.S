/* SPDX-License-Identifier: MIT */
/*
 * The last instructions of the 32-bit stub program: handoff.S has those of the
 * 64-bit one.  Arguments are on the stack.  None returns.
 */
#include "long-mode.inc"

        .text
        .code32
/* void leave_to_32_with(uint32_t target, uint32_t esi, uint32_t ebx, uint32_t eax):
 * as we run, with flat segments; ebp = edi = ecx = edx = 0.  Above ring 0 the
 * segments are the host's. */
        .globl  leave_to_32_with
        .hidden leave_to_32_with
leave_to_32_with:
        movl    4(%esp), %ecx
        movl    8(%esp), %esi
        movl    12(%esp), %ebx
        movl    16(%esp), %eax
        xorl    %edx, %edx
        xorl    %edi, %edi
        xorl    %ebp, %ebp
        pushl   %ecx
        xorl    %ecx, %ecx
        ret

/* void leave_to_64_on(uint32_t target, uint32_t rsi, uint32_t tables): the 64-bit
 * boot protocol, on the page tables given and with its selectors, CS 0x10 and
 * DS 0x18. */
        .globl  leave_to_64_on
        .hidden leave_to_64_on
leave_to_64_on:
        movl    4(%esp), %edi
        movl    8(%esp), %esi
        movl    12(%esp), %ebx
        call    1f
1:      popl    %ebp
        leal    gdt_pointer - 1b(%ebp), %eax
        leal    gdt - 1b(%ebp), %ecx
        movl    %ecx, 2(%eax)           /* its base */
        lgdt    (%eax)
        enable_long_mode
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        pushl   $0x10
        pushl   %edi
        xorl    %edi, %edi
        lretl

        .section .data.leave, "aw"
        .balign 8
gdt:    .quad   0
        .quad   0
        .quad   0x00af9b000000ffff      /* 0x10 code, 64-bit */
        .quad   0x00cf93000000ffff      /* 0x18 data */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   0
        .section .note.GNU-stack, "", @progbits
