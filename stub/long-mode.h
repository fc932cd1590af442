/* SPDX-License-Identifier: MIT */
/*
 * From 32-bit protected mode without paging to 64-bit mode: the assembler
 * macros that the head and the PVH entry share.
 */
#ifndef STUB_LONG_MODE_H
#define STUB_LONG_MODE_H

#define MSR_EFER 0xc0000080
#define MSR_FS_BASE 0xc0000100

/* Builds an identity map of the first 4 GiB in pages of 2 MiB at %ebx: six
 * pages, one of each upper level and four of the lowest.  Clobbers eax, ecx,
 * edi. */
        .macro  build_identity_map
        movl    %ebx, %edi
        xorl    %eax, %eax
        movl    $(2 * 4096 / 4), %ecx
        rep stosl
        leal    0x1003(%ebx), %eax      /* present, writable */
        movl    %eax, (%ebx)
        movl    $4, %ecx
        leal    0x1000(%ebx), %edi
8001:   addl    $0x1000, %eax
        movl    %eax, (%edi)
        addl    $8, %edi
        decl    %ecx
        jnz     8001b
        leal    0x2000(%ebx), %edi
        movl    $0x83, %eax             /* present, writable, 2 MiB */
        movl    $(4 * 512), %ecx
8002:   movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        decl    %ecx
        jnz     8002b
        .endm

/* Turns paging and 64-bit mode on over the map at %ebx; a far jump to a 64-bit
 * code segment must follow.  Clobbers eax, ecx, edx. */
        .macro  enable_long_mode
        movl    %cr4, %eax
        orl     $0x20, %eax             /* PAE */
        movl    %eax, %cr4
        movl    %ebx, %cr3
        movl    $MSR_EFER, %ecx
        rdmsr
        btsl    $8, %eax                /* LME */
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000001, %eax       /* PG, PE */
        movl    %eax, %cr0
        .endm
#endif
