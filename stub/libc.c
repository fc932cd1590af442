/* SPDX-License-Identifier: MIT */
/*
 * What compiler, reader and decoders expect of a C library.
 *
 * Copies use the string instructions: on processors with fast ones nothing is
 * quicker, and a word per step is also what counts fewest instructions where
 * each step is counted.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"

typedef unsigned long word;
#define WORD sizeof(word)
#ifdef __x86_64__
#define MOVE_WORDS "rep movsq"
#define SET_WORDS  "rep stosq"
#else
#define MOVE_WORDS "rep movsl"
#define SET_WORDS  "rep stosl"
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
        void *d = to;
        size_t words = size / WORD, rest = size % WORD;
        __asm__ volatile(MOVE_WORDS "\n\t"
                                    "mov %3, %2\n\t"
                                    "rep movsb"
                         : "+D"(d), "+S"(from), "+c"(words)
                         : "r"(rest)
                         : "memory");
        return to;
}

void *memset(void *to, int value, size_t size)
{
        void *d = to;
        size_t words = size / WORD, rest = size % WORD;
        __asm__ volatile(SET_WORDS "\n\t"
                                   "mov %3, %1\n\t"
                                   "rep stosb"
                         : "+D"(d), "+c"(words)
                         : "a"((uint8_t)value * ((word)-1 / 255)), "r"(rest)
                         : "memory");
        return to;
}

void *memmove(void *to, const void *from, size_t size)
{
        uint8_t *d = to;
        const uint8_t *s = from;
        if ((uintptr_t)d - (uintptr_t)s >= size)
                return memcpy(to, from, size);
        /* Overlapping, upwards: from the end, words first. */
        while (size % WORD)
                size--, d[size] = s[size];
        while (size) {
                word w;
                size -= WORD;
                __builtin_memcpy(&w, s + size, WORD);
                __builtin_memcpy(d + size, &w, WORD);
        }
        return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
        const uint8_t *x = a, *y = b;
        for (; size; x++, y++, size--)
                if (*x != *y)
                        return *x - *y;
        return 0;
}

size_t strlen(const char *text)
{
        size_t size = 0;
        while (text[size])
                size++;
        return size;
}

_Noreturn void __stack_chk_fail(void)
{
        stop("stack overrun in a decoder");
}

#ifndef __x86_64__
/* What position independent code in 32 bits calls. */
_Noreturn void __stack_chk_fail_local(void)
{
        __stack_chk_fail();
}
#endif

_Noreturn void abort(void)
{
        stop("a decoder gave up");
}
