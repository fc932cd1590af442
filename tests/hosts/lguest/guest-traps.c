/* SPDX-License-Identifier: MIT */
/*
 * The lguest test guest's checks of descriptors and of traps in ring 1.
 */
#include "guest.h"

#define FIRST_TICK LGUEST_FIRST_VECTOR
#define LATER      5000000u /* ns */

struct frame last;
uint32_t last_address, last_enabled;
volatile uint32_t tick_count;
bool leave_on_tick;
bool (*on_page_fault)(void);
uint32_t resume; /* TRY: where a trap returns to, if not 0 */

void handle_trap(struct frame *f)
{
        bool from_user = (f->cs & 3) == 3;

        if (f->trap == 14 && on_page_fault && on_page_fault())
                return;
        last = *f;
        last_address = (uint32_t)f;
        last_enabled = lguest_data.irq_enabled;
        if (f->trap == FIRST_TICK) {
                tick_count++;
                if (leave_on_tick && !from_user)
                        /* Too early: ring 3 was not reached yet. */
                        hypercall(LHCALL_SET_CLOCKEVENT, LATER, 0, 0);
                else if (leave_on_tick)
                        leave_user();
                return;
        }
        if (from_user)
                leave_user();
        if (resume) {
                f->eip = resume;
                return;
        }
        print("lguest-guest: FAILED trap %u at 0x%x (0x%x)\n", f->trap, f->eip,
              f->error);
        hypercall(LHCALL_SHUTDOWN, (uint32_t) "a trap", 1, 0);
}

void set_gate(uint32_t n, uint32_t type, uint32_t ring)
{
        uint32_t entry = (uint32_t)trap_entries + n * 16;

        hypercall(LHCALL_LOAD_IDT_ENTRY, n,
                  LGUEST_KERNEL_CS << 16 | (entry & 0xffff),
                  (entry & 0xffff0000) | 0x8000 | ring << 13 | type << 8);
}

static uint32_t access_rights(uint32_t selector)
{
        uint32_t rights = 0;

        asm("larl %1, %0" : "+r"(rights) : "r"(selector) : "cc");
        return rights;
}

void test_tables(void)
{
        static const uint32_t marker = 0x6c6f6361;
        uint32_t at = (uint32_t)&marker, read;
        uint32_t tls[3][2] = {
                { 3 | at << 16,
                  (at & 0xff000000) | 0x40f300 | (at >> 16 & 0xff) },
        };

        hypercall(LHCALL_LOAD_GDT_ENTRY, USER_CS >> 3, 0xffff, 0xcffb00);
        hypercall(LHCALL_LOAD_GDT_ENTRY, USER_DS >> 3, 0xffff, 0xcff300);
        check((access_rights(USER_CS) & 0x6000) == 0x6000, "LOAD_GDT_ENTRY");
        hypercall(LHCALL_LOAD_GDT_ENTRY, 9, 0xffff, 0xcf9200);
        check((access_rights(9 << 3 | 1) & 0x6100) == 0x2100,
              "LOAD_GDT_ENTRY makes ring 0 ring 1, and accessed");
        hypercall(LHCALL_LOAD_GDT_ENTRY, 10, 0xffff, 0xcff300);
        hypercall(LHCALL_LOAD_GDT_ENTRY, 16, 0xffff, 0xcff300);
        hypercall(LHCALL_LOAD_GDT_ENTRY, 31, 0xffff, 0xcff300);
        check(!access_rights(10 << 3 | 3) && !access_rights(31 << 3 | 3),
              "LOAD_GDT_ENTRY leaves the host's alone");
        hypercall(LHCALL_LOAD_TLS, (uint32_t)tls, 0, 0);
        asm volatile("movl %1, %%gs; movl %%gs:0, %0; movl %2, %%gs"
                     : "=&r"(read)
                     : "r"(6 << 3 | 3), "r"(0));
        check(read == marker, "LOAD_TLS");
}

void test_traps(void)
{
        static const uint32_t nowhere[2];

        set_gate(0, GATE_TRAP, 1);
        set_gate(6, GATE_INTERRUPT, 1);
        set_gate(7, GATE_INTERRUPT, 1);
        set_gate(13, GATE_INTERRUPT, 1);
        set_gate(14, GATE_INTERRUPT, 1);
        set_gate(LGUEST_SYSCALL, GATE_TRAP, 3);

        lguest_data.irq_enabled = LGUEST_IF;
        TRY("xorl %%ecx, %%ecx; divl %%ecx");
        check(last.trap == 0 && last.cs == LGUEST_KERNEL_CS &&
                      last_enabled == LGUEST_IF,
              "a trap gate: interrupts stay on");
        TRY("ud2");
        check(last.trap == 6 && (last.eflags & LGUEST_IF) && !last_enabled &&
                      lguest_data.irq_enabled == LGUEST_IF,
              "an interrupt gate: interrupts are off until iret");
        lguest_data.irq_enabled = 0;
        TRY("ud2");
        check(last.trap == 6 && !(last.eflags & LGUEST_IF) &&
                      !lguest_data.irq_enabled,
              "the pushed flags show irq_enabled");
        TRY("int $0x80");
        check(last.trap == LGUEST_SYSCALL, "the system call's vector");

        TRY("hlt");
        check(last.trap == 13 && !last.error, "hlt is a fault");
        asm volatile("" : : "m"(nowhere));
        TRY("lgdt 0x1000000");
        check(last.trap == 13 && !last.error, "lgdt is a fault");
        TRY("movl $0xfff8, %%eax; movl %%eax, %%gs");
        check(last.trap == 13 && last.error == 0xfff8, "a trap's error code");

        hypercall(LHCALL_TS, 1, 0, 0);
        TRY("fninit");
        check(last.trap == 7, "TS 1: trap 7");
        hypercall(LHCALL_TS, 0, 0, 0);
        TRY("fninit");
        check(last.trap == 256, "TS 0: none");

        set_gate(2, GATE_INTERRUPT, 1);
        set_gate(8, GATE_INTERRUPT, 1);
        set_gate(LGUEST_TRAP_ENTRY, GATE_TRAP, 3);
        TRY("xorl %%eax, %%eax; int $0x1f");
        check(last.trap == 256, "the hypercall's vector can't be taken");
        hypercall(LHCALL_LOAD_IDT_ENTRY, 0, 0, 0);
        set_gate(0, GATE_INTERRUPT, 1);
        TRY("xorl %%ecx, %%ecx; divl %%ecx");
        check(last.trap == 0, "a gate can be taken away and set anew");
}
