/* SPDX-License-Identifier: MIT */
/*
 * lguest, which runs 32-bit kernels in ring 1: what the stub needs of it.  To the
 * 64-bit stub program there is no lguest.
 */
#ifndef STUB_LGUEST_H
#define STUB_LGUEST_H

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __x86_64__
static inline bool lguest_ring(void)
{
        return false;
}
#else
/* We do not run in ring 0. */
bool lguest_ring(void);
#endif

/* The launcher has written its boot_params. */
bool lguest_named(const struct boot_params *params);

/* Finds the launcher's console; false if there is none. */
bool lguest_console_open(void);
void lguest_console_put(char c);

#endif
