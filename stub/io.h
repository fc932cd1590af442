/* SPDX-License-Identifier: MIT */
/* Instructions that C has no words for. */
#ifndef STUB_IO_H
#define STUB_IO_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
        __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
        uint8_t value;
        __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline void out32(uint16_t port, uint32_t value)
{
        __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t in32(uint16_t port)
{
        uint32_t value;
        __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline uint64_t cycles(void)
{
        uint32_t low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        return low | (uint64_t)high << 32;
}

/* Memory whose address is a number; hides from the compiler that low ones
 * would be no object of C's. */
static inline void *at(uint64_t addr)
{
        void *p = (void *)(uintptr_t)addr;
        __asm__("" : "+r"(p));
        return p;
}

#endif
