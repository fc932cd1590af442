/* SPDX-License-Identifier: MIT */
/*
 * Time: the TSC, measured against the 8254; the wall clock is the RTC at the
 * start plus cycles since.  The guest's clock event is a moment of the TSC, at
 * which channel 0 of the 8254 is made to interrupt; one that is further away
 * than the 8254 can count is approached in steps.
 */
#include "../rtc.h"
#include "host.h"

#define PIT_HZ        1193182
#define PIT_CHANNEL_0 0x40
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL   0x43
#define PIT_STEP      59659 /* 50 ms */
#define PORT_61       0x61  /* bit 0 gate of channel 2, 1 speaker, 5 output */

#define MEASURED_TICKS 11932 /* 10 ms */
#define MEASURED       4     /* the least counts: others were interrupted */

#define NANO 1000000000u

static uint32_t khz, start_seconds;
static uint64_t start_cycles;
static uint64_t event; /* 0: none */

static void pit_start(uint8_t control, uint16_t port, uint32_t ticks)
{
        outb(PIT_CONTROL, control);
        outb(port, (uint8_t)ticks);
        outb(port, (uint8_t)(ticks >> 8));
}

static uint32_t measure(void)
{
        uint8_t control = inb(PORT_61) & 0xfc;
        uint64_t begin;

        outb(PORT_61, control);
        pit_start(0xb0, PIT_CHANNEL_2, MEASURED_TICKS);
        outb(PORT_61, control | 1);
        begin = rdtsc();
        while (!(inb(PORT_61) & 0x20))
                ;
        return (uint32_t)(rdtsc() - begin);
}

/* The 8259s: vectors 0x20 and 0x28, nothing but IRQ 0. */
static void pic_init(void)
{
        static const uint8_t sequence[][2] = {
                { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 },
                { 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 2 }, { 0xa1, 1 },
                { 0x21, 0xfe }, { 0xa1, 0xff },
        };

        for (unsigned i = 0; i < COUNT(sequence); i++)
                outb(sequence[i][0], sequence[i][1]);
}

void clock_init(void)
{
        uint32_t least = ~0u;

        for (unsigned i = 0; i < MEASURED; i++) {
                uint32_t cycles = measure();

                if (cycles < least)
                        least = cycles;
        }
        khz = least / 10;
        start_seconds = rtc_seconds();
        start_cycles = rdtsc();
        /* The firmware's tick is periodic: stop it. */
        pit_start(0x30, PIT_CHANNEL_0, 0);
        pic_init();
}

uint32_t clock_khz(void)
{
        return khz;
}

void clock_now(uint32_t *ret_seconds, uint32_t *ret_nanoseconds)
{
        uint64_t cycles = rdtsc() - start_cycles;
        uint32_t ms = (uint32_t)divide(cycles, khz);
        uint32_t rest = (uint32_t)(cycles - (uint64_t)ms * khz);

        *ret_seconds = start_seconds + ms / 1000;
        *ret_nanoseconds =
                ms % 1000 * 1000000 + (uint32_t)divide(rest * 1000000ull, khz);
}

/* Looks whether the event has come; else arms the 8254 for it. */
static void check_event(void)
{
        uint64_t now = rdtsc(), ticks;

        if (!event)
                return;
        if (now >= event) {
                event = 0;
                set_interrupt(0);
                return;
        }
        ticks = divide((event - now) * (PIT_HZ / 1000), khz) + 1;
        pit_start(0x30, PIT_CHANNEL_0,
                  ticks < PIT_STEP ? (uint32_t)ticks : PIT_STEP);
}

void clock_set_event(uint32_t ns)
{
        event = ns ? rdtsc() + divide((uint64_t)ns * khz, 1000000) + 1 : 0;
        check_event();
}

void clock_interrupt(void)
{
        outb(0x20, 0x20);
        check_event();
}

void clock_wait(void)
{
        asm volatile("sti; hlt; cli" : : : "memory");
        clock_interrupt();
}
