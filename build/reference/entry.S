/* SPDX-License-Identifier: MIT */
/*
 * Into the kernel and out of it: interrupts, the first step into user mode,
 * the switch between two threads.
 *
 * Every vector has a stub of INTERRUPT_STUB_SIZE bytes that makes the stack
 * look alike (an error code, the vector) and goes on to one common path.
 */
#include "operations.h"

#define INTERRUPT_STUB_SIZE 16
/* Exceptions that push an error code themselves: 8, 10 to 14, 17, 21. */
#define ERROR_CODES 0x227d00

/* Leaves by the operation iret. */
#ifdef BACKEND_pvops
        .macro  leave
#if BITS == 64
771:    jmp     *operations + OPERATION_iret * WORD(%rip)
#else
771:    jmp     *operations + OPERATION_iret * WORD
#endif
772:    .pushsection .pv_sites, "a"
        .balign WORD
#if BITS == 64
        .quad   771b
#else
        .long   771b
#endif
        .byte   OPERATION_iret, 772b - 771b, SITE_JUMP
        .balign WORD
        .popsection
        .endm
#elif defined(BACKEND_native) || defined(BACKEND_kvm) || \
        (defined(BACKEND_xen) && BITS == 32)
        .macro  leave
#if BITS == 64
        iretq
#else
        iret
#endif
        .endm
#elif defined(BACKEND_xen)
        .macro  leave
        jmp     xen_iret
        .endm
#else
        .macro  leave
        jmp     backend_iret
        .endm
#endif

        .text
        .balign INTERRUPT_STUB_SIZE
        .globl  interrupt_stubs
        .type   interrupt_stubs, @function
interrupt_stubs:
        .set    vector, 0
        .rept   VECTOR_COUNT + 1
        .balign INTERRUPT_STUB_SIZE, 0xcc
        .if     vector >= 32 || !((ERROR_CODES >> vector) & 1)
        push    $0
        .endif
        .if     vector == VECTOR_COUNT
        push    $VECTOR_SYSCALL
        .else
        push    $vector
        .endif
        jmp     interrupt_entry
        .set    vector, vector + 1
        .endr
        .size   interrupt_stubs, . - interrupt_stubs

#if BITS == 64
        .globl  interrupt_entry
        .type   interrupt_entry, @function
interrupt_entry:
        cld
        .irp    register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        pushq   %\register
        .endr
        movq    %rsp, %rdi
        call    interrupt
        .irp    register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
        popq    %\register
        .endr
        addq    $16, %rsp /* vector, error code */
        leave
        .size   interrupt_entry, . - interrupt_entry

/* (ip, cs, flags, sp, ss) */
        .globl  enter_user
        .type   enter_user, @function
enter_user:
        pushq   %r8
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        .irp    register, eax, ecx, edx, ebx, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
        xorl    %\register, %\register
        .endr
        leave
        .size   enter_user, . - enter_user

/* (where to save the stack pointer, the next one) */
        .globl  switch_stacks
        .type   switch_stacks, @function
switch_stacks:
        .irp    register, rbx, rbp, r12, r13, r14, r15
        pushq   %\register
        .endr
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .irp    register, r15, r14, r13, r12, rbp, rbx
        popq    %\register
        .endr
        ret
        .size   switch_stacks, . - switch_stacks
#else
        .globl  interrupt_entry
        .type   interrupt_entry, @function
interrupt_entry:
        cld
        pushal
        pushl   %ds
        pushl   %es
        movl    $USER_SS, %eax /* flat, good in every ring */
        movl    %eax, %ds
        movl    %eax, %es
        movl    %esp, %eax
        call    interrupt
        popl    %es
        popl    %ds
        popal
        addl    $8, %esp /* vector, error code */
        leave
        .size   interrupt_entry, . - interrupt_entry

/* (ip, cs, flags in registers, sp, ss on the stack) */
        .globl  enter_user
        .type   enter_user, @function
enter_user:
        popl    %ebx /* the return address has had its day */
        pushl   %ecx
        pushl   %edx
        pushl   %eax
        .irp    register, eax, ecx, edx, ebx, ebp, esi, edi
        xorl    %\register, %\register
        .endr
        leave
        .size   enter_user, . - enter_user

        .globl  switch_stacks
        .type   switch_stacks, @function
switch_stacks:
        pushl   %ebx
        pushl   %ebp
        pushl   %esi
        pushl   %edi
        movl    %esp, (%eax)
        movl    %edx, %esp
        popl    %edi
        popl    %esi
        popl    %ebp
        popl    %ebx
        ret
        .size   switch_stacks, . - switch_stacks
#endif

/* A new thread starts here, with interrupts off. */
        .globl  thread_entry
        .type   thread_entry, @function
thread_entry:
        call    thread_begin
        ud2
        .size   thread_entry, . - thread_entry
        .section .note.GNU-stack, "", @progbits
