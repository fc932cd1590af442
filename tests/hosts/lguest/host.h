/* SPDX-License-Identifier: MIT */
/*
 * The test host's parts.  There is one guest with one processor, so its state
 * is in variables of the part that it belongs to.
 */
#ifndef TESTS_HOSTS_LGUEST_HOST_H
#define TESTS_HOSTS_LGUEST_HOST_H

#include "../bare.h"
#include "lguest.h"
#include "switcher.h"

#define PAGE_SIZE  4096u
#define PAGE_MASK  0xfffff000u
#define GUEST_RING 1

/* The guest's registers as switcher.S saves them. */
struct regs {
        uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
        uint32_t gs, fs, es, ds;
        uint32_t trap, error;
        uint32_t eip, cs, eflags, esp, ss;
};

struct descriptor {
        uint32_t lo, hi;
};

/* ---- main.c ---- */
extern struct regs *const regs;
extern bool strict; /* no more than Linux 4.9: see main.c */
extern bool no_tsc; /* the guest is told that the TSC is of no use */
extern bool no_subarch; /* boot_params lacks hardware_subarch */

/* Ends QEMU with a code, or goes on with the next guest. */
_Noreturn void end_run(uint8_t code);
/* Says why the guest may not go on, and ends the run. */
_Noreturn void kill_guest(const char *format, ...)
        __attribute__((format(printf, 1, 2)));
_Noreturn void guest_shutdown(const char *message, uint32_t how);
/* A character of the guest's console. */
void guest_put(char c);
/* Starts a line of the host's own. */
void host_says(void);

/* ---- memory.c: the guest's physical memory ---- */
extern uint8_t *guest_memory;
extern uint32_t guest_size;

/* Checks that [address, address + size) is the guest's, and returns it. */
void *guest_bytes(uint32_t address, uint32_t size, const char *what);
uint32_t guest_read(uint32_t address);
void guest_write(uint32_t address, uint32_t value);

/* ---- load.c ---- */
struct loaded {
        const uint8_t *image;
        uint32_t image_size;
        const uint8_t *initrd;
        uint32_t initrd_size;
        const char *command_line;
};
/* Fills memory as the launcher does; returns the entry. */
uint32_t load_guest(const struct loaded *l);

/* ---- tables.c: descriptor tables ---- */
void tables_init(void (*broken)(struct regs *frame));
void set_guest_cr3(uint32_t cr3);
void load_gdt_entry(uint32_t n, uint32_t lo, uint32_t hi);
void load_tls(uint32_t address);
void load_idt_entry(uint32_t n, uint32_t lo, uint32_t hi);
void set_stack(uint32_t ss, uint32_t esp, uint32_t pages);
void pin_stack(void);
struct descriptor guest_gate(uint32_t n);
struct descriptor guest_stack(void); /* lo: ss, hi: esp */

/* ---- pages.c: shadow page tables ---- */
void pages_init(uint32_t ram_end);
uint32_t pages_pool_start(void);
/* Virtual is physical until the first new_pgtable(). */
void pages_start(void);
void pages_guest_init(uint32_t kernel_address);
bool demand_page(uint32_t address, uint32_t error);
/* As the guest's page tables have it; kills if there is nothing. */
uint32_t guest_pa(uint32_t address);
bool guest_pa_maybe(uint32_t address, uint32_t *ret_pa);
void pin_page(uint32_t address);
void new_pgtable(uint32_t directory);
void set_pte(uint32_t directory, uint32_t address, uint32_t entry);
void set_pgd(uint32_t directory, uint32_t index);
void flush_user(void);
void flush_all(void);

/* ---- interrupts.c ---- */
void set_interrupt(uint32_t irq);
bool interrupt_pending(void);
/* Delivers what is pending, if the guest lets it. */
void deliver_interrupts(void);
/* False if the guest has no gate for it. */
bool deliver_trap(uint32_t n);

/* ---- hypercalls.c ---- */
extern struct lguest_data *lguest_data; /* null before LGUEST_INIT */
extern uint32_t noirq_iret;
extern bool halted, ts;
void do_hypercalls(void);
void write_timestamp(void);

/* ---- clock.c ---- */
void clock_init(void);
uint32_t clock_khz(void);
void clock_now(uint32_t *ret_seconds, uint32_t *ret_nanoseconds);
void clock_set_event(uint32_t ns);
/* Takes a hardware interrupt. */
void clock_interrupt(void);
/* Waits for one. */
void clock_wait(void);

/* ---- emulate.c, pci.c ---- */
/* In front of a general protection fault: true if that was done instead. */
bool emulate_instruction(void);
const char *instruction_name(void);
uint32_t pci_read(uint16_t port, uint32_t mask);
bool pci_write(uint16_t port, uint32_t mask, uint32_t value);
void pci_init(void);
static inline bool pci_has_port(uint16_t port)
{
        return port >= 0xcf8 && port <= 0xcff;
}

#endif
