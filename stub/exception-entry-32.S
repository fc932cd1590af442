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
        movl    $vector, %eax
        jmp     1f
        .balign 16
        .set    vector, vector + 1
        .endr
1:      movl    %esp, %ecx
        movl    %cr2, %edx
        cld
        pushl   %edx
        pushl   %ecx
        pushl   %eax
        call    exception_caught
        .section .note.GNU-stack, "", @progbits
