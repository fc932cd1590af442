/* SPDX-License-Identifier: MIT */
/*
 * malloc() for the decoders.  They take a few blocks for a chunk and give all
 * of them back before the next: so blocks are cut from one piece in sequence,
 * and the piece is whole again as soon as none is in use.
 */
#include "memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Vector code may rely on so much. */
#define ALIGNMENT 64

static uint8_t *heap;
static size_t heap_size, heap_used, blocks;

void memory_lend(uint8_t *memory, size_t size)
{
        size_t gap = -(uintptr_t)memory & (ALIGNMENT - 1);

        heap = memory + gap;
        heap_size = size > gap ? size - gap : 0;
        heap_used = blocks = 0;
}

void *malloc(size_t size)
{
        size_t start = (heap_used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        if (start > heap_size || size > heap_size - start)
                return NULL;
        heap_used = start + size;
        blocks++;
        return heap + start;
}

void *calloc(size_t count, size_t size)
{
        size_t bytes;
        if (__builtin_mul_overflow(count, size, &bytes))
                return NULL;
        void *p = malloc(bytes);
        return p ? memset(p, 0, bytes) : NULL;
}

void free(void *p)
{
        if (p && !--blocks)
                heap_used = 0;
}
