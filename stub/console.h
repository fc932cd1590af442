/* SPDX-License-Identifier: MIT */
/*
 * Lines for people: on the first serial port and the VGA text screen, or
 * through Xen's console where the stub has no hardware.
 */
#ifndef STUB_CONSOLE_H
#define STUB_CONSOLE_H

#include <stdbool.h>

/* Finds the serial port; xen: there is only console_io. */
void console_init(bool xen);

/* Finds the screen: needs the memory below 1 MiB mapped. */
void console_open_screen(void);

/* Prints with %s, %lu, %lx (64 bits, no width) and %%. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif
