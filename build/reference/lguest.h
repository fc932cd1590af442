/* SPDX-License-Identifier: MIT */
/*
 * Backend lguest: ring 1 below a host that is a Linux module.  Calls are
 * `int $0x1f`; the interrupt flag and CR2 lie in a structure that the host
 * reads and writes; page tables are ours, but the host runs on shadows of them
 * and must be told of changes.
 */
#ifndef REFERENCE_LGUEST_H
#define REFERENCE_LGUEST_H

#define BACKEND_IS_CALLED

/* As of Linux 4.9. */
struct lguest_data {
        uint32_t irq_enabled; /* 0x200 or 0 */
        uint32_t blocked_interrupts;
        uint32_t cr2;
        uint32_t time[2];
        uint32_t irq_pending;
        uint8_t call_status[64]; /* 0xff: no call waits */
        uint32_t calls[64][5];
        uint32_t reserve_mem;
        uint32_t tsc_khz;
        /* The guest's words to the host. */
        uint32_t noirq_iret; /* no interrupt at this instruction */
        uint32_t kernel_address;
        uint32_t syscall_vector;
};
_Static_assert(sizeof(struct lguest_data) == 1388,
               "lguest_launcher.h of Linux 4.9");

#define LGUEST_SHUTDOWN        2
#define LGUEST_NEW_TABLE       4
#define LGUEST_FLUSH_TLB       5
#define LGUEST_LOAD_IDT_ENTRY  6
#define LGUEST_SET_STACK       7
#define LGUEST_SET_CLOCK_EVENT 9
#define LGUEST_HALT            10
#define LGUEST_SET_PTE         14
#define LGUEST_SET_PGD         15
#define LGUEST_LOAD_GDT_ENTRY  18
#define LGUEST_SEND_INTERRUPTS 19

extern struct lguest_data lguest_data;

static inline void lguest_call(uint32_t number, uint32_t a, uint32_t b,
                               uint32_t c)
{
        __asm__ volatile("int $0x1f"
                         : "+a"(number)
                         : "b"(a), "c"(b), "d"(c)
                         : "memory");
}

void lguest_iret(void);
unsigned long lguest_read_cr3(void);
void lguest_write_cr3(unsigned long table);
void lguest_set_entry(unsigned long value, unsigned long *entry,
                      unsigned long where);
void lguest_load_gdt(const struct table_pointer *table);
void lguest_load_idt(const struct table_pointer *table);
SMALL void lguest_timer_start(unsigned long hz);
void lguest_timer_ack(void);
SMALL void lguest_console_put(const char *text, unsigned long size);
SMALL void lguest_shutdown(void);

FLAG_OPERATION unsigned long lguest_save_flags(void)
{
        return *(volatile uint32_t *)&lguest_data.irq_enabled;
}

FLAG_OPERATION void lguest_irq_disable(void)
{
        *(volatile uint32_t *)&lguest_data.irq_enabled = 0;
        __asm__ volatile("" : : : "memory");
}

FLAG_OPERATION void lguest_irq_enable(void)
{
        __asm__ volatile("" : : : "memory");
        *(volatile uint32_t *)&lguest_data.irq_enabled = 0x200;
        if (*(volatile uint32_t *)&lguest_data.irq_pending)
                lguest_call(LGUEST_SEND_INTERRUPTS, 0, 0, 0);
}

FLAG_OPERATION void lguest_restore_flags(unsigned long flags)
{
        if (flags & 0x200)
                lguest_irq_enable();
        else
                lguest_irq_disable();
}

/* The host turns interrupts on when it wakes us. */
OPERATION void lguest_halt(void)
{
        lguest_call(LGUEST_HALT, 0, 0, 0);
}

OPERATION unsigned long lguest_read_cr2(void)
{
        return *(volatile uint32_t *)&lguest_data.cr2;
}

OPERATION void lguest_flush_tlb(void)
{
        lguest_call(LGUEST_FLUSH_TLB, 1, 0, 0);
}

/* The user's pages at once: there is no call for a single one. */
OPERATION void lguest_flush_page(unsigned long addr)
{
        (void)addr;
        lguest_call(LGUEST_FLUSH_TLB, 0, 0, 0);
}

OPERATION void lguest_set_kernel_stack(unsigned long top)
{
        lguest_call(LGUEST_SET_STACK, KERNEL_SS | 1, top,
                    STACK_SIZE / PAGE_SIZE);
}

/* Physical is machine; the rest is the host's, or is not there. */
OPERATION unsigned long lguest_entry(unsigned long value)
{
        return value;
}
#define lguest_machine_entry  lguest_entry
#define lguest_physical_entry lguest_entry
OPERATION void lguest_add_table(unsigned long addr, unsigned long level)
{
        (void)addr;
        (void)level;
}
OPERATION unsigned long lguest_read_cr4(void)
{
        return 0;
}
OPERATION void lguest_write_cr4(unsigned long value)
{
        (void)value;
}
OPERATION void lguest_load_tr(unsigned long selector)
{
        (void)selector;
}
OPERATION unsigned long lguest_read_msr(unsigned long msr)
{
        (void)msr;
        return 0;
}
OPERATION void lguest_write_msr(unsigned long msr, unsigned long value)
{
        (void)msr;
        (void)value;
}
#define lguest_io_delay no_operation

#endif
