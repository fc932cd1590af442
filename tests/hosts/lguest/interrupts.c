/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and traps are delivered as the processor would: what it pushes is
 * pushed, on the stack of SET_STACK if the guest was in ring 3.
 *
 * The guest runs with interrupts on, always.  Its interrupt flag is
 * lguest_data.irq_enabled, and that is what the pushed EFLAGS show; an
 * interrupt gate clears it.
 */
#include "host.h"

#define FLAGS_KEPT_OFF 0x34100 /* VM, RF, NT, TF: a trap clears them */
#define IOPL           0x3000

static uint32_t pending; /* a bit for each virtual interrupt */

static bool has_error(uint32_t trap)
{
        return trap == 8 || (trap >= 10 && trap <= 14) || trap == 17;
}

static void push(uint32_t *esp, uint32_t value)
{
        *esp -= 4;
        guest_write(guest_pa(*esp), value);
}

static void push_frame(bool error)
{
        uint32_t esp = regs->esp, ss = regs->ss, flags = regs->eflags;

        if ((regs->cs & 3) != GUEST_RING) {
                struct descriptor stack = guest_stack();

                esp = stack.hi;
                push(&esp, regs->ss);
                push(&esp, regs->esp);
                ss = stack.lo;
        }
        if (lguest_data && !(lguest_data->irq_enabled & LGUEST_IF))
                flags &= ~LGUEST_IF;
        push(&esp, flags);
        push(&esp, regs->cs);
        push(&esp, regs->eip);
        if (error)
                push(&esp, regs->error);
        regs->ss = ss;
        regs->esp = esp;
}

static void run_gate(struct descriptor gate)
{
        regs->cs = LGUEST_KERNEL_CS;
        regs->eip = (gate.lo & 0xffff) | (gate.hi & 0xffff0000);
        regs->eflags &= ~(uint32_t)(FLAGS_KEPT_OFF | IOPL);
        regs->eflags |= LGUEST_IF;
        if ((gate.hi >> 8 & 15) == 14) /* an interrupt gate */
                lguest_data->irq_enabled = 0;
}

bool deliver_trap(uint32_t n)
{
        struct descriptor gate = guest_gate(n);

        if (!gate.hi)
                return false;
        push_frame(has_error(n));
        run_gate(gate);
        return true;
}

void set_interrupt(uint32_t irq)
{
        pending |= 1u << irq;
}

static uint32_t unblocked(void)
{
        return lguest_data ? pending & ~lguest_data->blocked_interrupts : 0;
}

bool interrupt_pending(void)
{
        return unblocked() != 0;
}

void deliver_interrupts(void)
{
        uint32_t set = unblocked();
        uint32_t irq;
        struct descriptor gate;

        if (!set)
                return;
        if (halted) {
                halted = false;
                lguest_data->irq_enabled = LGUEST_IF;
        } else if (!lguest_data->irq_enabled) {
                lguest_data->irq_pending = LGUEST_IF;
                return;
        }
        irq = (uint32_t)__builtin_ctz(set);
        gate = guest_gate(LGUEST_FIRST_VECTOR + irq);
        if (gate.hi) {
                pending &= ~(1u << irq);
                if (regs->eip == noirq_iret && (regs->cs & 3) == GUEST_RING)
                        /* The frame that iret would take away is there already:
                         * only its flags are missing. */
                        regs->eflags = guest_read(guest_pa(regs->esp + 8));
                else
                        push_frame(false);
                run_gate(gate);
        }
        write_timestamp();
        if (!(set & (set - 1)))
                lguest_data->irq_pending = 0;
}
