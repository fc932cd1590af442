/* SPDX-License-Identifier: MIT */
/* A processor exception in the stub ends in a message, not in a reset. */
#ifndef STUB_EXCEPTION_H
#define STUB_EXCEPTION_H

#include <stdint.h>

/* Makes an interrupt descriptor table (512 bytes, aligned by 8) and loads it;
 * needs ring 0. */
void exception_init(uint8_t *table);

#endif
