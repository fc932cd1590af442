/* SPDX-License-Identifier: MIT */
/* Operations of the backend native that are jumped to. */
#include "layout.h"

        .text
        .globl  native_iret
        .type   native_iret, @function
native_iret:
#if BITS == 64
        iretq
#else
        iret
#endif
        .size   native_iret, . - native_iret
        .section .note.GNU-stack, "", @progbits
