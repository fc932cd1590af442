/* SPDX-License-Identifier: MIT */
/*
 * A kernel that tests the VMI ROM: finds it as a VMI kernel does, asks where
 * its calls are, patches them into its own code, uses each of them and looks
 * whether the machine is then as it should be.
 *
 * Each check is a line "vmi-guest: ok NAME" or "vmi-guest: FAILED NAME"; the
 * last line tells how many there were.  Then the ROM is asked for a shutdown,
 * or with the word "reboot" on the command line for a reboot.
 */
#include "../bare.h"
#include "vmi.h"

#define ROM_FIRST 0xc0000
#define ROM_LAST  0xe0000
#define ROM_STEP  2048

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS   0x18 /* SYSEXIT wants this order */
#define TSS_GDT   5
#define LDT_GDT   6
#define GDT_COUNT 8

#define ALIAS   0xc0000000  /* the first 4 MiB once more */
#define WINDOW  0x40000000  /* pages that tests map */
#define SECONDS 1767323045u /* -rtc base=2026-01-02T03:04:05 */
#define NANO    1000000000u

struct rom_header {
        uint16_t signature;
        uint8_t sectors;
        uint8_t entry[5];
        uint32_t vmi_signature;
        uint8_t api_minor;
        uint8_t api_major;
        uint8_t jump_slots;
        uint8_t reserved_1;
        uint32_t virtual_top;
        uint16_t reserved_2;
        uint16_t licence_offset;
        uint16_t pci_offset;
        uint16_t pnp_offset;
};

/* What LGDT and LIDT take. */
struct table_pointer {
        uint16_t limit;
        uint32_t base;
} __attribute__((packed));

/* guest-entry.S */
extern char irq0_entry[], soft_entry[], return_entry[], user_code[];
extern char ring0_stack_end[];
extern uint8_t iret_site[], sysexit_site[];
extern uint8_t io_delay_site[], lazy_mode_site[], rdpmc_site[];
extern volatile uint32_t ticks, soft_interrupts, native_operations;
extern volatile uint32_t user_cs, user_flags, user_word, entry_stack;
void enter_user(void *eip) __attribute__((regparm(1)));
void io_delay_function(void), lazy_mode_function(void), rdpmc_function(void);

static uint8_t *rom;
static uint64_t gdt[GDT_COUNT], idt[256], ldt[2];
static uint32_t tss[26];
static uint32_t page_directory[1024] __attribute__((aligned(4096)));
static uint32_t page_table[1024] __attribute__((aligned(4096)));
static uint32_t pages[2][1024] __attribute__((aligned(4096)));

static unsigned checks, failures;

void console_put(char c)
{
        serial_put(c);
}

static void check(bool good, const char *name)
{
        checks++;
        failures += !good;
        print("vmi-guest: %s %s\n", good ? "ok" : "FAILED", name);
}

/* ---- Finding the ROM --------------------------------------------------- */

/* Why a kernel may not use this ROM; null if it may. */
static const char *refusal(const uint8_t *base)
{
        const struct rom_header *h = (const void *)base;
        const char *licence = (const char *)base + h->licence_offset;
        uint8_t sum = 0;

        if (h->api_major != VMI_API_MAJOR)
                return "API version";
        if (!h->pci_offset)
                return "no PCI header";
        if (!text_equal(licence, "GPL") && !text_equal(licence, "GPL v2"))
                return "licence";
        for (uint32_t i = 0; i < h->sectors * 512u; i++)
                sum += base[i];
        return sum ? "checksum" : NULL;
}

static void find_rom(void)
{
        for (uint32_t base = ROM_FIRST; base < ROM_LAST; base += ROM_STEP) {
                const struct rom_header *h = (const void *)base;
                const uint16_t *pci = (const void *)(base + h->pci_offset);
                const uint16_t *pnp = (const void *)(base + h->pnp_offset);
                const char *why;

                if (h->signature != 0xaa55 || h->vmi_signature != VMI_SIGNATURE)
                        continue;
                why = refusal((const uint8_t *)base);
                if (why) {
                        print("vmi-guest: ROM at 0x%x refused: %s\n", base,
                              why);
                        continue;
                }
                print("vmi-guest: found at 0x%x, \"%s %s\", API %u.%u, PCI %x:%x\n",
                      base, (const char *)base + pnp[7],
                      (const char *)base + pnp[8], h->api_major, h->api_minor,
                      pci[2], pci[3]);
                rom = (uint8_t *)base;
                return;
        }
}

