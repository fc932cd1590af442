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

/* The leaf at which a hypervisor of that name begins, 0 if there is none;
 * another one's leaves may come first. */
static inline uint32_t cpuid_hypervisor(const char *name)
{
        const uint32_t *words = (const uint32_t *)name;
        if (!(cpuid(1).cx & 1u << 31))
                return 0;
        for (uint32_t leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
                struct cpuid c = cpuid(leaf);
                if (c.bx == words[0] && c.cx == words[1] && c.dx == words[2])
                        return leaf;
        }
        return 0;
}

#endif
