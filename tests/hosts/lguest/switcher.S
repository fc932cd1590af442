/* SPDX-License-Identifier: MIT */
/*
 * Between host and guest: the one way in, and an entry for every trap out.
 *
 * The section .switcher is a page that is mapped at SWITCHER in every guest
 * too; it is linked elsewhere, so it refers to itself by distances and to the
 * other two pages by number.  Interrupts are off in all of it and in the host,
 * but for the instant in which the host halts.
 */
#include "switcher.h"

        .text
/* Runs the guest until it traps.  The guest's registers are in SWITCHER_REGS,
 * before and after. */
        .globl  switch_to_guest
switch_to_guest:
        pushal
        movl    %esp, SWITCHER_STATE + STATE_HOST_ESP
        movl    $SWITCHER + (into_guest - switcher), %eax
        jmp     *%eax

        .globl  load_tables
/* eax: address of limit and base of the GDT, edx: of the IDT. */
load_tables:
        lgdt    (%eax)
        lidt    (%edx)
        ljmp    $HOST_CS, $1f
1:      movl    $HOST_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        movl    $HOST_TR, %eax
        ltr     %ax
        ret

        .section .switcher, "ax"
        .balign 4096
        .globl  switcher
switcher:
/* The CPU has pushed ss, esp, eflags, cs, eip, and for some an error code. */
        .set    n, 0
        .rept   256
        .if     n == 8 || (n >= 10 && n <= 14) || n == 17
        .byte   0x66, 0x90              /* nop, 2 bytes */
        .else
        pushl   $0
        .endif
        .byte   0x68                    /* pushl, always with 4 bytes */
        .long   n
        .byte   0xe9                    /* jmp, always with 4 bytes */
        .long   out_of_guest - . - 4
        .set    n, n + 1
        .endr
        .if     . - switcher != 256 * STUB_SIZE
        .error  "a trap's entry is not STUB_SIZE bytes"
        .endif

into_guest:
        movl    SWITCHER_STATE + STATE_GUEST_CR3, %eax
        movl    %eax, %cr3
        movl    $SWITCHER_REGS, %esp
        popal
        popl    %gs
        popl    %fs
        popl    %es
        popl    %ds
        addl    $8, %esp
        iret

out_of_guest:
        pushl   %ds
        pushl   %es
        pushl   %fs
        pushl   %gs
        pushal
        cld
        movl    $HOST_DS, %eax
        movl    %eax, %ds
        movl    %eax, %es
        testb   $3, REGS_CS(%esp)
        jz      out_of_host
        movl    SWITCHER_STATE + STATE_HOST_CR3, %eax
        movl    %eax, %cr3
        movl    SWITCHER_STATE + STATE_HOST_ESP, %esp
        popal
        ret

/* In ring 0: an interrupt ended the host's hlt, or a guest's segment register
 * could not be loaded, or the host is at fault.  The latter two end it. */
out_of_host:
        cmpl    $32, REGS_TRAP(%esp)
        jb      1f
        popal
        popl    %gs
        popl    %fs
        popl    %es
        popl    %ds
        addl    $8, %esp
        iret
1:      movl    %esp, %eax
        movl    SWITCHER_STATE + STATE_HOST_CR3, %ecx
        movl    %ecx, %cr3
        movl    SWITCHER_STATE + STATE_HOST_ESP, %esp
        movl    SWITCHER_STATE + STATE_BROKEN, %ecx
        jmp     *%ecx                   /* host_broken(frame) */
        .balign 4096
        .section .note.GNU-stack, "", @progbits