/* ---- Asking and calling ------------------------------------------------ */

struct relocation {
        uint32_t address;
        uint8_t kind;
};

static struct relocation relocation_at(uint8_t *base, uint32_t number)
{
        uint32_t clobbered, eax = number, edx;

        asm volatile("call *%3"
                     : "+a"(eax), "=d"(edx), "=c"(clobbered)
                     : "r"(base + VMI_GET_RELOC)
                     : "memory", "cc");
        return (struct relocation){ eax, (uint8_t)edx };
}

/* Arguments in eax, edx, ecx and two words of stack; returns edx:eax. */
static uint64_t vmi5(uint32_t number, uint32_t a, uint32_t d, uint32_t c,
                     uint32_t s0, uint32_t s1)
{
        struct relocation r = relocation_at(rom, number);
        uint32_t words[2] = { s0, s1 };
        const uint32_t *stack = words;

        if (r.kind != VMI_RELOCATION_CALL_REL) {
                print("vmi-guest: call %u is of kind %u\n", number, r.kind);
                check(false, "a call that is wanted can be called");
                return 0;
        }
        asm volatile("pushl 4(%[stack]); pushl (%[stack])\n\t"
                     "call *%[code]\n\t"
                     "addl $8, %%esp"
                     : "+a"(a), "+d"(d), "+c"(c)
                     : [stack] "S"(stack), [code] "D"(r.address)
                     : "memory", "cc");
        return (uint64_t)d << 32 | a;
}

#define vmi(number, a, d, c)     vmi5(VMI_CALL_##number, a, d, c, 0, 0)
#define vmi4(number, a, d, c, s) vmi5(VMI_CALL_##number, a, d, c, s, 0)
#define get(number)              ((uint32_t)vmi(number, 0, 0, 0))
#define set(number, value)       vmi(number, (uint32_t)(value), 0, 0)

/* As a VMI kernel patches: one instruction of 5 bytes, nops, or nothing. */
static void patch(uint8_t *site, uint32_t number)
{
        struct relocation r = relocation_at(rom, number);
        uint32_t distance = r.address - (uint32_t)(site + 5);

        switch (r.kind) {
        case VMI_RELOCATION_CALL_REL:
        case VMI_RELOCATION_JUMP_REL:
                site[0] = r.kind == VMI_RELOCATION_CALL_REL ? 0xe8 : 0xe9;
                memcpy(site + 1, &distance, sizeof(distance));
                break;
        case VMI_RELOCATION_NOP:
                memset(site, 0x90, 5);
                break;
        }
}

static void test_relocations(void)
{
        unsigned kinds[4] = { 0 };
        bool valid = true, inside = true;
        uint32_t end = (uint32_t)rom + rom[2] * 512u;

        for (uint32_t n = 0; n < VMI_CALL_COUNT; n++) {
                struct relocation r = relocation_at(rom, n);

                if (r.kind > VMI_RELOCATION_NOP) {
                        valid = false;
                        continue;
                }
                kinds[r.kind]++;
                if (r.kind == VMI_RELOCATION_CALL_REL ||
                    r.kind == VMI_RELOCATION_JUMP_REL)
                        inside &= r.address >= (uint32_t)rom && r.address < end;
        }
        print("vmi-guest: %u calls, %u jumps, %u nothing, %u native\n",
              kinds[VMI_RELOCATION_CALL_REL], kinds[VMI_RELOCATION_JUMP_REL],
              kinds[VMI_RELOCATION_NOP], kinds[VMI_RELOCATION_NONE]);
        check(valid, "GetRelocationInfo knows four kinds");
        check(inside, "code lies inside the ROM");
        check(kinds[0] && kinds[1] && kinds[2] && kinds[3], "all kinds occur");
        check(relocation_at(rom, VMI_CALL_COUNT).kind == VMI_RELOCATION_NONE &&
                      relocation_at(rom, ~0u).kind == VMI_RELOCATION_NONE,
              "unknown numbers are native");
        check(relocation_at(rom, VMI_CALL_IRET).kind != VMI_RELOCATION_NONE &&
                      relocation_at(rom, VMI_CALL_SYSEXIT).kind !=
                              VMI_RELOCATION_NONE,
              "IRET and SYSEXIT are answered");
}

