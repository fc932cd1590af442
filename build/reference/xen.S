/* SPDX-License-Identifier: MIT */
/*
 * Xen's frames: rcx and r11 lie on top of what a processor pushes, and the way
 * back is a hypercall, whose entry in the page saves the registers that it
 * needs (xen.h, struct iret_context).
 */
#include "layout.h"

#include <xen/xen.h>

#define INTERRUPT_STUB_SIZE 16

        .text
#ifndef BACKEND_pvops
        .globl  enter_flat
        .type   enter_flat, @function
enter_flat:
        jmp     refuse
        .size   enter_flat, . - enter_flat
#endif

        .globl  entry_xen
        .type   entry_xen, @function
/* rsi: start_info; everything is mapped already */
entry_xen:
        cld
        movl    $ENTRY_XEN_PV, %edi
        movq    $boot_stack_top, %rsp
        xorl    %ebp, %ebp
        pushq   %rbp
        jmp     boot_start
        .size   entry_xen, . - entry_xen

        .balign INTERRUPT_STUB_SIZE
        .globl  xen_stubs
        .type   xen_stubs, @function
xen_stubs:
        .set    vector, 0
        .rept   VECTOR_COUNT + 1
        .balign INTERRUPT_STUB_SIZE, 0xcc
        popq    %rcx
        popq    %r11
        jmp     interrupt_stubs + vector * INTERRUPT_STUB_SIZE
        .set    vector, vector + 1
        .endr
        .size   xen_stubs, . - xen_stubs

        .globl  xen_iret
        .type   xen_iret, @function
xen_iret:
        pushq   $0 /* flags: not by sysret */
        jmp     hypercall_page + __HYPERVISOR_iret * 32
        .size   xen_iret, . - xen_iret
        .section .note.GNU-stack, "", @progbits
