/* SPDX-License-Identifier: MIT */
/* The stub's parts, as stub/stub.mk makes them. */
        .macro  blob name, file
        .globl  \name, \name\()_end
        .balign 16
\name:  .incbin "\file"
\name\()_end:
        .endm

        .section .rodata
        blob    stub_setup, "out/stub/setup.bin"
        blob    stub_head, "out/stub/head.bin"
        blob    stub_deflate, "out/stub/stub-deflate.bin"
        blob    stub_xz, "out/stub/stub-xz.bin"
        blob    stub_zstd, "out/stub/stub-zstd.bin"
        blob    stub_setup_32, "out/stub/setup-32.bin"
        blob    stub_head_32, "out/stub/head-32.bin"
        blob    stub_deflate_32, "out/stub/stub-32-deflate.bin"
        .section .note.GNU-stack, "", @progbits
