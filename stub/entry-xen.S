/* SPDX-License-Identifier: MIT */
/*
 * Xen PV entry: 64-bit, ring 3, on Xen's page tables; rsi = start_info, rsp =
 * top of the boot stack.  Privileged instructions are not ours to use: the FS
 * base is set by hypercall, made directly with syscall, as Xen's hypercall
 * page would make it (rcx and r11 are lost).
 */
#include "parameters.h"

#define HYPERVISOR_SET_SEGMENT_BASE 25
#define SEGBASE_FS 0

        .text
        .code64
        .globl  enter_xen
        .hidden enter_xen
enter_xen:
        cld
        movq    %rsp, %rax
        movl    STUB_PARAMETERS + 12 + elf_base(%rip), %ebx
        leaq    elf_base(%rip), %r12
        leaq    OWN_STACK_TOP(%rbx, %r12), %rsp
        /* struct entry_state; control registers are Xen's */
        pushq   $0
        pushq   $0
        pushq   $0
        pushq   $0
        pushq   %rax
        pushq   $0
        pushq   %rsi
        pushq   $PROTOCOL_XEN_PV

        leaq    OWN_STACK(%rbx, %r12), %rsi
        movl    $SEGBASE_FS, %edi
        movl    $HYPERVISOR_SET_SEGMENT_BASE, %eax
        syscall
        jmp     enter_main
        .section .note.GNU-stack, "", @progbits
