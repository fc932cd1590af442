/* SPDX-License-Identifier: MIT */
/*
 * Lines for people: on the first serial port and the VGA text screen, or
 * through Xen's console where the stub has no hardware.
 */
#ifndef STUB_CONSOLE_H
#define STUB_CONSOLE_H

#include <stdbool.h>

/* Finds the consoles; xen: only console_io. */
void console_init(bool xen);

/* Prints with %s, %lu, %lx (64 bits, no width) and %%. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif
