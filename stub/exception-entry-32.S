/* SPDX-License-Identifier: MIT */
/* exception-entry.S in 32 bits. */
        .text
        .code32
        .balign 16
        .globl  exception_entries
        .hidden exception_entries
exception_entries:
        .set    vector, 0
        .rept   32
        pushl   $vector
        jmp     1f
        .set    vector, vector + 1
        .endr
        .org    exception_entries + 32 * 4
1:      popl    %eax
        movl    %esp, %ecx
        movl    %cr2, %edx
        cld
        pushl   %edx
        pushl   %ecx
        pushl   %eax
        call    exception_caught
        .section .note.GNU-stack, "", @progbits
