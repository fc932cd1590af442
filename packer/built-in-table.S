/* SPDX-License-Identifier: MIT */
/* configs/backends as bytes, between two symbols (packer/table.c). */
        .section .rodata
        .globl built_in_table, built_in_table_end
built_in_table:
        .incbin "configs/backends"
built_in_table_end:
        .byte 0
        .section .note.GNU-stack, "", @progbits
