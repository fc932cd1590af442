/* SPDX-License-Identifier: MIT */
/*
 * The lguest test guest's assembler part: the entry, which keeps the state that
 * it finds, the entries of traps, and a little code for ring 3.
 */
        .macro  global name
        .globl  \name
\name:
        .endm

        .text
        global  _start
        movl    %eax, entry_state
        movl    %ebx, entry_state + 4
        movl    %ecx, entry_state + 8
        movl    %edx, entry_state + 12
        movl    %esi, entry_state + 16
        movl    %edi, entry_state + 20
        movl    %ebp, entry_state + 24
        movl    %esp, entry_state + 28
        movl    $boot_stack_end, %esp
        pushfl
        popl    entry_state + 56
        .set    at, 32
        .irp    segment, cs, ds, es, fs, gs, ss
        movl    %\segment, %eax
        movl    %eax, entry_state + at
        .set    at, at + 4
        .endr
        call    guest_main
1:      jmp     1b

/* hypercall(number, b, c, d) */
        global  hypercall
        pushl   %ebx
        movl    8(%esp), %eax
        movl    12(%esp), %ebx
        movl    16(%esp), %ecx
        movl    20(%esp), %edx
        int     $0x1f
        popl    %ebx
        ret

/* Every vector's entry, 16 bytes. */
        .balign 16
        global  trap_entries
        .set    n, 0
        .rept   256
        .balign 16
        .if     !(n == 8 || (n >= 10 && n <= 14) || n == 17)
        pushl   $0
        .endif
        pushl   $n
        jmp     trap
        .set    n, n + 1
        .endr

trap:   pushal
        cld
        pushl   %esp
        call    handle_trap             /* (frame) */
        addl    $4, %esp
        popal
        addl    $8, %esp
        pushl   8(%esp)                 /* EFLAGS */
        andl    $0x200, (%esp)          /* hosts take any other bit for on, too */
        popl    lguest_data             /* irq_enabled */
        jmp     noirq_iret
call_and_iret:
        int     $0x1f
        global  noirq_iret
        iret

/* enter_user(eip, esp, flags) */
        global  enter_user
        pushal
        movl    %esp, before_user
        movl    36(%esp), %eax
        movl    40(%esp), %ecx
        movl    44(%esp), %edx
        movl    $0x7b, %ebx             /* USER_DS */
        movl    %ebx, %ds
        movl    %ebx, %es
        pushl   %ebx
        pushl   %ecx
        pushl   %edx
        pushl   $0x73                   /* USER_CS */
        pushl   %eax
        iret
/* The rest of enter_user(): ring 3 has come to its end. */
        global  leave_user
        movl    before_user, %esp
        movl    $0x69, %eax             /* LGUEST_KERNEL_DS */
        movl    %eax, %ds
        movl    %eax, %es
        popal
        ret

/* A hypercall that returns to the iret that the host knows, with interrupts on:
 * one that waits comes then.  The frame leads back here. */
        global  iret_with_interrupt
        pushl   %ebx
        pushfl
        pushl   %cs
        pushl   $1f
        movl    %esp, esp_at_iret
        movl    $19, %eax               /* LHCALL_SEND_INTERRUPTS */
        movl    $0x200, lguest_data
        jmp     call_and_iret
1:      popl    %ebx
        ret

/* Ring 3, copied to a page of its own.  It begins with the offsets of what it can
 * do, in the order of enum user_work. */
        .balign 16
        global  user_code
        .irp    name, syscall, breakpoint, read, write, cli, in, hypercall, spin
        .long   user_\name - user_code
        .endr
user_syscall:
        movl    $0x1234, %eax
        int     $0x80
user_breakpoint:
        int3
user_read:
        movl    (%esp), %eax
        movl    0x10000000, %eax
user_write:
        movl    %eax, 0x1000000         /* a page of the kernel's */
user_cli:
        cli
user_in:
        inb     $0x64, %al
user_hypercall:
        int     $0x1f
user_spin:
        jmp     user_spin
        global  user_code_end

        .bss
        .balign 16
        .skip   8192
boot_stack_end:
        .balign 4096
        .skip   4096
        global  kernel_stack_end
        .globl  entry_state, lguest_data, esp_at_iret
entry_state:
        .skip   60
before_user:
        .long   0
esp_at_iret:
        .long   0
        .balign 16
lguest_data:
        .skip   1388
        .section .note.GNU-stack, "", @progbits
