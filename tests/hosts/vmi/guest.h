/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VMI test guest share: asking the ROM, calling it, and
 * saying what came of it.
 */
#ifndef TESTS_HOSTS_VMI_GUEST_H
#define TESTS_HOSTS_VMI_GUEST_H

#include "../bare.h"
#include "vmi.h"

struct relocation {
        uint32_t address;
        uint8_t kind;
};

extern uint8_t *rom;

void check(bool good, const char *name);
struct relocation relocation_at(uint8_t *base, uint32_t number);

/* Arguments in eax, edx, ecx and two words of stack; returns edx:eax. */
uint64_t vmi5(uint32_t number, uint32_t a, uint32_t d, uint32_t c, uint32_t s0,
              uint32_t s1);

#define vmi(number, a, d, c)     vmi5(VMI_CALL_##number, a, d, c, 0, 0)
#define vmi4(number, a, d, c, s) vmi5(VMI_CALL_##number, a, d, c, s, 0)
#define get(number)              ((uint32_t)vmi(number, 0, 0, 0))
#define set(number, value)       vmi(number, (uint32_t)(value), 0, 0)

/* guest-entry.S */
extern volatile uint32_t ticks;

/* guest-calls.c: one call or a few each. */
void test_cpu(void);
void test_interrupt_flag(void);
void test_tables(void);
void test_memory(void);
void test_user_mode(void);

/* guest-time.c */
void set_up_pic(void);
void test_time(void);

#endif
