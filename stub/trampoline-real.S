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
        .section .note.GNU-stack, "", @progbits
