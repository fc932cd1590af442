/* SPDX-License-Identifier: MIT */
/*
 * For kernels that have nothing in them for a bare machine: if they are
 * started on one (flat 32-bit mode, ring 0), they say so on the UART and ask
 * the keyboard controller for a reset.
 */
#include "layout.h"

#define UART             0x3f8
#define UART_STATUS      0x3fd
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe

        .text
        .code32
        .globl  refuse
        .type   refuse, @function
refuse:
        movl    $PHYSICAL(message), %esi
1:      movl    $UART_STATUS, %edx
2:      inb     %dx, %al
        testb   $0x20, %al
        jz      2b
        movl    $UART, %edx
        lodsb
        testb   %al, %al
        jz      3f
        outb    %al, %dx
        jmp     1b
3:      movb    $KEYBOARD_RESET, %al
        outb    %al, $KEYBOARD_COMMAND
4:      hlt
        jmp     4b
        .size   refuse, . - refuse

        .section .rodata
message:
#ifdef BACKEND_lguest
        .asciz  "\r\nreference: self-test failed: this kernel is for lguest: not entered in ring 1\r\n"
#else
        .asciz  "\r\nreference: self-test failed: this kernel is for xen: not entered as a PV domain\r\n"
#endif
        .section .note.GNU-stack, "", @progbits
