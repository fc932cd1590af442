/* SPDX-License-Identifier: MIT */
/*
 * A kernel of some 20 KiB that only halts: input for the packer's tests.  It
 * has what the packer looks for: functions, strings, tables of pointers, calls
 * within and between sections, zero pages, bss, Xen and PVH notes, and in its
 * 64-bit form a per-CPU area at address 0, unwind tables, tables of the
 * places that branch to a thunk, and a description of types.
 *
 * Assemble with --defsym BACKEND=n: most is equal for every n, one function is
 * of another length, one differs in an immediate, one is in n = 1 only, so that
 * what follows moves.  From n = 3 on there is code by the dozen of KiB that smaller
 * n lack, half of it the same for all of them.  BITS is 32 or 64.
 */
        .macro  function name
        .globl  \name
        .type   \name, @function
        .balign 16, 0x90
\name:
        unwind
        .endm

        .macro  end name
        .size   \name, . - \name
        .endm

.if BITS == 64
        .macro  pointer target
        .quad   \target
        .endm
        .set    VIRT_BASE, 0xffffffff80000000

        /* an unwind record: the return address is on top of the stack */
        .macro  unwind
77:     .pushsection .orc_unwind_ip, "a"
        .long   77b - .
        .popsection
        .pushsection .orc_unwind, "a"
        .word   8, 0, 5
        .popsection
        .endm

        /* a branch to a thunk, and its record in a table of sites */
        .macro  branch thunk, table
77:     jmp     \thunk
        .pushsection \table, "a"
        .long   77b - .
        .popsection
        .endm
.else
        .macro  unwind
        .endm

        .code32
        .macro  pointer target
        .long   \target
        .endm
        .set    VIRT_BASE, 0xc0000000
.endif

        .section .head.text, "ax"
        function start
        cli
        call    main
1:      hlt
        jmp     1b
        end     start

        .text
        function main
        call    set_up
        call    print
        call    idle
        ret
        end     main

        /* of another length in each backend */
        function set_up
        .rept   BACKEND
        call    probe
        .endr
        movl    $0x100, %eax
        ret
        end     set_up

        /* differs in one immediate */
        function probe
        movl    $BACKEND, %eax
        call    print
        ret
        end     probe

.if BACKEND == 1
        function only_here
        call    probe
        call    idle
        ret
        end     only_here
.endif

        /* equal everywhere, apart from where it calls */
        .altmacro
        .macro  body n
        function worker\n
        movl    $\n, %eax
        call    print
        call    idle
.if BITS == 64
        leaq    message(%rip), %rdi
        movq    $message, %rsi
        movl    counter(%rip), %edx
.else
        movl    $message, %edi
        movl    counter, %edx
.endif
        cmpl    $\n, %edx
        jne     1f
        call    main
1:
.if BITS == 64
        branch  __x86_return_thunk, .return_sites
.else
        ret
.endif
        end     worker\n
        .endm
        .set    n, 0
        .rept   100
        body    %n
        .set    n, n + 1
        .endr

.if BACKEND >= 3
        .macro  bulk name, base
        function \name
        .set    i, 0
        .rept   1600
        movl    $(\base+i*77), %eax
        .set    i, i + 1
        .endr
        ret
        end     \name
        .endm
        .macro  bulks n
        bulk    of_many\n, \n*0x100000
        bulk    own\n, BACKEND*0x10000000+\n*0x100000
        .endm
        .set    n, 0
        .rept   10
        bulks   %n
        .set    n, n + 1
        .endr
.endif

        function print
        ret
        end     print

        function idle
        hlt
        ret
        end     idle

.if BITS == 64
        function jump
        branch  __x86_indirect_thunk_rax, .retpoline_sites
        branch  __x86_indirect_thunk_rdx, .retpoline_sites
        end     jump

        /* of a section of their own, or branches to them would be short */
        .section .text.thunk, "ax"
        function __x86_indirect_thunk_rax
        jmp     *%rax
        end     __x86_indirect_thunk_rax

        function __x86_indirect_thunk_rdx
        jmp     *%rdx
        end     __x86_indirect_thunk_rdx

        function __x86_return_thunk
        ret
        end     __x86_return_thunk
