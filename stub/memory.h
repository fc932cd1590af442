/* SPDX-License-Identifier: MIT */
/* Memory for the decoders, and the end of everything. */
#ifndef STUB_MEMORY_H
#define STUB_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Gives malloc() its memory. */
void memory_lend(uint8_t *memory, size_t size);

/* Prints "ingot: TEXT" and halts. */
_Noreturn void stop(const char *text);

#endif
