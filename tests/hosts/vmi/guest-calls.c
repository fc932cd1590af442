/* SPDX-License-Identifier: MIT */
/*
 * The VMI test guest's checks of calls that act on the processor and on memory:
 * what a call did is read back by another call, or shows in what the processor
 * does next.
 */
#include "guest.h"

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS   0x18 /* SYSEXIT wants this order */
#define TSS_GDT   5
#define LDT_GDT   6
#define GDT_COUNT 8

#define ALIAS  0xc0000000 /* the first 4 MiB once more */
#define WINDOW 0x40000000 /* pages that tests map */

/* What LGDT and LIDT take. */
struct table_pointer {
        uint16_t limit;
        uint32_t base;
} __attribute__((packed));

/* guest-entry.S */
extern char irq0_entry[], soft_entry[], return_entry[], user_code[];
extern char ring0_stack_end[];
extern volatile uint32_t soft_interrupts;
extern volatile uint32_t user_cs, user_flags, user_word, entry_stack;
void enter_user(void *eip) __attribute__((regparm(1)));

static uint64_t gdt[GDT_COUNT], idt[256], ldt[2];
static uint32_t tss[26];
static uint32_t page_directory[1024] __attribute__((aligned(4096)));
static uint32_t page_table[1024] __attribute__((aligned(4096)));
static uint32_t pages[2][1024] __attribute__((aligned(4096)));

void test_cpu(void)
{
        uint32_t a = 0, b, c = 0, d, ra = 0, rb, rc = 0, rd;
        struct relocation r = relocation_at(rom, VMI_CALL_CPUID);
        uint64_t before;

        asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        asm volatile("call *%4"
                     : "+a"(ra), "=b"(rb), "+c"(rc), "=d"(rd)
                     : "D"(r.address));
        check(a == ra && b == rb && c == rc && d == rd, "CPUID");

        vmi(WRMSR, 0x12345678, 0, 0x175); /* SYSENTER_ESP */
        check(vmi(RDMSR, 0, 0, 0x175) == 0x12345678, "WRMSR, RDMSR");

        for (uint32_t n = 0; n < 4; n++)
                vmi(SetDR, n, 0x1000 * (n + 1), 0);
        a = 0;
        for (uint32_t n = 0; n < 4; n++)
                a += (uint32_t)vmi(GetDR, n, 0, 0) == 0x1000 * (n + 1);
        check(a == 4, "SetDR, GetDR");
        check((vmi(GetDR, 7, 0, 0) & 0xff) == 0, "no breakpoint is on");

        before = rdtsc();
        check(vmi(RDTSC, 0, 0, 0) > before, "RDTSC");
        vmi(WBINVD, 0, 0, 0);

        set(SetCR0, get(GetCR0) | 8); /* TS */
        check(get(GetCR0) & 8, "SetCR0, GetCR0");
        vmi(CLTS, 0, 0, 0);
        check(!(get(GetCR0) & 8), "CLTS");
        set(SetCR2, 0xdead000);
        check(get(GetCR2) == 0xdead000, "SetCR2, GetCR2");
}

/* Interrupt-flag calls change nothing but flags. */
static bool keeps_registers(uint32_t number)
{
        struct relocation r = relocation_at(rom, number);
        uint32_t a = VMI_INTERRUPT_MASK, d = 0x22222222, c = 0x33333333;

        asm volatile("call *%3; cli"
                     : "+a"(a), "+d"(d), "+c"(c)
                     : "r"(r.address)
                     : "memory", "cc");
        return a == VMI_INTERRUPT_MASK && d == 0x22222222 && c == 0x33333333;
}

