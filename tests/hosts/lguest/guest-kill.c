/* SPDX-License-Identifier: MIT */
/*
 * What an lguest host kills for.  One of these a run, since none comes back.
 */
#include "guest.h"

#define OUTSIDE  0x80000000u /* no guest of these tests has that much */
#define SWITCHER 0xffc00000u
#define LARGE    0x80u

static void init(uint32_t data)
{
        hypercall(LHCALL_LGUEST_INIT, data, 0, 0);
}

static void lgdt(void)
{
        asm volatile("lgdt 0x1000000");
}
static void lidt(void)
{
        asm volatile("lidt 0x1000000");
}
static void ltr(void)
{
        asm volatile("ltr %%ax" : : "a"(0x80));
}
static void mov_to_cr(void)
{
        asm volatile("movl %0, %%cr3" : : "r"(0));
}
static void hlt(void)
{
        asm volatile("hlt");
}
static void sti(void)
{
        asm volatile("sti");
}
static void wrmsr(void)
{
        asm volatile("wrmsr" : : "c"(0x174), "a"(8), "d"(0));
}
static void early_call(void)
{
        hypercall(LHCALL_FLUSH_TLB, 1, 0, 0);
}
static void second_init(void)
{
        init((uint32_t)&lguest_data);
}
static void init_outside(void)
{
        init(OUTSIDE);
}
static void init_wraps(void)
{
        init(0xffffff00);
}
static void syscall_0(void)
{
        lguest_data.syscall_vec = 0;
        init((uint32_t)&lguest_data);
}
static void kernel_high(void)
{
        lguest_data.syscall_vec = LGUEST_SYSCALL;
        lguest_data.kernel_address = SWITCHER;
        init((uint32_t)&lguest_data);
}
static void touch_outside(void)
{
        *(volatile uint32_t *)OUTSIDE = 1;
}
static void touch_switcher(void)
{
        *(volatile uint32_t *)(SWITCHER + 0x2000) = 1;
}
/* The console's window, where lguest's launcher has it. */
static void window_write(uint32_t offset, uint32_t length)
{
        const uint32_t values[][2] = {
                { 0x78, 0 }, { 0x7c, offset }, { 0x80, length }, { 0x84, 'x' }
        };

        for (unsigned i = 0; i < COUNT(values); i++) {
                asm volatile("outl %0, %1"
                             :
                             : "a"(0x80000800 | values[i][0]),
                               "d"((uint16_t)0xcf8));
                asm volatile("outl %0, %1"
                             :
                             : "a"(values[i][1]), "d"((uint16_t)0xcfc));
        }
}
static void window_outside(void)
{
        window_write(0x1000, 4);
}
static void window_register(void)
{
        window_write(0, 4);
}
static void window_byte(void)
{
        window_write(68, 1);
}

static void bad_call(void)
{
        hypercall(99, 0, 0, 0);
}
static void set_pmd(void)
{
        hypercall(LHCALL_SET_PMD, 0, 0, 0);
}
static void notify(void)
{
        hypercall(LHCALL_NOTIFY, 0, 0, 0);
}
static void idt_type(void)
{
        set_gate(3, 12, 1); /* a call gate */
}
static void idt_number(void)
{
        set_gate(256, GATE_TRAP, 1);
}
static void gdt_number(void)
{
        hypercall(LHCALL_LOAD_GDT_ENTRY, 32, 0xffff, 0xcf9300);
}
/* A gate to the host's code segment would be a way to ring 0. */
static void call_gate(void)
{
        hypercall(LHCALL_LOAD_GDT_ENTRY, 9, 0x50 << 16 | 0x1000, 0xec00);
}
static void stack_ring_0(void)
{
        hypercall(LHCALL_SET_STACK, 0x68, (uint32_t)kernel_stack_end, 1);
}
static void stack_pages(void)
{
        hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS,
                  (uint32_t)kernel_stack_end, 3);
}
static void stack_outside(void)
{
        hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, OUTSIDE, 1);
}
static void tls_outside(void)
{
        hypercall(LHCALL_LOAD_TLS, OUTSIDE, 0, 0);
}
static void shutdown_outside(void)
{
        hypercall(LHCALL_SHUTDOWN, OUTSIDE, 1, 0);
}
/* Its segment goes away while it is in a register. */
static void segment(void)
{
        hypercall(LHCALL_LOAD_GDT_ENTRY, 9, 0xffff, 0xcf9300);
        asm volatile("movl %0, %%gs" : : "r"(9 << 3 | 1));
        hypercall(LHCALL_LOAD_GDT_ENTRY, 9, 0, 0);
}