/* ---- The calls ---------------------------------------------------------- */

/* The 8259s: vectors 0x20 and 0x28, everything masked. */
static void set_up_pic(void)
{
        static const uint8_t sequence[][2] = {
                { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 },
                { 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 2 }, { 0xa1, 1 },
                { 0x21, 0xff }, { 0xa1, 0xff },
        };

        for (unsigned i = 0; i < COUNT(sequence); i++)
                outb(sequence[i][0], sequence[i][1]);
}

static void test_patched_sites(void)
{
        patch(iret_site, VMI_CALL_IRET);
        patch(sysexit_site, VMI_CALL_SYSEXIT);
        check(iret_site[0] == 0xe9 && sysexit_site[0] == 0xe9,
              "IRET and SYSEXIT are jumps");
        patch(io_delay_site, VMI_CALL_IODelay);
        patch(lazy_mode_site, VMI_CALL_SetLazyMode);
        patch(rdpmc_site, VMI_CALL_RDPMC);
        io_delay_function();
        lazy_mode_function();
        check(native_operations == 0, "IODelay and SetLazyMode are nothing");
        rdpmc_function();
        check(native_operations == 1, "RDPMC stays native");
}

static void test_cpu(void)
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

static void test_interrupt_flag(void)
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

static void test_tables(void)
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

        set(SetIOPLMask, 0x3000);
        read = flags();
        set(SetIOPLMask, 0);
        check((read & 0x3000) == 0x3000 && !(flags() & 0x3000), "SetIOPLMask");
}

static void test_memory(void)
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

static void test_user_mode(void)
{
        vmi(WRMSR, KERNEL_CS, 0, 0x174); /* SYSENTER_CS */
        enter_user(user_code);
        check(user_word == 0x75736572 && user_cs == (USER_CS | 3),
              "SYSEXIT enters ring 3");
        check(user_flags & VMI_INTERRUPT_MASK, "with interrupts enabled");
        check(entry_stack == (uint32_t)ring0_stack_end - 20,
              "and comes back on UpdateKernelStack's stack");
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

static uint64_t divide(uint64_t number, uint32_t by)
{
        uint32_t high = (uint32_t)(number >> 32) / by;
        uint32_t low, rest = (uint32_t)(number >> 32) % by;

        asm("divl %3" : "=a"(low), "+d"(rest) : "a"((uint32_t)number), "r"(by));
        return (uint64_t)high << 32 | low;
}

static void test_time(void)
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

void guest_main(uint32_t magic, const uint32_t *information)
{
        const char *line = (const char *)information[4];
        uint32_t result, edx, ecx;

        (void)magic;
        set_up_pic();
        find_rom();
        if (!rom) {
                print("vmi-guest: no ROM\n");
                machine_exit(1);
        }
        asm volatile("call *%3"
                     : "=a"(result), "=d"(edx), "=c"(ecx)
                     : "r"(rom + VMI_INIT)
                     : "memory", "cc");
        if (result) {
                print("vmi-guest: VMI_Init failed: %x\n", result);
                machine_exit(1);
        }
        test_relocations();
        test_patched_sites();
        test_cpu();
        test_interrupt_flag();
        test_tables();
        test_memory();
        test_user_mode();
        if (relocation_at(rom, VMI_CALL_GetCycleFrequency).kind ==
            VMI_RELOCATION_NONE)
                print("vmi-guest: the ROM has no calls for time\n");
        else
                test_time();
        print("vmi-guest: end, %u checks, %u failed\n", checks, failures);
        if (failures)
                machine_exit(2);
        if (has_word(line, "reboot"))
                vmi(Reboot, 0, 0, 0);
        vmi(Shutdown, 0, 0, 0);
}
