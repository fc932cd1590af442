/* SPDX-License-Identifier: MIT */
/*
 * From 32-bit protected mode into a loaded Linux ELF, by the 64-bit boot
 * protocol: esi = boot_params.  A re-wrapped kernel has no boot code that would
 * do this.  Its set-up comes here by code32_start (boot.rst, "32-bit entry
 * hook"), other hand-offs directly.  The three numbers are the C side's to set.
 */
#include "long-mode.inc"

        .section .data.elf_hook, "aw"
        .globl  elf_hook, elf_hook_self, elf_hook_tables, elf_hook_target
        .hidden elf_hook, elf_hook_self, elf_hook_tables, elf_hook_target
        .code32
elf_hook:
        cli
        cld
        .byte   0xbd            /* movl $elf_hook's own address, %ebp */
elf_hook_self:
        .long   0
        .byte   0xbb            /* movl $six pages for the tables, %ebx */
elf_hook_tables:
        .long   0
        build_identity_map
        leal    gdt - elf_hook(%ebp), %eax
        movl    %eax, gdt_base - elf_hook(%ebp)
        lgdt    gdt_pointer - elf_hook(%ebp)
        enable_long_mode
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %ebx, %ebx
        ljmpl   *(elf_hook_target - elf_hook)(%ebp)
elf_hook_target:
        .long   0
        .word   0x10
        .balign 8
gdt:    .quad   0
        .quad   0
        .quad   0x00af9b000000ffff      /* 0x10 code, 64-bit */
        .quad   0x00cf93000000ffff      /* 0x18 data */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
gdt_base:
        .long   0
        .section .note.GNU-stack, "", @progbits
