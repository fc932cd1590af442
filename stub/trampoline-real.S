/* SPDX-License-Identifier: MIT */
/*
 * The way back to real mode, copied below 1 MiB before use (handoff-real.c),
 * 16-byte aligned.  Entered in 32-bit protected mode without paging:
 * eax = its own linear address, ebx = ss:sp for the variant's set-up, whose
 * segment is ss.  Leaves for the set-up's entry as a boot loader would:
 * interrupts off, ds = es = fs = gs = ss, cs = ds + 0x20, ip = 0.
 *
 * First come 16-bit segments, whose limits and attributes real mode keeps; the
 * BIOS's interrupt table is at 0 as ever.
 */
#include "long-mode.inc"
        .section .rodata.trampoline, "a"
        .globl  trampoline_real, trampoline_real_end
        .hidden trampoline_real, trampoline_real_end
        .code32
trampoline_real:
        leal    gdt - trampoline_real(%eax), %ecx
        movl    %ecx, gdt_base - trampoline_real(%eax)
        movl    %eax, %edx
        movw    %dx, (code_16 - trampoline_real + 2)(%eax)
        shrl    $4, %edx
        movw    %dx, far_segment - trampoline_real(%eax)
        shrl    $12, %edx
        movb    %dl, (code_16 - trampoline_real + 4)(%eax)
        lgdt    gdt_pointer - trampoline_real(%eax)
        ljmpl   $0x08, $1f - trampoline_real
        .code16
1:      movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        lidtl   %cs:(idt_pointer - trampoline_real)
        movl    %cr0, %eax
        andb    $~1, %al
        movl    %eax, %cr0
        ljmpw   *%cs:(far_offset - trampoline_real)
2:      movl    %ebx, %eax
        shrl    $16, %eax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movzwl  %bx, %esp
        addw    $0x20, %ax
        pushw   %ax
        pushw   $0
        xorl    %eax, %eax
        xorl    %ebx, %ebx
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %ebp, %ebp
        lretw

        .balign 8
gdt:    .quad   0
code_16:
        .quad   0x00009b000000ffff      /* 0x08 code, 16-bit, based here */
        .quad   0x000093000000ffff      /* 0x10 data, 16-bit, base 0 */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
gdt_base:
        .long   0
idt_pointer:
        .word   0x3ff
        .long   0
far_offset:
        .word   2b - trampoline_real
far_segment:
        .word   0
trampoline_real_end:

/* A re-wrapped kernel has a set-up but no boot code behind it: code32_start
 * leads here (boot.rst, "32-bit entry hook"), in 32-bit protected mode with
 * esi = boot_params.  Enters the loaded ELF by the 64-bit boot protocol on our
 * page tables.  The three numbers are the C side's to set. */
        .section .data.entry_hook, "aw"
        .globl  entry_hook, entry_hook_tables, entry_hook_target
        .globl  entry_hook_self
        .hidden entry_hook, entry_hook_tables, entry_hook_target
        .hidden entry_hook_self
        .code32
entry_hook:
        cli
        .byte   0xbd            /* movl $entry_hook's own address, %ebp */
entry_hook_self:
        .long   0
        .byte   0xbb            /* movl $page tables, %ebx */
entry_hook_tables:
        .long   0
        leal    hook_gdt - entry_hook(%ebp), %eax
        movl    %eax, hook_gdt_base - entry_hook(%ebp)
        lgdt    hook_gdt_pointer - entry_hook(%ebp)
        enable_long_mode
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %ebx, %ebx
        ljmpl   *(entry_hook_target - entry_hook)(%ebp)
entry_hook_target:
        .long   0
        .word   0x10
        .balign 8
hook_gdt:
        .quad   0
        .quad   0
        .quad   0x00af9b000000ffff      /* 0x10 code, 64-bit */
        .quad   0x00cf93000000ffff      /* 0x18 data */
hook_gdt_end:
hook_gdt_pointer:
        .word   hook_gdt_end - hook_gdt - 1
hook_gdt_base:
        .long   0
        .section .note.GNU-stack, "", @progbits
