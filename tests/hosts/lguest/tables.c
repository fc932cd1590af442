/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables.  The guest's own never come near the processor: it names
 * entries by hypercall, and what is harmless of them is copied to the real
 * tables, which it can read and not write.
 *
 * A trap that need not be seen by the host goes straight to the guest: those of
 * a trap gate (interrupts stay as they are) that are not listed in for_host().
 *
 * What differs from Linux's host: a system descriptor kills.  It might be a
 * call gate to ring 0.
 */
#include "host.h"

#define GDT_COUNT       32
#define IDT_COUNT       256
#define GDT_TLS         6 /* to 8 */
#define GDT_KERNEL_CS   12
#define GDT_KERNEL_DS   13
#define GDT_HOST_CS     10
#define GDT_HOST_DS     11
#define GDT_TSS         16
#define GDT_DOUBLEFAULT 31
#define FLAT_CODE       0x00cf9b00
#define FLAT_DATA       0x00cf9300
#define RING(n)         ((n) << 13)
#define RING_MASK       RING(3)
#define ACCESSED        0x100
#define NOT_SYSTEM      0x1000
#define PRESENT         0x8000
#define GATE_TYPE(hi)   ((hi) >> 8 & 15)
#define GATE_INTERRUPT  14
#define GATE_TRAP       15
#define STACK_PAGES_MAX 2

/* Page SWITCHER_STATE. */
struct switcher_state {
        struct descriptor idt[IDT_COUNT], gdt[GDT_COUNT];
        uint32_t tss[26]; /* [1] esp0, [2] ss0, [3] esp1, [4] ss1 */
        uint32_t host_cr3, host_esp, guest_cr3;
        uint32_t broken;
};
_Static_assert(offsetof(struct switcher_state, gdt) == STATE_GDT &&
                       offsetof(struct switcher_state, tss) == STATE_TSS &&
                       offsetof(struct switcher_state, host_cr3) ==
                               STATE_HOST_CR3 &&
                       offsetof(struct switcher_state, broken) == STATE_BROKEN,
               "switcher.h");
_Static_assert(offsetof(struct regs, trap) == REGS_TRAP &&
                       offsetof(struct regs, cs) == REGS_CS &&
                       sizeof(struct regs) == REGS_SIZE,
               "switcher.h");

static struct switcher_state *const state = (void *)SWITCHER_STATE;

/* As the guest asked for them; entries that were refused stay zero. */
static struct descriptor guest_idt[IDT_COUNT];
static uint32_t stack_ss, stack_esp, stack_pages;

void load_tables(const void *gdt, const void *idt) __attribute__((regparm(2)));

/* Traps that the host has to see, whatever the guest wants: TS, in and out,
 * shadow page tables, hypercalls; and all interrupts but the system call. */
static bool for_host(uint32_t n)
{
        return n == 7 || n == 13 || n == 14 || n == LGUEST_TRAP_ENTRY ||
               (n >= LGUEST_FIRST_VECTOR && n != LGUEST_SYSCALL);
}

/* A gate to the host's entry of a trap, open for the given ring. */
static struct descriptor host_gate(uint32_t n, uint32_t ring)
{
        uint32_t entry = SWITCHER + n * STUB_SIZE;

        return (struct descriptor){
                .lo = HOST_CS << 16 | (entry & 0xffff),
                .hi = (entry & 0xffff0000) | PRESENT | RING(ring) |
                      GATE_INTERRUPT << 8,
        };
}

