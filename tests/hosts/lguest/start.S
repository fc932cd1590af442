/* SPDX-License-Identifier: MIT */
/*
 * The host's entry: multiboot 1, with page-aligned modules.  For every guest
 * but the first it is entered again, with its variables as they were at first.
 */
        .section .multiboot, "a"
        .long   0x1badb002, 1, -(0x1badb002 + 1)

        .text
        .globl  _start
_start:
        cld
        movl    $data_start, %esi
        movl    $saved, %edi
        movl    $data_end, %ecx
        subl    %esi, %ecx
        rep movsb
        movl    %ebx, %eax
        xorl    %edx, %edx
/* eax: multiboot information, edx: number of the guest. */
        .globl  host_restart
host_restart:
        movl    %eax, %ebx
        movl    %cr0, %eax
        andl    $0x7fffffff, %eax       /* the page directory is about to go */
        movl    %eax, %cr0
        movl    $saved, %esi
        movl    $data_start, %edi
        movl    $data_end, %ecx
        subl    %edi, %ecx
        rep movsb
        movl    $bss_start, %edi
        movl    $bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        rep stosb
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
