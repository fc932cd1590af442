/* SPDX-License-Identifier: MIT */
/*
 * The VMI ROM's alarm and wall clock.
 *
 * The alarm is channel 0 of the 8254, which is wired to IRQ 0.  The channel
 * counts 16 bits at 1193182 Hz, so there are limits, which a kernel notices
 * only by looking at the cycle counter:
 *      - an alarm further off than 54.6 ms rings then, that is, too early, and
 *        the longest period is 54.6 ms;
 *      - the first alarm of a period comes a period after the call;
 *      - a cancelled alarm may ring once more within 54.9 ms: QEMU's 8254 can't
 *        be stopped, only given its longest count;
 *      - there is no alarm by the local APIC (VMI_ALARM_WIRED_LVTT): its
 *        registers are not mapped for a ROM.  It rings by IRQ 0 all the same.
 *
 * The wall clock is the RTC, read as UTC, in whole seconds.
 */
#include "../rtc.h"
#include "vmi.h"

#define PIT_HZ        1193182
#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_ONE_SHOT  0x30 /* channel 0, two bytes, mode 0 */
#define PIT_PERIODIC  0x34 /* mode 2 */
#define PIT_LONGEST   0    /* 65536 */
/* cycles >> 7 times this: 7/128 s is 54.69 ms, 65253 ticks. */
#define ALARM_LIMIT_128 7

#define NANO 1000000000u

/* In rom.S; hidden, so that it is reached by its distance. */
extern const uint64_t frequency __attribute__((visibility("hidden")));

/* Cycles, fewer than ALARM_LIMIT_128 allows, as ticks of the 8254.  Both sides
 * lose 10 bits so that the divisor fits 32: frequencies up to 4 THz. */
static uint32_t ticks_of(uint32_t cycles)
{
        uint64_t scaled = (uint64_t)cycles * PIT_HZ >> 10;
        uint32_t quotient, rest;

        asm("divl %4"
            : "=a"(quotient), "=d"(rest)
            : "a"((uint32_t)scaled), "d"((uint32_t)(scaled >> 32)),
              "r"((uint32_t)(frequency >> 10)));
        return quotient;
}

static void start_pit(uint8_t mode, uint16_t count)
{
        outb(PIT_CONTROL, mode);
        outb(PIT_CHANNEL_0, (uint8_t)count);
        outb(PIT_CHANNEL_0, (uint8_t)(count >> 8));
}

__attribute__((regparm(3))) void vmi_set_alarm(uint32_t flags, uint64_t expiry,
                                               uint64_t period)
{
        const uint64_t limit = (frequency >> 7) * ALARM_LIMIT_128;
        bool periodic = flags & VMI_ALARM_PERIODIC;
        uint64_t cycles = period;
        uint64_t now;
        uint32_t ticks;

        if (!periodic) {
                asm volatile("rdtsc" : "=A"(now));
                cycles = expiry > now ? expiry - now : 0;
        }
        if (cycles > limit)
                cycles = limit;
        ticks = ticks_of((uint32_t)cycles);
        /* Mode 2 does not take a count of 1; 0 is the longest. */
        if (ticks < 2)
                ticks = 2;
        start_pit(periodic ? PIT_PERIODIC : PIT_ONE_SHOT, (uint16_t)ticks);
}

__attribute__((regparm(3))) void vmi_cancel_alarm(uint32_t flags)
{
        (void)flags;
        start_pit(PIT_ONE_SHOT, PIT_LONGEST);
}

/* Nanoseconds since 1970. */
__attribute__((regparm(3))) uint64_t vmi_get_wallclock_time(void)
{
        return (uint64_t)rtc_seconds() * NANO;
}
