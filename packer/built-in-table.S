/* SPDX-License-Identifier: MIT */
/* configs/backends as a NUL-terminated string (packer/table.c). */
        .section .rodata
        .globl built_in_table
built_in_table:
        .incbin "configs/backends"
        .byte 0
        .section .note.GNU-stack, "", @progbits
