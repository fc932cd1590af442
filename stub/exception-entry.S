/* SPDX-License-Identifier: MIT */
/*
 * Entries of the exception handlers, 16 bytes each.  None returns, so nothing
 * is saved but what the message needs: exception_caught(vector, frame, cr2),
 * frame being the stack as the processor left it.
 */
        .text
        .code64
        .balign 16
        .globl  exception_entries
        .hidden exception_entries
exception_entries:
        .set    vector, 0
        .rept   32
        movl    $vector, %edi
        jmp     1f
        .balign 16
        .set    vector, vector + 1
        .endr
1:      movq    %rsp, %rsi
        movq    %cr2, %rdx
        andq    $~15, %rsp
        cld
        call    exception_caught
        .section .note.GNU-stack, "", @progbits
