/* SPDX-License-Identifier: MIT */
/*
 * Entries of the exception handlers, 4 bytes each.  None returns, so nothing
 * is saved but what the message needs: exception_caught(vector, frame, cr2),
 * frame being the stack as the processor left it.
 */
        .text
        .balign 16
        .globl  exception_entries
        .hidden exception_entries
exception_entries:
        .set    vector, 0
        .rept   32
        push    $vector
        jmp     1f
        .set    vector, vector + 1
        .endr
        .org    exception_entries + 32 * 4
1:
#ifdef __x86_64__
        popq    %rdi
        movq    %rsp, %rsi
        movq    %cr2, %rdx
        andq    $~15, %rsp
        cld
#else
        popl    %eax
        movl    %esp, %ecx
        movl    %cr2, %edx
        cld
        pushl   %edx
        pushl   %ecx
        pushl   %eax
#endif
        call    exception_caught
        .section .note.GNU-stack, "", @progbits
