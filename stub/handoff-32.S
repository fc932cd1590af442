/* SPDX-License-Identifier: MIT */
/*
 * The last instructions of the 32-bit stub program; handoff.S has those of the
 * 64-bit one.  Arguments are on the stack.
 */
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
        .section .note.GNU-stack, "", @progbits
