/* SPDX-License-Identifier: MIT */
/*
 * The first bytes of the 32-bit stub program, which stands behind the 64-bit
 * one in E where a file holds kernels that are no Linux: protected mode without
 * paging, flat segments, maybe ring 1 (lguest), maybe a processor without
 * 64-bit mode.  A stack, descriptors of our own if they are ours to set, the
 * program's own relocations, main().
 */
#include "long-mode.inc"
#include "parameters.h"

        .section .first, "awx"
        .code32
        .globl  program_32
        .hidden program_32
program_32:
/* edi: protocol, esi: information, edx: load address, ebx: E */
        .org    STUB_32_ENTRY_HEAD
        jmp     enter_32
        .org    STUB_32_ENTRY_PVH
        movl    $0, %eax                /* STUB_32_PVH_BASE: the composer's */
        movl    %ebx, %esi
        movl    %eax, %ebx
        movl    $PROTOCOL_PVH, %edi
        xorl    %edx, %edx

enter_32:
        cld
        cli
        movl    STUB_PARAMETERS + PARAMETER_PROGRAM_32(%ebx), %ebp
        addl    %ebx, %ebp
        movl    STUB_PARAMETERS + PARAMETER_OWN(%ebx), %ecx
        leal    OWN_STACK_TOP(%ebx, %ecx), %esp

        movl    %ds, %eax
        movl    %cs, %ecx
        testb   $3, %cl
        jnz     2f
        leal    gdt - program_32(%ebp), %eax
        movl    %eax, gdt_base - program_32(%ebp)
        lgdt    gdt_pointer - program_32(%ebp)
        leal    1f - program_32(%ebp), %eax
        pushl   $0x10
        pushl   %eax
        lretl
1:      movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
2:      movl    %eax, %fs               /* Debian's libraries look at 0x14 */
        movl    %eax, %gs               /* there for their canary */

        /* struct entry_state: what only 64-bit hand-offs need is zero */
        xorl    %eax, %eax
        movl    $11, %ecx
3:      pushl   %eax
        loop    3b
        pushl   %edx
        pushl   %eax
        pushl   %esi
        pushl   %eax
        pushl   %edi

        /* DT_RELR, as in entry.S but for its words of 32 bits. */
        leal    relr_start - program_32(%ebp), %esi
        leal    relr_end - program_32(%ebp), %ecx
1:      cmpl    %ecx, %esi
        jae     5f
        lodsl
        testb   $1, %al
        jnz     2f
        leal    (%ebp, %eax), %edi
        addl    %ebp, (%edi)
        addl    $4, %edi
        jmp     1b
2:      movl    %edi, %edx
        addl    $(31 * 4), %edi
3:      shrl    $1, %eax
        jz      1b
        testb   $1, %al
        jz      4f
        addl    %ebp, (%edx)
4:      addl    $4, %edx
        jmp     3b
5:      movl    %esp, %eax
        pushl   %ebx
        pushl   %eax
        xorl    %ebp, %ebp
        call    stub_main
6:      hlt
        jmp     6b

        flat_gdt
        .section .note.GNU-stack, "", @progbits
