/* SPDX-License-Identifier: MIT */
/*
 * The host's entry: multiboot 1, with page-aligned modules.
 */
        .section .multiboot, "a"
        .long   0x1badb002, 1, -(0x1badb002 + 1)

        .text
        .globl  _start
_start:
        cli
        movl    $stack_end, %esp
        movl    %ebx, %eax
        call    host_main
1:      hlt
        jmp     1b

        .bss
        .balign 16
        .skip   8192
stack_end:
        .section .note.GNU-stack, "", @progbits
