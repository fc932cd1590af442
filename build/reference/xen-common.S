/* SPDX-License-Identifier: MIT */
/* Two pages that Xen takes: one it fills with its calls, one it puts its own
 * in the place of. */
#include "layout.h"

        .section .text.hypercall_page, "ax"
        .balign PAGE_SIZE
        .globl  hypercall_page
        .type   hypercall_page, @function
hypercall_page:
        .skip   PAGE_SIZE, 0xcc
        .size   hypercall_page, PAGE_SIZE

        .section .bss.xen_shared, "aw", @nobits
        .balign PAGE_SIZE
        .globl  xen_shared
        .type   xen_shared, @object
xen_shared:
        .skip   PAGE_SIZE
        .size   xen_shared, PAGE_SIZE
        .section .note.GNU-stack, "", @progbits