void test_interrupt_flag(void)
{
        bool on, off;

        vmi(EnableInterrupts, 0, 0, 0);
        on = get(GetInterruptMask) == VMI_INTERRUPT_MASK;
        vmi(DisableInterrupts, 0, 0, 0);
        off = get(GetInterruptMask) == 0;
        check(on && off, "EnableInterrupts, DisableInterrupts");
        set(SetInterruptMask, VMI_INTERRUPT_MASK);
        on = get(GetInterruptMask) == VMI_INTERRUPT_MASK;
        set(SetInterruptMask, ~VMI_INTERRUPT_MASK);
        off = get(GetInterruptMask) == 0;
        check(on && off, "SetInterruptMask, GetInterruptMask");
        check(keeps_registers(VMI_CALL_EnableInterrupts) &&
                      keeps_registers(VMI_CALL_DisableInterrupts) &&
                      keeps_registers(VMI_CALL_SetInterruptMask),
              "the interrupt-flag calls keep registers");
}

static uint32_t flags(void)
{
        uint32_t f;

        asm volatile("pushfl; popl %0" : "=r"(f));
        return f;
}

/* Low and high half of a descriptor. */
static void write_gdt(uint32_t n, uint32_t base, uint32_t limit, uint32_t kind)
{
        vmi4(WriteGDTEntry, (uint32_t)gdt, n, (limit & 0xffff) | base << 16,
             (base >> 24) << 24 | (limit & 0xf0000) | kind << 8 |
                     (base >> 16 & 0xff));
}

static void write_gate(uint32_t n, const char *code, uint32_t kind)
{
        vmi4(WriteIDTEntry, (uint32_t)idt, n,
             KERNEL_CS << 16 | ((uint32_t)code & 0xffff),
             ((uint32_t)code & 0xffff0000) | kind << 8);
}

void test_tables(void)
{
        static const uint32_t marker = 0x6c6f6361;
        struct table_pointer p = { sizeof(gdt) - 1, (uint32_t)gdt }, q = { 0 };
        uint32_t read;

        write_gdt(1, 0, 0xfffff, 0xc09b);
        write_gdt(2, 0, 0xfffff, 0xc093);
        write_gdt(3, 0, 0xfffff, 0xc0fb);
        write_gdt(4, 0, 0xfffff, 0xc0f3);
        write_gdt(TSS_GDT, (uint32_t)tss, sizeof(tss) - 1, 0x89);
        write_gdt(LDT_GDT, (uint32_t)ldt, sizeof(ldt) - 1, 0x82);
        set(SetGDT, &p);
        asm volatile("ljmp %0, $1f\n"
                     "1:\tmovl %1, %%ss; movl %1, %%ds; movl %1, %%es"
                     :
                     : "i"(KERNEL_CS), "r"(KERNEL_DS));
        set(GetGDT, &q);
        check(!memcmp(&p, &q, sizeof(p)), "WriteGDTEntry, SetGDT, GetGDT");

        set(SetTR, TSS_GDT * 8);
        check((get(GetTR) & 0xffff) == TSS_GDT * 8, "SetTR, GetTR");
        vmi(UpdateKernelStack, KERNEL_DS, (uint32_t)ring0_stack_end, 0);
        check(tss[1] == (uint32_t)ring0_stack_end && tss[2] == KERNEL_DS,
              "UpdateKernelStack");

        /* A segment of the LDT that begins at the marker. */
        vmi4(WriteLDTEntry, (uint32_t)ldt, 1, 3 | (uint32_t)&marker << 16,
             ((uint32_t)&marker & 0xff000000) | 0x409300 |
                     ((uint32_t)&marker >> 16 & 0xff));
        set(SetLDT, LDT_GDT * 8);
        asm volatile("movl %1, %%gs; movl %%gs:0, %0" : "=r"(read) : "r"(0xc));
        check(read == marker && (get(GetLDT) & 0xffff) == LDT_GDT * 8,
              "WriteLDTEntry, SetLDT, GetLDT");

        p = (struct table_pointer){ sizeof(idt) - 1, (uint32_t)idt };
        write_gate(0x20, irq0_entry, 0x8e);
        write_gate(0x30, soft_entry, 0x8e);
        write_gate(0x80, return_entry, 0xee);
        set(SetIDT, &p);
        set(GetIDT, &q);
        check(!memcmp(&p, &q, sizeof(p)), "SetIDT, GetIDT");
        asm volatile("int $0x30");
        check(soft_interrupts == 1, "WriteIDTEntry; IRET as a jump");

        set(SetIOPLMask, 0x3400); /* DF is not its business */
        read = flags();
        set(SetIOPLMask, 0);
        asm volatile("cld");
        check((read & 0x3400) == 0x3000 && !(flags() & 0x3000), "SetIOPLMask");
}

