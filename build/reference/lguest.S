/* SPDX-License-Identifier: MIT */
/* lguest's entry and its way back from interrupts. */
#include "layout.h"

#define LGUEST_INIT      1
#define LGUEST_NEW_TABLE 4

        .text
#ifndef BACKEND_pvops
        .globl  enter_flat
        .type   enter_flat, @function
enter_flat:
        movl    %cs, %eax
        testb   $3, %al
        jz      refuse
        jmp     lguest_enter
        .size   enter_flat, . - enter_flat
#endif

/* Ring 1, memory mapped one to one; ebp: protocol, ebx: boot_params.  INIT is
 * the first call, and the only one of its kind. */
        .globl  lguest_enter
        .type   lguest_enter, @function
lguest_enter:
        movl    $PHYSICAL(boot_stack_top), %esp
        pushl   %ebx
        movl    $LGUEST_INIT, %eax
        movl    $PHYSICAL(lguest_data), %ebx
        int     $0x1f
        call    make_tables
        movl    $LGUEST_NEW_TABLE, %eax
        movl    $PHYSICAL(kernel_table), %ebx
        int     $0x1f
        popl    %ebx
        movl    $enter_high, %eax
        jmp     *%eax
        .size   lguest_enter, . - lguest_enter

/* The real flag is always on; what counts is lguest_data.irq_enabled, its
 * first word, which takes the frame's flag.  Between here and there the host
 * may interrupt us, but for the iret itself, whose address it knows. */
        .globl  lguest_iret, lguest_noirq_iret
        .type   lguest_iret, @function
lguest_iret:
        pushl   %eax
        movl    12(%esp), %eax
        andl    $0x200, %eax
        movl    %eax, %ss:lguest_data
        popl    %eax
lguest_noirq_iret:
        iret
        .size   lguest_iret, . - lguest_iret
#ifndef BACKEND_pvops
        .globl  backend_iret
        .set    backend_iret, lguest_iret
#endif
        .section .note.GNU-stack, "", @progbits
