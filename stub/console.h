/* SPDX-License-Identifier: MIT */
/*
 * Lines for people: on the first serial port and the VGA text screen, or
 * through Xen's console where the stub has no hardware.
 */
#ifndef STUB_CONSOLE_H
#define STUB_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the serial port; xen: there is only console_io. */
void console_init(bool xen);

/* Finds the screen: needs the memory below 1 MiB mapped. */
void console_open_screen(void);

/* Xen's console for guests in HVM containers, through a hypercall page made
 * here: page is page aligned and mapped one to one, leaf is Xen's first CPUID
 * leaf.  The serial port may be Xen's own. */
void console_open_xen(uint8_t *page, uint32_t leaf);

/* Prints with %s, %lu, %lx (64 bits, no width) and %%. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif
