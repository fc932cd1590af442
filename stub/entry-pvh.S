/* SPDX-License-Identifier: MIT */
/*
 * PVH entry: 32-bit protected mode without paging, ebx = hvm_start_info (Xen's
 * public/arch-x86/hvm/start_info.h).  ebp = E's physical address, from the
 * composer: no stack is promised that would tell.  edi = ours.
 */
#include "long-mode.inc"
#include "parameters.h"

        .section .enter_pvh, "awx"
        .code32
        .globl  enter_pvh
        .hidden enter_pvh
enter_pvh:
        cli
        cld
        movl    %ebx, %esi
        movl    STUB_PVH_OFFSET(%ebp), %edi
        addl    %ebp, %edi
        leal    gdt - enter_pvh(%edi), %eax
        movl    %eax, gdt_base - enter_pvh(%edi)
        lgdt    gdt_pointer - enter_pvh(%edi)
        leal    enter_pvh_64 - enter_pvh(%edi), %eax
        movl    %eax, far_64 - enter_pvh(%edi)
        leal    far_64 - enter_pvh(%edi), %esp  /* spares a register */
        movl    (STUB_PARAMETERS + 12)(%ebp), %ebx      /* own_offset */
        leal    OWN_PAGE_TABLES(%ebx, %ebp), %ebx
        build_identity_map
        enable_long_mode
        ljmpl   *(%esp)

        .code64
enter_pvh_64:
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $PROTOCOL_PVH, %edi
        xorl    %edx, %edx
        jmp     enter_linux

        flat_gdt
far_64: .long   0
        .word   0x08
        .section .note.GNU-stack, "", @progbits
