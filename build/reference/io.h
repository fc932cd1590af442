/* SPDX-License-Identifier: MIT */
/* Instructions that every backend may use where it may execute them. */
#ifndef REFERENCE_IO_H
#define REFERENCE_IO_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
        __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t value)
{
        __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
        uint8_t value;
        __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline uint32_t in32(uint16_t port)
{
        uint32_t value;
        __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

struct cpuid {
        uint32_t ax, bx, cx, dx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
        struct cpuid c = { .ax = leaf };
        __asm__ volatile("cpuid"
                         : "+a"(c.ax), "=b"(c.bx), "+c"(c.cx), "=d"(c.dx));
        return c;
}

/* The leaf at which a hypervisor of that name begins, 0 if there is none
 * (hypervisor.c). */
uint32_t cpuid_hypervisor(const char *name);

#endif
