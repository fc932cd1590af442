/* SPDX-License-Identifier: MIT */
/*
 * One gate for each of the processor's 32 exceptions (Intel SDM volume 3,
 * chapter 6).  Interrupts stay off; a non-maskable one ends the boot as well.
 */
#include "exception.h"

#include <stdint.h>

#include "console.h"
#include "memory.h"

#define VECTORS        32
#define ENTRY_SIZE     4
#define GATE_INTERRUPT 0x8e00 /* present, ring 0, interrupt gate */
/* Exceptions that push an error code below the return address. */
#define WITH_ERROR_CODE                                                   \
        (1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | \
         1u << 17 | 1u << 21 | 1u << 29 | 1u << 30)

extern const uint8_t exception_entries[];

struct gate {
        uint16_t offset_low, selector, flags, offset_middle;
#ifdef __x86_64__
        uint32_t offset_high, reserved;
#endif
};

void exception_caught(unsigned long vector, const unsigned long *frame,
                      unsigned long cr2);

void exception_caught(unsigned long vector, const unsigned long *frame,
                      unsigned long cr2)
{
        say("ingot: exception %lu at %lx, address %lx\n", vector,
            frame[WITH_ERROR_CODE >> vector & 1], cr2);
        stop("nothing was started");
}

void exception_init(uint8_t *table)
{
        struct gate *gates = (struct gate *)table;
        struct {
                uint16_t limit;
                uintptr_t base;
        } __attribute__((packed))
        pointer = { VECTORS * sizeof *gates - 1, (uintptr_t)gates };
        uint16_t selector;
        __asm__("mov %%cs, %0" : "=r"(selector));
        for (unsigned i = 0; i < VECTORS; i++) {
                uintptr_t entry = (uintptr_t)exception_entries + i * ENTRY_SIZE;
                gates[i] = (struct gate){
                        .offset_low = (uint16_t)entry,
                        .selector = selector,
                        .flags = GATE_INTERRUPT,
                        .offset_middle = (uint16_t)(entry >> 16),
#ifdef __x86_64__
                        .offset_high = (uint32_t)(entry >> 32),
#endif
                };
        }
        __asm__ volatile("lidt %0" : : "m"(pointer));
}
