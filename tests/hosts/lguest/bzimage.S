/* SPDX-License-Identifier: MIT */
/*
 * The test guest as a bzImage, with no more of the set-up part than lguest's
 * launcher looks at.  GUEST is the guest's memory from 1 MiB on, where its
 * entry comes first.
 */
#include "lguest.h"

        .data
start:  .org    start + BOOT_SETUP_SECTS
        .byte   1
        .org    start + BOOT_HEADER
        .ascii  "HdrS"
        .word   0x207
        .org    start + BOOT_CODE32_START
        .long   0x100000
        .org    start + 1024
        .incbin GUEST
        .section .note.GNU-stack, "", @progbits
