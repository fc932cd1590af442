/* SPDX-License-Identifier: MIT */
/*
 * The calls of the VMI ROM, but for those that tell or measure time (time.c).
 *
 * Arguments come in eax, edx, ecx, then on the stack, where the caller removes
 * them; eax, edx, ecx and the flags may be changed.  What may be changed is: a
 * kernel that counts on more than it was promised is to fail here, not on
 * another ROM.
 *
 * Of the calls for the interrupt flag only the flags change, besides a result in
 * eax.  CPUID, WRMSR, RDMSR and RDTSC keep the registers that the instruction
 * keeps.
 */
#include "vmi.h"

        .macro  entry name
        .globl  \name
\name:
        .endm
        .set    POISON, 0x5a5aa5a5
        .macro  return_nothing
        movl    $POISON, %eax
        return_eax
        .endm
        .macro  return_eax
        movl    $POISON, %edx
        return_edx_eax
        .endm
        .macro  return_edx_eax
        movl    $POISON, %ecx
        return_flags
        .endm
        .macro  return_flags            /* CF and ZF: the opposite */
        pushfl
        xorl    $0x41, (%esp)
        popfl
        ret
        .endm
        .text

/* eax, ecx: leaf; results as of the instruction, ebx too. */
        entry   vmi_cpuid
        cpuid
        ret
/* ecx: register, edx:eax: value. */
        entry   vmi_wrmsr
        wrmsr
        ret
        entry   vmi_rdmsr
        rdmsr
        ret

/* eax: address of limit and base. */
        entry   vmi_set_gdt
        lgdt    (%eax)
        return_nothing
        entry   vmi_set_idt
        lidt    (%eax)
        return_nothing
        entry   vmi_get_gdt
        sgdt    (%eax)
        return_nothing
        entry   vmi_get_idt
        sidt    (%eax)
        return_nothing
/* eax: selector. */
        entry   vmi_set_ldt
        lldt    %ax
        return_nothing
        entry   vmi_set_tr
        ltr     %ax
        return_nothing
        entry   vmi_get_ldt
        sldt    %eax
        return_eax
        entry   vmi_get_tr
        str     %eax
        return_eax
/* eax: table, edx: number, ecx: low half, stack: high half. */
        entry   vmi_write_entry
        movl    %ecx, (%eax, %edx, 8)
        movl    4(%esp), %ecx
        movl    %ecx, 4(%eax, %edx, 8)
        return_nothing

/* eax: stack segment, edx: stack pointer of ring 0, for the task register's
 * segment; before there is one the call does nothing. */
        entry   vmi_update_kernel_stack
        pushl   %ebx
        subl    $8, %esp
        movl    %eax, %ecx
        str     %eax
        andl    $0xfff8, %eax
        jz      1f
        sgdt    (%esp)
        addl    2(%esp), %eax
        movb    7(%eax), %bh
        movb    4(%eax), %bl
        shll    $16, %ebx
        movw    2(%eax), %bx
        movl    %edx, 4(%ebx)
        movl    %ecx, 8(%ebx)
1:      addl    $8, %esp
        popl    %ebx
        return_nothing

        .macro  control_register n
        entry   vmi_set_cr\n
        movl    %eax, %cr\n
        return_nothing
        entry   vmi_get_cr\n
        movl    %cr\n, %eax
        return_eax
        .endm
        control_register 0
        control_register 2
        control_register 3
        control_register 4
        entry   vmi_clts
        clts
        return_nothing
        entry   vmi_wbinvd
        wbinvd
        return_nothing
        entry   vmi_rdtsc
        rdtsc
        ret

/* eax: number, edx: value.  Each case is 4 bytes. */
        entry   vmi_set_dr
        andl    $7, %eax
        call    1f
1:      popl    %ecx
        leal    2f - 1b(%ecx, %eax, 4), %ecx
        jmp     *%ecx
2:      .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movl    %edx, %db\n
        ret
        .endr