void tables_init(void (*broken)(struct regs *frame))
{
        struct {
                uint16_t limit;
                uint32_t base;
        } __attribute__((packed))
        gdt = { sizeof(state->gdt) - 1, (uint32_t)state->gdt },
        idt = { sizeof(state->idt) - 1, (uint32_t)state->idt };
        uint32_t tss = (uint32_t)state->tss;

        state->gdt[GDT_HOST_CS] = (struct descriptor){ 0xffff, FLAT_CODE };
        state->gdt[GDT_HOST_DS] = (struct descriptor){ 0xffff, FLAT_DATA };
        state->gdt[GDT_KERNEL_CS] =
                (struct descriptor){ 0xffff, FLAT_CODE | RING(GUEST_RING) };
        state->gdt[GDT_KERNEL_DS] =
                (struct descriptor){ 0xffff, FLAT_DATA | RING(GUEST_RING) };
        state->gdt[GDT_TSS] = (struct descriptor){
                .lo = (sizeof(state->tss) - 1) | tss << 16,
                .hi = (tss & 0xff000000) | PRESENT | 0x900 | (tss >> 16 & 0xff),
        };
        for (uint32_t n = 0; n < IDT_COUNT; n++)
                state->idt[n] =
                        host_gate(n, n == LGUEST_TRAP_ENTRY ? GUEST_RING : 0);

        state->tss[1] = SWITCHER_REGS + REGS_SIZE;
        state->tss[2] = HOST_DS;
        state->tss[25] = sizeof(state->tss) << 16; /* no I/O bitmap */
        asm("movl %%cr3, %0" : "=r"(state->host_cr3));
        state->broken = (uint32_t)broken;
        load_tables(&gdt, &idt);
}

void set_guest_cr3(uint32_t cr3)
{
        state->guest_cr3 = cr3;
}

/* ---- GDT ---------------------------------------------------------------- */

void load_gdt_entry(uint32_t n, uint32_t lo, uint32_t hi)
{
        if (n >= GDT_COUNT)
                kill_guest("too many gdt entries %u", n);
        /* The host's, and the task's; a guest may name them, in vain. */
        if (n == GDT_TSS || n == GDT_HOST_CS || n == GDT_HOST_DS ||
            n == GDT_DOUBLEFAULT)
                return;
        if ((hi & PRESENT) && !(hi & NOT_SYSTEM))
                kill_guest("bad gdt entry %u: 0x%x%x", n, hi, lo);
        if (!(hi & RING_MASK))
                hi |= RING(GUEST_RING);
        /* The processor can't set it in a table that is read-only. */
        hi |= ACCESSED;
        state->gdt[n] = (struct descriptor){ lo, hi };
}

void load_tls(uint32_t address)
{
        for (uint32_t i = 0; i < 3; i++)
                load_gdt_entry(GDT_TLS + i, guest_read(address + 8 * i),
                               guest_read(address + 8 * i + 4));
}

/* ---- IDT ---------------------------------------------------------------- */

void load_idt_entry(uint32_t n, uint32_t lo, uint32_t hi)
{
        struct descriptor gate = { 0, 0 };

        /* Not for guests: NMI, double fault, reserved, hypercall. */
        if (n == 2 || n == 8 || n == 15 || n == LGUEST_TRAP_ENTRY)
                return;
        if (n >= IDT_COUNT)
                kill_guest("Setting idt entry %u", n);
        if (hi & PRESENT) {
                if (GATE_TYPE(hi) != GATE_INTERRUPT &&
                    GATE_TYPE(hi) != GATE_TRAP)
                        kill_guest("bad IDT type %u", GATE_TYPE(hi));
                gate.lo = LGUEST_KERNEL_CS << 16 | (lo & 0xffff);
                gate.hi = hi & 0xffffef00;
        }
        guest_idt[n] = gate;
        if (for_host(n))
                return;
        state->idt[n] = GATE_TYPE(gate.hi) == GATE_TRAP
                                ? gate
                                : host_gate(n, (gate.hi & RING_MASK) >> 13);
}

struct descriptor guest_gate(uint32_t n)
{
        return n < IDT_COUNT && (guest_idt[n].hi & PRESENT)
                       ? guest_idt[n]
                       : (struct descriptor){ 0, 0 };
}

/* ---- The stack of ring 1 ------------------------------------------------ */

void set_stack(uint32_t ss, uint32_t esp, uint32_t pages)
{
        if ((ss & 3) != GUEST_RING)
                kill_guest("bad stack segment 0x%x", ss);
        if (pages > STACK_PAGES_MAX)
                kill_guest("bad stack pages %u", pages);
        stack_ss = ss;
        stack_esp = esp;
        stack_pages = pages;
        state->tss[3] = esp;
        state->tss[4] = ss;
        pin_stack();
}

/* A trap that goes straight to the guest must find its stack mapped. */
void pin_stack(void)
{
        for (uint32_t i = 0; i < stack_pages; i++)
                pin_page(stack_esp - 1 - i * PAGE_SIZE);
}

struct descriptor guest_stack(void)
{
        return (struct descriptor){ stack_ss, stack_esp };
}
