/* SPDX-License-Identifier: MIT */
/*
 * The last instructions of the stub, one routine for each kind of machine
 * state that a variant's entry expects.  None returns.
 */
#include "long-mode.inc"

        .text
        .code64
/* void leave_to_32(uint32_t target, uint32_t esi, uint32_t ebx): 32-bit
 * protected mode, no paging, flat CS 0x10, DS 0x18, ebp = edi = 0, CR4 = 0.
 * The descriptors are there since entry.S, or the PVH entry.
 * We must lie below 4 GiB, mapped one to one. */
        .globl  leave_to_32
        .hidden leave_to_32
leave_to_32:
        cli
        movl    %edx, %ebx
        leaq    1f(%rip), %rax
        pushq   $0x10
        pushq   %rax
        lretq
        .code32
1:      movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        movl    $0x11, %eax             /* PE, ET */
        movl    %eax, %cr0
        movl    $MSR_EFER, %ecx
        rdmsr
        btrl    $8, %eax                /* LME */
        wrmsr
        xorl    %eax, %eax
        movl    %eax, %cr4
        movl    %edi, %eax
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %edi, %edi
        xorl    %ebp, %ebp
        jmp     *%eax

        .code64
/* void leave_to_64(uint64_t target, uint64_t rsi, const struct entry_state *):
 * 64-bit mode with the control registers that we were entered with. */
        .globl  leave_to_64
        .hidden leave_to_64
leave_to_64:
        cli
        movq    %rdi, %r8
        movq    %rdx, %r9
        movl    $MSR_FS_BASE, %ecx
        xorl    %eax, %eax
        xorl    %edx, %edx
        wrmsr
        movq    24(%r9), %rsp
        movq    48(%r9), %rax
        movq    %rax, %cr4
        movq    40(%r9), %rcx
        movq    32(%r9), %rax
        movq    %rcx, %cr3
        movq    %rax, %cr0
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %edi, %edi
        jmp     *%r8

/* void leave_to_xen(uint64_t target, uint64_t rsi, uint64_t rsp) */
        .globl  leave_to_xen
        .hidden leave_to_xen
leave_to_xen:
        movq    %rdx, %rsp
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        jmp     *%rdi

        .data
        .balign 8
gdt_32: .quad   0
        .quad   0x00af9b000000ffff      /* 0x08 code, 64-bit */
        .quad   0x00cf9b000000ffff      /* 0x10 code, 32-bit */
        .quad   0x00cf93000000ffff      /* 0x18 data */
gdt_32_end:
        .word   0, 0, 0                 /* aligns the base below */
        .globl  gdt_pointer_32
        .hidden gdt_pointer_32
gdt_pointer_32:
        .word   gdt_32_end - gdt_32 - 1
        .quad   gdt_32
        .section .note.GNU-stack, "", @progbits