/* eax: number; returns the value. */
        entry   vmi_get_dr
        andl    $7, %eax
        call    1f
1:      popl    %ecx
        leal    2f - 1b(%ecx, %eax, 4), %ecx
        jmp     *%ecx
2:      .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movl    %db\n, %eax
        ret
        .endr

        entry   vmi_enable_interrupts
        sti
        return_flags
        entry   vmi_disable_interrupts
        cli
        return_flags
        entry   vmi_get_interrupt_mask
        pushfl
        popl    %eax
        andl    $VMI_INTERRUPT_MASK, %eax
        return_flags
        entry   vmi_set_interrupt_mask
        testl   $VMI_INTERRUPT_MASK, %eax
        jnz     vmi_enable_interrupts
        jmp     vmi_disable_interrupts
/* eax: bits 12 and 13, as in EFLAGS. */
        entry   vmi_set_iopl_mask
        pushfl
        andl    $~0x3000, (%esp)
        andl    $0x3000, %eax
        orl     %eax, (%esp)
        popfl
        return_nothing

/* Jumped to. */
        entry   vmi_iret
        iret
/* edx: eip, ecx: esp. */
        entry   vmi_sysexit
        sti
        sysexit

/* Waits for an interrupt, with interrupts enabled. */
        entry   vmi_halt
        sti
        hlt
        return_nothing
        entry   vmi_reboot
        movb    $0x06, %al              /* hard reset, now */
        movw    $0xcf9, %dx
        outb    %al, %dx
        movb    $0xfe, %al              /* or by the keyboard controller */
        outb    %al, $0x64
1:      hlt
        jmp     1b
/* ACPI's soft off, by the register where SeaBIOS puts it on QEMU's pc. */
        entry   vmi_shutdown
        movw    $0x604, %dx
        movw    $0x2000, %ax
        outw    %ax, %dx
        cli
1:      hlt
        jmp     1b

/* eax: entry, edx: its address, ecx: flags. */
        entry   vmi_set_pxe
        movl    %eax, (%edx)
        return_nothing
/* edx:eax: entry, ecx: its address, stack: flags.  The present bit is in the
 * low half: it is taken away first and comes last. */
        entry   vmi_set_pxe_long
        movl    $0, (%ecx)
        movl    %edx, 4(%ecx)
        movl    %eax, (%ecx)
        return_nothing
/* Machine pages are physical pages: edx:eax stays. */
        entry   vmi_same
        return_edx_eax
/* eax: virtual address. */
        entry   vmi_inval_page
        invlpg  (%eax)
        return_nothing
/* eax: what to flush. */
        entry   vmi_flush_tlb
        testb   $VMI_FLUSH_GLOBAL, %al
        jz      1f
        movl    %cr4, %edx
        testb   $0x80, %dl              /* PGE */
        jz      1f
        movl    %edx, %ecx
        andb    $0x7f, %cl
        movl    %ecx, %cr4              /* flushes all, global pages too */
        movl    %edx, %cr4
        return_nothing
1:      movl    %cr3, %eax
        movl    %eax, %cr3
        return_nothing
/* eax: slot, edx: virtual address, ecx: pages, stack: first page.  Bare
 * hardware looks addresses up itself. */
        entry   vmi_set_linear_mapping
        return_nothing

        entry   vmi_get_cycle_frequency
        call    1f
1:      popl    %ecx
        leal    frequency - 1b(%ecx), %ecx
        movl    (%ecx), %eax
        movl    4(%ecx), %edx
        return_edx_eax
/* eax: view of time.  No one takes cycles away: all are available. */
        entry   vmi_get_cycle_counter
        cmpb    $VMI_CYCLES_STOLEN, %al
        je      vmi_wallclock_updated
        rdtsc
        return_edx_eax
/* The clock is read anew each time; nobody sets it behind the kernel's back. */
        entry   vmi_wallclock_updated
        xorl    %eax, %eax
        xorl    %edx, %edx
        return_edx_eax
        .section .note.GNU-stack, "", @progbits