.endif

        .section .rodata, "a"
        .globl  message
        .type   message, @object
message:
        .asciz  "a kernel for tests"
        .size   message, . - message
        .balign 8
        .globl  workers
        .type   workers, @object
workers:
        .macro  slot n
        pointer worker\n
        .endm
        .set    n, 0
        .rept   100
        slot    %n
        .set    n, n + 1
        .endr
        .size   workers, . - workers
        .noaltmacro
name:   .ascii  "backend "
        .byte   '0' + BACKEND
        .byte   0

        /* two pages of zeros, one of 0xcc: folded in the stored frame */
        .balign 4096
        .fill   8192, 1, 0
        .fill   4096, 1, 0xcc

        .data
        .globl  current
        .type   current, @object
        .balign 8
current:
        pointer main
        pointer message
        pointer current
        .size   current, . - current

.if BITS == 64
        .section .data..percpu, "aw"
        .globl  counter
        .type   counter, @object
counter:
        .quad   0
        .quad   BACKEND
        .size   counter, 16
.else
        .globl  counter
        .type   counter, @object
counter:
        .long   0
        .size   counter, 4
.endif

        .bss
        .globl  stack
        .type   stack, @object
stack:  .skip   16384
        .size   stack, . - stack

        .macro  note number
        .long   4, 2f - 1f, \number
        .asciz  "Xen"
1:
        .endm
/* Types: the same in all, but another order in odd ones, a member more from 2 on,
 * and there a string before its first use. */
.if BITS == 64
        .section .BTF, "a"
        .macro  btf name, kind, count, third
        .long   \name - btf_strings, \kind << 24 | \count, \third
        .endm
        .macro  btf_int
        btf     btf_int_name, 1, 0, 4
        .long   0x01000020
        .endm
        .macro  btf_pointer to
        btf     btf_strings, 2, 0, \to
        .endm
        .short  0xeb9f
        .byte   1, 0
        .long   24, 0, btf_strings - btf_types
        .long   btf_strings - btf_types, btf_end - btf_strings
btf_types:
.if BACKEND & 1
        btf_pointer 3
        btf_int
        .set    int, 2
        .set    pointer, 1
.else
        btf_int
        btf_pointer 3
        .set    int, 1
        .set    pointer, 2
.endif
        btf     btf_task, 4, 2 + (BACKEND >= 2), 16     /* 3, a structure */
        .long   btf_state - btf_strings, int, 0
        .long   btf_next - btf_strings, pointer, 64
.if BACKEND >= 2
        .long   btf_flags - btf_strings, int, 32
.endif
        btf     btf_strings, 13, 1, int                 /* 4, a prototype */
        .long   btf_state - btf_strings, pointer        /* not the last name before function's */
        btf     btf_function, 12, 1, 4
        btf     btf_strings, 3, 0, 0                    /* 6, an array */
        .long   int, int, 8
        btf     btf_mode, 6, 2, 4                       /* 7, an enumeration */
        .long   btf_on - btf_strings, 1, btf_off - btf_strings, 0
btf_strings:
        .byte   0
.if BACKEND >= 2
btf_flags: .asciz "flags"
.endif
btf_int_name: .asciz "int"
btf_task: .asciz "task"
btf_state: .asciz "state"
btf_next: .asciz "next"
btf_function: .asciz "function"
btf_mode: .asciz "mode"
btf_on: .asciz "on"
btf_off: .asciz "off"
        .asciz  "unused"
btf_end:
.endif

        .section .note.Xen, "a", @note
        note    1               /* ENTRY */
        pointer start
2:      .balign 4
        note    3               /* VIRT_BASE */
        pointer VIRT_BASE
2:      .balign 4
        note    18              /* PHYS32_ENTRY */
        pointer (start - VIRT_BASE)
2:      .balign 4
        .section .note.GNU-stack, "", @progbits
