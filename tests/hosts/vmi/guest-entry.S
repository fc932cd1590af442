/* SPDX-License-Identifier: MIT */
/*
 * The VMI test guest's assembler part: the multiboot entry, and sites, pieces
 * of code that the ROM's answers are patched into.  A site holds the native
 * instruction and has room for a call or jump, 5 bytes.
 */
        .macro  site name
        .globl  \name
\name:
        .endm

        .section .multiboot, "a"
        .long   0x1badb002, 0, -0x1badb002

        .text
        .globl  _start
_start:
        movl    $stack_end, %esp
        pushl   %ebx
        pushl   %eax
        call    guest_main
1:      cli
        hlt
        jmp     1b

/* Gates lead here; all leave by the one IRET. */
        .globl  irq0_entry
irq0_entry:
        pushl   %eax
        incl    ticks
        movb    $0x20, %al              /* end of interrupt */
        outb    %al, $0x20
        popl    %eax
        jmp     iret_site
        .globl  soft_entry
soft_entry:
        incl    soft_interrupts
        site    iret_site
        iret
        .fill   5, 1, 0xcc

/* eax: eip of ring 3.  Returns when it says int $0x80. */
        .globl  enter_user
enter_user:
        pushal
        movl    %esp, kernel_stack
        movl    %eax, %edx
        movl    $user_stack_end, %ecx
        site    sysexit_site
        sysexit
        .fill   5, 1, 0xcc
        .globl  return_entry
return_entry:
        movl    4(%esp), %eax
        movl    %eax, user_cs
        movl    8(%esp), %eax
        movl    %eax, user_flags
        movl    %esp, entry_stack
        movl    kernel_stack, %esp
        popal
        ret

/* Ring 3: eax tells that it was here. */
        .globl  user_code
user_code:
        movl    $0x75736572, user_word
        int     $0x80

/* Sites that can be told apart: natively they count. */
        .irp    name, io_delay, lazy_mode, rdpmc
        .globl  \name\()_function
\name\()_function:
        site    \name\()_site
        call    native_operation
        ret
        .endr
native_operation:
        incl    native_operations
        ret

        .bss
        .balign 16
        .skip   4096
stack_end:
        .skip   512
        .globl  ring0_stack_end
ring0_stack_end:
        .skip   512
user_stack_end:
        .globl  ticks, soft_interrupts, native_operations
        .globl  user_cs, user_flags, user_word, entry_stack
ticks:  .long   0
soft_interrupts:
        .long   0
native_operations:
        .long   0
kernel_stack:
        .long   0
user_cs:
        .long   0
user_flags:
        .long   0
user_word:
        .long   0
entry_stack:
        .long   0
        .section .note.GNU-stack, "", @progbits