/* An entry for WINDOW, seen first by a page fault. */
static void window_entry(uint32_t entry)
{
        set_up_pages();
        window_table[0] = entry;
        *(volatile uint32_t *)WINDOW = 1;
}
static void pte_outside(void)
{
        window_entry(OUTSIDE | PRESENT | WRITABLE);
}
static void pte_large(void)
{
        window_entry(LARGE | PRESENT | WRITABLE);
}
static void set_pte_outside(void)
{
        set_up_pages();
        hypercall(LHCALL_SET_PTE, (uint32_t)directory,
                  KERNEL_ADDRESS + 0x200000,
                  OUTSIDE | PRESENT | WRITABLE | ACCESSED | DIRTY);
}
static void set_pte_switcher(void)
{
        set_up_pages();
        hypercall(LHCALL_SET_PTE, (uint32_t)directory, SWITCHER + 0x2000,
                  PRESENT | WRITABLE);
}
static void pgd_outside(void)
{
        set_up_pages();
        directory[8] = OUTSIDE | PRESENT | WRITABLE;
        *(volatile uint32_t *)0x2000000 = 1;
}
static void pgd_large(void)
{
        set_up_pages();
        directory[8] = LARGE | PRESENT | WRITABLE;
        *(volatile uint32_t *)0x2000000 = 1;
}
static void pgtable_outside(void)
{
        hypercall(LHCALL_NEW_PGTABLE, OUTSIDE, 0, 0);
}
static void set_pgd(void)
{
        hypercall(LHCALL_SET_PGD, (uint32_t)directory, 1024, 0);
}

static const struct crime {
        const char *name;
        bool initialized; /* after LGUEST_INIT */
        void (*commit)(void);
} crimes[] = {
        { "lgdt", false, lgdt },
        { "lidt", false, lidt },
        { "ltr", false, ltr },
        { "mov-to-cr", false, mov_to_cr },
        { "hlt", false, hlt },
        { "sti", false, sti },
        { "wrmsr", false, wrmsr },
        { "early-call", false, early_call },
        { "init-outside", false, init_outside },
        { "init-wraps", false, init_wraps },
        { "syscall-0", false, syscall_0 },
        { "kernel-high", false, kernel_high },
        { "touch-outside", false, touch_outside },
        { "touch-switcher", false, touch_switcher },
        { "window-outside", false, window_outside },
        { "window-register", false, window_register },
        { "window-byte", false, window_byte },
        { "second-init", true, second_init },
        { "bad-call", true, bad_call },
        { "set-pmd", true, set_pmd },
        { "notify", true, notify },
        { "idt-type", true, idt_type },
        { "idt-number", true, idt_number },
        { "gdt-number", true, gdt_number },
        { "call-gate", true, call_gate },
        { "stack-ring-0", true, stack_ring_0 },
        { "stack-pages", true, stack_pages },
        { "stack-outside", true, stack_outside },
        { "tls-outside", true, tls_outside },
        { "shutdown-outside", true, shutdown_outside },
        { "segment", true, segment },
        { "pte-outside", true, pte_outside },
        { "pte-large", true, pte_large },
        { "set-pte-outside", true, set_pte_outside },
        { "set-pte-switcher", true, set_pte_switcher },
        { "pgd-outside", true, pgd_outside },
        { "pgd-large", true, pgd_large },
        { "pgtable-outside", true, pgtable_outside },
        { "set-pgd", true, set_pgd },
};

bool commit_crime(const char *line, bool initialized)
{
        for (unsigned i = 0; i < COUNT(crimes); i++) {
                const struct crime *c = &crimes[i];

                if (c->initialized != initialized || !has_word(line, c->name))
                        continue;
                c->commit();
                return true;
        }
        return false;
}
