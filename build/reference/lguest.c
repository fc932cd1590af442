/* SPDX-License-Identifier: MIT */
/*
 * lguest's calls that are more than one instruction.  The console is the
 * emergency register of the launcher's virtio console, reached through PCI
 * configuration space: no queue, no memory, one character at a time.
 * References: Linux 4.9, drivers/lguest and tools/lguest; the virtio 1.0
 * specification, 4.1.4 (capabilities) and 5.3.4 (emerg_wr).
 */
#include "kernel.h"
#include "io.h"
#include "lguest.h"

#include <asm/bootparam.h>

#define NANOSECONDS       1000000000ul
#define LGUEST_IRQ_TIMER  1u /* bit 0 of blocked_interrupts */
#define SHUTDOWN_POWEROFF 1
#define PROTOCOL_SUBARCH  0x207 /* boot_params has hardware_subarch since */
#define GATE_PRESENT      0x8000

#define PCI_ADDRESS       0xcf8
#define PCI_DATA          0xcfc
#define PCI_CONSOLE       0x80000800 /* device 0:1.0 */
#define CONSOLE_ID        0x10431af4
#define CAPABILITIES      0x34
#define CAPABILITY_VENDOR 9
#define CAPABILITY_DEVICE 4 /* cfg_type: where the device's registers are */
#define CAPABILITY_WINDOW 5 /* cfg_type: access through this capability */
#define EMERGENCY_WRITE   8 /* offset of the register */

extern const char lguest_noirq_iret[];

struct lguest_data lguest_data = {
        .blocked_interrupts = LGUEST_IRQ_TIMER,
        .call_status = { [0 ... 63] = 0xff },
        .noirq_iret = (uint32_t)lguest_noirq_iret,
        .kernel_address = VIRT_BASE,
        .syscall_vector = VECTOR_SYSCALL,
};

static unsigned long table; /* the running top table, physical */
static uint32_t period;     /* nanoseconds */

BACKEND_DECLARE(lguest)

const char *lguest_probe(void)
{
        const struct boot_params *p = boot.boot_params;
        uint32_t cs;
        __asm__("mov %%cs, %0" : "=r"(cs));
        if ((cs & 3) != 1)
                return "not in ring 1";
        if (!p || p->hdr.version < PROTOCOL_SUBARCH ||
            p->hdr.hardware_subarch != 1)
                return "boot_params does not name lguest";
        return NULL;
}

/* LGUEST_INIT, and the first table, were lguest_enter's. */
const char *lguest_init(void)
{
        table = to_physical(kernel_table);
        constants[CONSTANT_kernel_cs] = KERNEL_CS | 1;
        constants[CONSTANT_user_cs] = USER_CS;
        constants[CONSTANT_user_ss] = USER_SS;
        return NULL;
}

unsigned long lguest_read_cr3(void)
{
        return table;
}

void lguest_write_cr3(unsigned long addr)
{
        table = addr;
        lguest_call(LGUEST_NEW_TABLE, addr, 0, 0);
}

void lguest_set_entry(unsigned long value, unsigned long *entry,
                      unsigned long where)
{
        *(volatile unsigned long *)entry = value;
        if (where % PAGE_SIZE == 1)
                lguest_call(LGUEST_SET_PTE, table, where & -PAGE_SIZE, value);
        else
                lguest_call(LGUEST_SET_PGD, to_physical(entry) & -PAGE_SIZE,
                            (unsigned long)entry % PAGE_SIZE / 4, 0);
}

/* Entry by entry; the host raises ring 0 to ring 1 by itself. */
void lguest_load_gdt(const struct table_pointer *gdt)
{
        const uint32_t *entry = (const uint32_t *)gdt->base;
        for (uint32_t i = 0; i <= gdt->limit / 8u; i++)
                lguest_call(LGUEST_LOAD_GDT_ENTRY, i, entry[i * 2],
                            entry[i * 2 + 1]);
        __asm__ volatile("mov %0, %%ss" : : "r"(KERNEL_SS | 1));
        __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(USER_SS));
}

void lguest_load_idt(const struct table_pointer *idt)
{
        const uint32_t *gate = (const uint32_t *)idt->base;
        for (uint32_t i = 0; i <= idt->limit / 8u; i++)
                if (gate[i * 2 + 1] & GATE_PRESENT)
                        lguest_call(LGUEST_LOAD_IDT_ENTRY, i, gate[i * 2],
                                    gate[i * 2 + 1]);
}

/* The host's clock rings once; each tick asks for the next. */
void lguest_timer_start(unsigned long hz)
{
        period = NANOSECONDS / hz;
        lguest_data.blocked_interrupts &= ~LGUEST_IRQ_TIMER;
        lguest_call(LGUEST_SET_CLOCK_EVENT, period, 0, 0);
}

void lguest_timer_ack(void)
{
        lguest_call(LGUEST_SET_CLOCK_EVENT, period, 0, 0);
}

/* ---- console ------------------------------------------------------------------ */

SMALL static uint32_t pci_read(uint8_t offset)
{
        out32(PCI_ADDRESS, PCI_CONSOLE | (offset & 0xfc));
        return in32(PCI_DATA) >> (offset & 3) * 8;
}

SMALL static void pci_write(uint8_t offset, uint32_t value)
{
        out32(PCI_ADDRESS, PCI_CONSOLE | offset);
        out32(PCI_DATA, value);
}

SMALL static void pci_write8(uint8_t offset, uint8_t value)
{
        out32(PCI_ADDRESS, PCI_CONSOLE | (offset & 0xfc));
        out8(PCI_DATA + (offset & 3), value);
}

/* The capability whose window leads to the register, 0 if there is none, and
 * the register's place in the device's memory. */
static uint8_t find_window(uint32_t *ret_offset)
{
        uint8_t window = 0, at = (uint8_t)pci_read(CAPABILITIES);
        if (pci_read(0) != CONSOLE_ID)
                return 0;
        /* At most as many as there is room for. */
        for (unsigned i = 0; at && i < 48; i++) {
                uint32_t head = pci_read(at); /* id, next, length, cfg_type */
                if ((head & 0xff) == CAPABILITY_VENDOR &&
                    head >> 24 == CAPABILITY_DEVICE)
                        *ret_offset = pci_read(at + 8) + EMERGENCY_WRITE;
                if ((head & 0xff) == CAPABILITY_VENDOR &&
                    head >> 24 == CAPABILITY_WINDOW)
                        window = at;
                at = (uint8_t)(head >> 8);
        }
        return window;
}

void lguest_console_put(const char *text, unsigned long size)
{
        static uint8_t window;
        static uint32_t offset;
        if (!window)
                window = find_window(&offset);
        for (; window && size; size--, text++) {
                pci_write8(window + 4, 0);     /* bar */
                pci_write(window + 12, 4);     /* length */
                pci_write(window + 8, offset); /* offset */
                pci_write(window + 16, (uint8_t)*text);
        }
}

void lguest_shutdown(void)
{
        static const char message[] = "power off";
        lguest_call(LGUEST_SHUTDOWN, to_physical(message), SHUTDOWN_POWEROFF,
                    0);
}

#ifndef BACKEND_pvops
/* ---- operations that are called ---------------------------------------------- */

#define ALIAS(kind, type, name, parameters, arguments) \
        type backend_##name parameters                 \
                __attribute__((alias(STRING(BACKEND_(name)))));
FLAG_OPERATIONS(ALIAS)
PROCESSOR_OPERATIONS(ALIAS)
#endif
