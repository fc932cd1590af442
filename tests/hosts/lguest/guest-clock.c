/* SPDX-License-Identifier: MIT */
/*
 * The lguest test guest's checks of the clock event and of how interrupts are
 * delivered.
 */
#include "guest.h"

#define MS       1000000u /* ns */
#define PATIENCE 5000u    /* ms that something may take on a loaded machine */

static volatile struct lguest_data *const data = &lguest_data;

static uint32_t khz(void)
{
        return data->tsc_khz ? data->tsc_khz : 2000000;
}

static void spin(uint32_t ms)
{
        uint64_t end = rdtsc() + (uint64_t)ms * khz();

        while (rdtsc() < end)
                ;
}

/* Whether the word became other than it was in good time. */
static bool changes(volatile uint32_t *word, uint32_t was)
{
        uint64_t end = rdtsc() + (uint64_t)PATIENCE * khz();

        while (*word == was)
                if (rdtsc() >= end)
                        return false;
        return true;
}

static void event(uint32_t enabled, uint32_t ns)
{
        data->irq_enabled = enabled;
        tick_count = 0;
        hypercall(LHCALL_SET_CLOCKEVENT, ns, 0, 0);
}

void test_clock(void)
{
        uint32_t before[2], after[2];
        uint64_t begin;

        set_gate(LGUEST_FIRST_VECTOR, GATE_INTERRUPT, 1);
        event(LGUEST_IF, MS);
        check(changes(&tick_count, 0) && !last_enabled &&
                      last.trap == LGUEST_FIRST_VECTOR &&
                      data->irq_enabled == LGUEST_IF,
              "SET_CLOCKEVENT interrupts");

        event(0, MS);
        check(changes(&data->irq_pending, 0) && !tick_count,
              "an interrupt waits while they are off, and irq_pending tells");
        data->irq_enabled = LGUEST_IF;
        hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0);
        check(tick_count == 1 && !data->irq_pending, "SEND_INTERRUPTS");

        data->blocked_interrupts = 1;
        event(LGUEST_IF, MS);
        spin(5);
        hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0);
        check(!tick_count, "blocked_interrupts");
        data->blocked_interrupts = 0;
        hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0);
        check(tick_count == 1, "and no longer");

        event(0, MS);
        hypercall(LHCALL_HALT, 0, 0, 0);
        check(tick_count == 1 && data->irq_enabled == LGUEST_IF,
              "HALT waits for an interrupt and takes it");

        event(LGUEST_IF, 100 * MS);
        hypercall(LHCALL_SET_CLOCKEVENT, 0, 0, 0);
        spin(110);
        check(!tick_count, "SET_CLOCKEVENT 0 takes it back");

        event(0, MS);
        changes(&data->irq_pending, 0);
        iret_with_interrupt();
        check(tick_count == 1 &&
                      last_address + offsetof(struct frame, eip) == esp_at_iret,
              "an interrupt at noirq_iret takes over the frame");

        before[0] = data->time[0];
        before[1] = data->time[1];
        begin = rdtsc();
        event(0, 120 * MS);
        hypercall(LHCALL_HALT, 0, 0, 0);
        after[0] = data->time[0];
        after[1] = data->time[1];
        check(tick_count == 1 && rdtsc() - begin >= 115ull * khz(),
              "a far event is not early");
        check(after[0] > before[0] || (after[0] == before[0] &&
                                       after[1] > before[1] + 115 * MS),
              "the time goes on with it");

        leave_on_tick = true;
        event(LGUEST_IF, 2 * MS);
        run_user(USER_SPIN);
        check(last.trap == LGUEST_FIRST_VECTOR && last.cs == USER_CS &&
                      last_address + sizeof(struct frame) ==
                              (uint32_t)kernel_stack_end,
              "ring 3 is interrupted, on SET_STACK's stack");
        leave_on_tick = false;
        data->irq_enabled = 0;
}
