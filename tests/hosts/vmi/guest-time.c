/* SPDX-License-Identifier: MIT */
/*
 * The VMI test guest's checks of alarm, cycle counter and wall clock.
 */
#include "guest.h"

#define SECONDS 1767323045u /* -rtc base=2026-01-02T03:04:05 */
#define NANO    1000000000u

/* The 8259s: vectors 0x20 and 0x28, everything masked. */
void set_up_pic(void)
{
        static const uint8_t sequence[][2] = {
                { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 },
                { 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 2 }, { 0xa1, 1 },
                { 0x21, 0xff }, { 0xa1, 0xff },
        };

        for (unsigned i = 0; i < COUNT(sequence); i++)
                outb(sequence[i][0], sequence[i][1]);
}

/* Cycles of 20 ms by the speaker's counter, as the ROM measures them. */
static uint32_t cycles_of_20_ms(void)
{
        uint64_t begin;

        outb(0x61, inb(0x61) & 0xfc);
        outb(0x43, 0xb0);
        outb(0x42, 23864 & 0xff);
        outb(0x42, 23864 >> 8);
        outb(0x61, (inb(0x61) & 0xfd) | 1);
        begin = rdtsc();
        while (!(inb(0x61) & 0x20))
                ;
        return (uint32_t)(rdtsc() - begin);
}

void test_time(void)
{
        uint64_t hz = vmi(GetCycleFrequency, 0, 0, 0), now, then, ns;
        uint32_t cycles = cycles_of_20_ms(), khz = (uint32_t)divide(hz, 1000);
        uint32_t seconds;

        print("vmi-guest: %u kHz\n", khz);
        /* Twice is room for a loaded test machine. */
        check(khz / 100 < cycles && cycles / 40 < khz, "GetCycleFrequency");
        now = rdtsc();
        check(vmi(GetCycleCounter, VMI_CYCLES_REAL, 0, 0) > now &&
                      vmi(GetCycleCounter, VMI_CYCLES_AVAILABLE, 0, 0) > now &&
                      vmi(GetCycleCounter, VMI_CYCLES_STOLEN, 0, 0) == 0,
              "GetCycleCounter");
        ns = vmi(GetWallclockTime, 0, 0, 0);
        seconds = (uint32_t)divide(ns, NANO);
        print("vmi-guest: %u s since 1970\n", seconds);
        check(seconds >= SECONDS && seconds < SECONDS + 60, "GetWallclockTime");
        check(get(WallclockUpdated) == 0, "WallclockUpdated");

        /* No earlier than it should, as far as the two clocks agree.  The
         * firmware's last tick is still latched: only a new start forgets it. */
        set(CancelAlarm, 0);
        set_up_pic();
        outb(0x21, 0xfe);
        ticks = 0;
        now = rdtsc();
        then = now + khz * 20;
        vmi5(VMI_CALL_SetAlarm, VMI_CYCLES_REAL, (uint32_t)then,
             (uint32_t)(then >> 32), 0, 0);
        vmi(Halt, 0, 0, 0);
        check(ticks == 1 && rdtsc() - now > khz * 10,
              "SetAlarm rings once; Halt waits for it");
        check(get(GetInterruptMask), "Halt leaves interrupts enabled");
        vmi5(VMI_CALL_SetAlarm, VMI_CYCLES_REAL | VMI_ALARM_PERIODIC, 0, 0,
             khz * 5, 0);
        while (ticks < 6)
                vmi(Halt, 0, 0, 0);
        set(CancelAlarm, VMI_CYCLES_REAL | VMI_ALARM_PERIODIC);
        check(true, "SetAlarm rings by periods");
        ticks = 0;
        now = rdtsc();
        while (rdtsc() - now < khz * 100)
                ;
        check(ticks <= 1, "CancelAlarm");
        vmi(DisableInterrupts, 0, 0, 0);
}