void test_memory(void)
{
        volatile uint32_t *window = (void *)WINDOW;
        uint32_t seen[3];
        uint64_t entry = 0;
        struct relocation r;

        pages[0][0] = 0x11111111;
        pages[1][0] = 0x22222222;
        vmi(SetPxE, 0x87, (uint32_t)&page_directory[0], 2);
        vmi(SetPxE, 0x87, (uint32_t)&page_directory[ALIAS >> 22], 2);
        vmi(SetPxE, (uint32_t)page_table | 7,
            (uint32_t)&page_directory[WINDOW >> 22], 2);
        vmi(SetPxE, (uint32_t)pages[0] | 0x107, (uint32_t)&page_table[0], 1);
        set(SetCR4, get(GetCR4) | 0x90); /* PSE, PGE */
        check((get(GetCR4) & 0x90) == 0x90, "SetCR4, GetCR4");
        set(SetCR3, page_directory);
        set(SetCR0, get(GetCR0) | 0x80010000); /* PG, WP */
        check(get(GetCR3) == (uint32_t)page_directory, "SetCR3, GetCR3");
        vmi4(SetLinearMapping, 0, ALIAS, 1024, 0);

        seen[0] = *window;
        vmi(SetPxE, (uint32_t)pages[1] | 0x107, (uint32_t)&page_table[0], 1);
        vmi(InvalPage, WINDOW, 0, 0);
        seen[1] = *window;
        vmi(SetPxE, (uint32_t)pages[0] | 0x107, (uint32_t)&page_table[0], 1);
        set(FlushTLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL);
        seen[2] = *window;
        check(seen[0] == pages[0][0] && seen[1] == pages[1][0],
              "SetPxE, InvalPage");
        check(seen[2] == pages[0][0] && (get(GetCR4) & 0x80),
              "FlushTLB takes global pages along");
        vmi(SetPxE, (uint32_t)pages[1] | 7, (uint32_t)&page_table[0], 1);
        set(FlushTLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL);
        vmi(SetPxE, (uint32_t)pages[0] | 7, (uint32_t)&page_table[0], 1);
        set(FlushTLB, VMI_FLUSH_TLB);
        check(*window == pages[0][0], "FlushTLB");

        vmi4(SetPxELong, 0x89abcdef, 0x01234567, (uint32_t)&entry, 1);
        check(entry == 0x0123456789abcdef, "SetPxELong");
        check(vmi(MachineToPhysical, 0x5678, 9, 0) == 0x900005678 &&
                      vmi(PhysicalToMachine, 0x5678, 9, 0) == 0x900005678,
              "MachineToPhysical, PhysicalToMachine");

        /* Where the kernel has mapped it, as where it lies. */
        rom += ALIAS;
        r = relocation_at(rom, VMI_CALL_GetCR3);
        check(r.address > ALIAS && get(GetCR3) == (uint32_t)page_directory,
              "the ROM runs at another address");
}

void test_user_mode(void)
{
        vmi(WRMSR, KERNEL_CS, 0, 0x174); /* SYSENTER_CS */
        enter_user(user_code);
        check(user_word == 0x75736572 && user_cs == (USER_CS | 3),
              "SYSEXIT enters ring 3");
        check(user_flags & VMI_INTERRUPT_MASK, "with interrupts enabled");
        check(entry_stack == (uint32_t)ring0_stack_end - 20,
              "and comes back on UpdateKernelStack's stack");
}
