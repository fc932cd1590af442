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
        leaq    rela_start(%rip), %rax
        leaq    rela_end(%rip), %rcx
1:      cmpq    %rcx, %rax
        jae     2f
        movq    (%rax), %rdx            /* r_offset; all are R_X86_64_RELATIVE */
        movq    16(%rax), %rsi          /* r_addend */
        addq    %r12, %rsi
        movq    %rsi, (%r12, %rdx)
        addq    $24, %rax
        jmp     1b
2:      movq    %rsp, %rdi
        movq    %r12, %rsi
        xorl    %ebp, %ebp
        call    stub_main
3:      hlt
        jmp     3b
        .section .note.GNU-stack, "", @progbits
