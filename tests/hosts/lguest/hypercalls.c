/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: the one that the guest made, after those that it left in
 * lguest_data's ring.  A call that is grossly wrong kills.
 */
#include "host.h"

struct lguest_data *lguest_data;
uint32_t noirq_iret;
bool halted, ts;

static unsigned next_hcall; /* where the ring will be looked at next */

void write_timestamp(void)
{
        clock_now(&lguest_data->time[0], &lguest_data->time[1]);
}

/* Text of the guest's, without its end if that is not in memory. */
static void print_text(uint32_t address)
{
        for (; address < guest_size && guest_memory[address]; address++)
                guest_put((char)guest_memory[address]);
}

/* Arguments as in ebx, ecx, edx. */
struct arguments {
        uint32_t b, c, d;
};

static void call_init(const struct arguments *a)
{
        (void)a;
        kill_guest("already have lguest_data");
}

static void call_shutdown(const struct arguments *a)
{
        static char message[128];

        memcpy(message, guest_bytes(a->b, sizeof(message), "read"),
               sizeof(message) - 1);
        guest_shutdown(message, a->c);
}

static void call_new_pgtable(const struct arguments *a)
{
        new_pgtable(a->b);
}

static void call_flush_tlb(const struct arguments *a)
{
        if (a->b)
                flush_all();
        else
                flush_user();
}

static void call_load_idt_entry(const struct arguments *a)
{
        load_idt_entry(a->b, a->c, a->d);
}

static void call_set_stack(const struct arguments *a)
{
        set_stack(a->b, a->c, a->d);
}

static void call_ts(const struct arguments *a)
{
        ts = a->b;
}

static void call_set_clockevent(const struct arguments *a)
{
        clock_set_event(a->b);
}

static void call_halt(const struct arguments *a)
{
        (void)a;
        halted = true;
}

static void call_set_pte(const struct arguments *a)
{
        set_pte(a->b, a->c, a->d);
}

static void call_set_pgd(const struct arguments *a)
{
        set_pgd(a->b, a->c);
}

static void call_load_tls(const struct arguments *a)
{
        load_tls(a->b);
}

/* The launcher of 3.x: an address that is no device's is a text to print. */
static void call_notify(const struct arguments *a)
{
        if (strict)
                kill_guest("Bad hypercall %u", LHCALL_NOTIFY);
        if (a->b >= guest_size)
                kill_guest("Bad NOTIFY 0x%x", a->b);
        print_text(a->b);
}

static void call_load_gdt_entry(const struct arguments *a)
{
        load_gdt_entry(a->b, a->c, a->d);
}

/* What these ask for happens with every hypercall: the ring is read, and then
 * interrupts are delivered. */
static void call_nothing(const struct arguments *a)
{
        (void)a;
}

static void (*const calls[])(const struct arguments *a) = {
        [LHCALL_FLUSH_ASYNC] = call_nothing,
        [LHCALL_LGUEST_INIT] = call_init, /* the first one: initialize() */
        [LHCALL_SHUTDOWN] = call_shutdown,
        [LHCALL_NEW_PGTABLE] = call_new_pgtable,
        [LHCALL_FLUSH_TLB] = call_flush_tlb,
        [LHCALL_LOAD_IDT_ENTRY] = call_load_idt_entry,
        [LHCALL_SET_STACK] = call_set_stack,
        [LHCALL_TS] = call_ts,
        [LHCALL_SET_CLOCKEVENT] = call_set_clockevent,
        [LHCALL_HALT] = call_halt,
        [LHCALL_SET_PTE] = call_set_pte,
        [LHCALL_SET_PGD] = call_set_pgd,
        [LHCALL_LOAD_TLS] = call_load_tls,
        [LHCALL_NOTIFY] = call_notify,
        [LHCALL_LOAD_GDT_ENTRY] = call_load_gdt_entry,
        [LHCALL_SEND_INTERRUPTS] = call_nothing,
};

static void do_call(uint32_t number, uint32_t b, uint32_t c, uint32_t d)
{
        if (number >= COUNT(calls) || !calls[number])
                kill_guest("Bad hypercall %u", number);
        calls[number](&(struct arguments){ b, c, d });
}

static void initialize(void)
{
        struct lguest_data *data;

        if (regs->eax != LHCALL_LGUEST_INIT)
                kill_guest("hypercall %u before INIT", regs->eax);
        data = guest_bytes(regs->ebx, sizeof(*data), "lguest_data");
        data->tsc_khz = no_tsc ? 0 : clock_khz();
        if (data->syscall_vec != LGUEST_SYSCALL)
                kill_guest("bad syscall vector 0x%x", data->syscall_vec);
        noirq_iret = data->noirq_iret;
        lguest_data = data;
        write_timestamp();
        data->reserve_mem = -SWITCHER;
        pages_guest_init(data->kernel_address);
        flush_all();
}

void do_hypercalls(void)
{
        if (!lguest_data) {
                initialize();
                return;
        }
        for (unsigned i = 0; i < LHCALL_RING_SIZE; i++) {
                unsigned n = next_hcall;
                const uint32_t *call = lguest_data->hcalls[n];

                if (lguest_data->hcall_status[n] == LHCALL_EMPTY)
                        break;
                next_hcall = (n + 1) % LHCALL_RING_SIZE;
                do_call(call[0], call[1], call[2], call[3]);
                lguest_data->hcall_status[n] = LHCALL_EMPTY;
        }
        do_call(regs->eax, regs->ebx, regs->ecx, regs->edx);
}
