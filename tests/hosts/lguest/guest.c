/* SPDX-License-Identifier: MIT */
/*
 * A kernel that tests an lguest host: how it is entered, what it is told, every
 * hypercall, ring 3, and, one a run, what the host must kill for.
 *
 * Each check is a line "lguest-guest: ok NAME" or "lguest-guest: FAILED NAME";
 * the last line tells how many there were.  Everything is printed by the
 * virtio console's emergency write.  Words of the command line:
 *      short           no more than entry, ports and LGUEST_INIT
 *      initrd          there is one, which begins with "initrd"
 *      no-notify       not the hypercall NOTIFY
 *      restart         ends by SHUTDOWN with 2
 *      kill CRIME      guest-kill.c; instead of all other checks
 */
#include "guest.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define CONSOLE     0x80000800u /* 0:1.0 */
#define CONSOLE_ID  0x10431af4u
#define SECONDS     1767323045u /* -rtc base=2026-01-02T03:04:05 */

static unsigned checks, failures;
static uint32_t emergency; /* in BAR 0 */
static uint8_t window;     /* the capability's offset */

static inline void out32(uint16_t port, uint32_t value)
{
        asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t in32(uint16_t port)
{
        uint32_t value;

        asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline uint16_t in16(uint16_t port)
{
        uint16_t value;

        asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static uint32_t pci_get(uint32_t device, uint8_t offset)
{
        out32(PCI_ADDRESS, device | offset);
        return in32(PCI_DATA);
}

static void pci_set(uint32_t device, uint8_t offset, uint32_t value)
{
        out32(PCI_ADDRESS, device | offset);
        out32(PCI_DATA, value);
}

static bool find_console(void)
{
        if (pci_get(CONSOLE, 0) != CONSOLE_ID)
                return false;
        for (uint8_t at = (uint8_t)pci_get(CONSOLE, 0x34); at;) {
                uint32_t head = pci_get(CONSOLE, at);

                if ((head & 0xff) == 9 && head >> 24 == 4)
                        emergency = pci_get(CONSOLE, (uint8_t)(at + 8)) + 8;
                if ((head & 0xff) == 9 && head >> 24 == 5)
                        window = at;
                at = (uint8_t)(head >> 8);
        }
        return emergency && window;
}

void console_put(char c)
{
        out32(PCI_ADDRESS, CONSOLE | (window + 4u));
        outb(PCI_DATA, 0);
        pci_set(CONSOLE, (uint8_t)(window + 12), 4);
        pci_set(CONSOLE, (uint8_t)(window + 8), emergency);
        pci_set(CONSOLE, (uint8_t)(window + 16), (uint8_t)c);
}

void check(bool good, const char *name)
{
        checks++;
        failures += !good;
        print("lguest-guest: %s %s\n", good ? "ok" : "FAILED", name);
}

static void test_entry(void)
{
        const struct entry_state *e = &entry_state;

        check(!(e->eax | e->ebx | e->ecx | e->edx | e->esi | e->edi | e->ebp |
                e->esp),
              "all registers are 0");
        check(e->cs == LGUEST_KERNEL_CS && e->ds == LGUEST_KERNEL_DS &&
                      e->es == LGUEST_KERNEL_DS && e->ss == LGUEST_KERNEL_DS &&
                      !e->fs && !e->gs,
              "segments are those of ring 1");
        check(e->eflags == 0x202, "eflags is 0x202");
}

/* The launcher fills few fields; all other bytes are 0. */
static void test_boot_params(bool initrd)
{
        /* Offset, bytes, value (of up to 4). */
        static const struct {
                uint16_t offset, size;
                uint32_t value;
        } fields[] = {
                { BOOT_E820_ENTRIES, 1, 1 },
                { BOOT_VERSION, 2, 0x207 },
                { BOOT_LOADFLAGS, 1, BOOT_KEEP_SEGMENTS },
                { BOOT_CMD_LINE_PTR, 4, BOOT_PARAMS_SIZE },
                { BOOT_KERNEL_ALIGNMENT, 4, 0x1000000 },
                { BOOT_HARDWARE_SUBARCH, 4, BOOT_SUBARCH_LGUEST },
                { BOOT_E820_MAP, 8, 0 },
                { BOOT_E820_MAP + 16, 4, 1 },
        };
        /* At 0: not to be taken for a null pointer. */
        volatile const uint8_t *params = (void *)0;
        static uint8_t copy[BOOT_PARAMS_SIZE];
        uint32_t memory, at, size;
        bool good = true, rest = true;

        asm("" : "+r"(params));
        for (unsigned i = 0; i < sizeof(copy); i++)
                copy[i] = params[i];
        memcpy(&memory, copy + BOOT_E820_MAP + 8, 4);
        memset(copy + BOOT_E820_MAP + 8, 0, 8);
        if (initrd) {
                memcpy(&at, copy + BOOT_RAMDISK_IMAGE, 4);
                memcpy(&size, copy + BOOT_RAMDISK_SIZE, 4);
                check(copy[BOOT_TYPE_OF_LOADER] == 0xff && size == 7 &&
                              at == memory - PAGE_SIZE &&
                              !memcmp((void *)at, "initrd\n", 7),
                      "boot_params: the initrd");
                copy[BOOT_TYPE_OF_LOADER] = 0;
                memset(copy + BOOT_RAMDISK_IMAGE, 0, 8);
        }
        for (unsigned i = 0; i < COUNT(fields); i++) {
                uint8_t *field = copy + fields[i].offset;

                good &= !memcmp(field, &fields[i].value,
                                fields[i].size < 4 ? fields[i].size : 4);
                memset(field, 0, fields[i].size);
        }
        for (unsigned i = 0; i < sizeof(copy); i++)
                rest &= !copy[i];
        check(good, "boot_params: what the launcher fills");
        check(rest, "boot_params: nothing else");
        check(memory >= 0x2000000 && !(memory & 0xfff),
              "boot_params: one range of memory");
        ((volatile uint32_t *)memory)[-1] = 0x5ca1ab1e;
        check(((volatile uint32_t *)memory)[-1] == 0x5ca1ab1e,
              "memory is there to its end");
}

static void test_ports(void)
{
        uint32_t eax = 0x12345678;

        check(inb(0x64) == 1, "port 0x64 reads 1");
        check(inb(0x60) == 0xff && in16(0x3f8) == 0xffff &&
                      in32(0x1000) == 0xffffffff,
              "other ports read all ones");
        asm volatile("inw $0x60, %%ax" : "+a"(eax));
        check(eax == 0x1234ffff, "in changes no more than its width");
        outb(0x80, 0);
        outb(0x3f8, '!');
        out32(PCI_ADDRESS, CONSOLE | 8);
        check(inb(PCI_DATA + 3) == 7 && in16(PCI_DATA + 2) == 0x0700 &&
                      in32(PCI_ADDRESS) == (CONSOLE | 8),
              "PCI is read by bytes and words as well");
        check(pci_get(0x80000000, 8) >> 24 == 6 &&
                      pci_get(0x80001000, 0) == 0xffffffff,
              "a host bridge at 0:0, nothing at 0:2");
        pci_set(CONSOLE, 0x10, 0xffffffff);
        check(pci_get(CONSOLE, 0x10) == 0xffffff80, "BAR 0 has 128 bytes");
}

static uint32_t flags(void)
{
        uint32_t f;

        asm volatile("pushfl; popl %0" : "=r"(f));
        return f;
}

static void test_interrupt_flag(void)
{
        asm volatile("cli");
        check(flags() & LGUEST_IF, "cli is skipped");
        asm volatile("pushl $2; popfl");
        check(flags() & LGUEST_IF, "popf leaves IF on");
}

static void initialize(void)
{
        lguest_data.noirq_iret = (uint32_t)noirq_iret;
        lguest_data.kernel_address = KERNEL_ADDRESS;
        lguest_data.syscall_vec = LGUEST_SYSCALL;
        lguest_data.irq_enabled = 0;
        memset(lguest_data.hcall_status, LHCALL_EMPTY, LHCALL_RING_SIZE);
        hypercall(LHCALL_LGUEST_INIT, (uint32_t)&lguest_data, 0, 0);
}

static void test_init(bool tsc)
{
        initialize();
        check(lguest_data.reserve_mem == 0x400000, "4 MiB are reserved");
        check(tsc ? lguest_data.tsc_khz > 10000 : !lguest_data.tsc_khz,
              "tsc_khz");
        check(lguest_data.time[0] >= SECONDS &&
                      lguest_data.time[0] < SECONDS + 60 &&
                      lguest_data.time[1] < 1000000000,
              "time");
}

static void test_notify(void)
{
        hypercall(LHCALL_NOTIFY,
                  (uint32_t) "lguest-guest: ok NOTIFY prints a text\n", 0, 0);
        checks++;
}

/* The ring's calls come before the one that is made. */
static void test_ring_of_calls(void)
{
        uint32_t *call = lguest_data.hcalls[0];

        call[0] = LHCALL_LOAD_GDT_ENTRY;
        call[1] = 9;
        call[2] = 0xffff;
        call[3] = 0xcf9300;
        lguest_data.hcall_status[0] = 0;
        hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0);
        call = lguest_data.hcalls[1];
        call[0] = LHCALL_TS;
        call[1] = 0;
        lguest_data.hcall_status[1] = 0;
        hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0);
        check(lguest_data.hcall_status[0] == LHCALL_EMPTY &&
                      lguest_data.hcall_status[1] == LHCALL_EMPTY,
              "calls in the ring are made");
}

static _Noreturn void end(bool restart)
{
        print("lguest-guest: end, %u checks, %u failed\n", checks, failures);
        hypercall(LHCALL_SHUTDOWN,
                  (uint32_t)(failures ? "some checks failed" : "all is well"),
                  restart ? LGUEST_SHUTDOWN_RESTART : LGUEST_SHUTDOWN_POWEROFF,
                  0);
        for (;;)
                ;
}

void guest_main(void)
{
        static char line[256];
        volatile const char *given = (void *)BOOT_PARAMS_SIZE;

        asm("" : "+r"(given));
        for (unsigned i = 0; i < sizeof(line) - 1 && given[i]; i++)
                line[i] = given[i];
        if (!find_console())
                hypercall(LHCALL_SHUTDOWN, 0, 0, 0);
        print("lguest-guest: command line \"%s\"\n", line);
        if (has_word(line, "kill")) {
                bool committed = commit_crime(line, false);

                initialize();
                committed = committed || commit_crime(line, true);
                print("lguest-guest: %s\n",
                      committed ? "FAILED still alive" : "no such crime");
                end(false);
        }
        test_entry();
        test_boot_params(has_word(line, "initrd"));
        test_ports();
        test_interrupt_flag();
        test_init(!has_word(line, "no-tsc"));
        if (!has_word(line, "no-notify"))
                test_notify();
        if (!has_word(line, "short")) {
                test_ring_of_calls();
                test_tables();
                test_traps();
                test_pages();
                test_user();
                test_clock();
        }
        end(has_word(line, "restart"));
}
