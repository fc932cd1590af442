/* SPDX-License-Identifier: MIT */
/*
 * The first bytes of E, and what all entries of the stub program end in: a
 * stack, SSE, mapped memory under FS (Debian's static libraries use both), the
 * program's own relocations, main().
 *
 * Everything is addressed relative to the instruction pointer: E runs where a
 * loader or the head has put it.
 */
#include "long-mode.inc"
#include "parameters.h"

        .section .first, "awx"
        .globl  elf_base
        .hidden elf_base
elf_base:
        /* ELF header, parameters and notes: the composer's */
        .org    STUB_PARAMETERS + 12
own_offset:
        .org    STUB_ENTRY_HEAD
        .code64
        jmp     enter_linux
        .org    STUB_ENTRY_PVH
        .code32
        movl    $0, %ebp                /* STUB_PVH_BASE */
        jmp     enter_pvh
        .org    STUB_PVH_OFFSET
        .long   enter_pvh - elf_base
        .org    STUB_ENTRY_XEN
        .code64
        jmp     enter_xen
        .org    STUB_PROGRAM

        .text
        .code64
/* edi: protocol, rsi: boot_params or hvm_start_info, rdx: load address */
        .globl  enter_linux
        .hidden enter_linux
enter_linux:
        movq    %rsp, %rax
        movl    own_offset(%rip), %ebx
        leaq    elf_base(%rip), %r12
        leaq    OWN_STACK_TOP(%rbx, %r12), %rsp
        /* struct entry_state */
        pushq   $0
        movq    %cr4, %rcx
        pushq   %rcx
        movq    %cr3, %rcx
        pushq   %rcx
        movq    %cr0, %rcx
        pushq   %rcx
        pushq   %rax
        pushq   %rdx
        pushq   %rsi
        movl    %edi, %edi
        pushq   %rdi

        movq    %cr0, %rax
        andl    $~0xc, %eax             /* EM, TS off */
        orl     $2, %eax                /* MP */
        movq    %rax, %cr0
        movq    %cr4, %rax
        orl     $0x600, %eax            /* OSFXSR, OSXMMEXCPT */
        movq    %rax, %cr4

        /* The stack's lowest bytes serve as thread block. */
        leaq    OWN_STACK(%rbx, %r12), %rax
        movq    %rax, %rdx
        shrq    $32, %rdx
        movl    $MSR_FS_BASE, %ecx
        wrmsr

/* r12: elf_base; rsp: struct entry_state, 16-byte aligned */
        .globl  enter_main
        .hidden enter_main
enter_main:
        /* DT_RELR: an even word is the offset of a field to which the base is
         * added; the bits of an odd one stand for the 63 fields behind those
         * already seen, the lowest bit aside. */
        leaq    relr_start(%rip), %rsi
        leaq    relr_end(%rip), %rcx
1:      cmpq    %rcx, %rsi
        jae     5f
        lodsq
        testb   $1, %al
        jnz     2f
        leaq    (%r12, %rax), %rdi
        addq    %r12, (%rdi)
        addq    $8, %rdi
        jmp     1b
2:      movq    %rdi, %rdx
        addq    $(63 * 8), %rdi
3:      shrq    $1, %rax
        jz      1b
        testb   $1, %al
        jz      4f
        addq    %r12, (%rdx)
4:      addq    $8, %rdx
        jmp     3b
        /* The head's descriptors lie where the variant will: the same ones again.
         * A 64-bit loader's and Xen's are theirs, the PVH entry's are in E. */
5:      cmpb    $PROTOCOL_LINUX32, (%rsp)       /* or PROTOCOL_REAL, below it */
        ja      6f
        lgdt    gdt_pointer_32(%rip)
6:      movq    %rsp, %rdi
        movq    %r12, %rsi
        xorl    %ebp, %ebp
        call    stub_main               /* does not return */
        .section .note.GNU-stack, "", @progbits
