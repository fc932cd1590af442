/* SPDX-License-Identifier: MIT */
/*
 * Backend native: the bare machine, and the instructions themselves.  Other
 * backends take from here what their platform leaves as it is.
 */
#ifndef REFERENCE_NATIVE_H
#define REFERENCE_NATIVE_H

#include "io.h"

void native_load_segments(void);
void native_load_gdt(const struct table_pointer *table);
void native_set_kernel_stack(unsigned long top);
SMALL void native_timer_start(unsigned long hz);
void native_console_put(const char *text, unsigned long size);
SMALL void native_shutdown(void);
void native_iret(void);
SMALL const char *native_probe(void);
SMALL const char *native_init(void);

#define PIC_MASTER 0x20
#define PIC_EOI    0x20
#define PORT_DELAY 0x80 /* POST codes: nobody minds */

FLAG_OPERATION unsigned long native_save_flags(void)
{
        unsigned long flags;
        __asm__ volatile("pushf\n\tpop %0" : "=r"(flags) : : "memory");
        return flags;
}

FLAG_OPERATION void native_restore_flags(unsigned long flags)
{
        __asm__ volatile("push %0\n\tpopf" : : "r"(flags) : "memory", "cc");
}

FLAG_OPERATION void native_irq_disable(void)
{
        __asm__ volatile("cli" : : : "memory");
}

FLAG_OPERATION void native_irq_enable(void)
{
        __asm__ volatile("sti" : : : "memory");
}

OPERATION void native_halt(void)
{
        __asm__ volatile("sti\n\thlt" : : : "memory");
}

#define READ_REGISTER(name)                              \
        OPERATION unsigned long native_read_##name(void) \
        {                                                \
                unsigned long value;                     \
                __asm__ volatile("mov %%" #name ", %0"   \
                                 : "=r"(value)           \
                                 :                       \
                                 : "memory");            \
                return value;                            \
        }
#define WRITE_REGISTER(name)                                    \
        OPERATION void native_write_##name(unsigned long value) \
        {                                                       \
                __asm__ volatile("mov %0, %%" #name             \
                                 :                              \
                                 : "r"(value)                   \
                                 : "memory");                   \
        }
READ_REGISTER(cr2)
READ_REGISTER(cr3)
WRITE_REGISTER(cr3)
READ_REGISTER(cr4)
WRITE_REGISTER(cr4)

OPERATION void native_set_entry(unsigned long value, unsigned long *entry,
                                unsigned long where)
{
        (void)where;
        *(volatile unsigned long *)entry = value;
}

OPERATION unsigned long native_machine_entry(unsigned long value)
{
        return value;
}

OPERATION unsigned long native_physical_entry(unsigned long value)
{
        return value;
}

OPERATION void native_add_table(unsigned long addr, unsigned long level)
{
        (void)addr;
        (void)level;
}

OPERATION void native_flush_tlb(void)
{
        native_write_cr3(native_read_cr3());
}

OPERATION void native_flush_page(unsigned long addr)
{
        __asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

OPERATION void native_load_idt(const struct table_pointer *table)
{
        __asm__ volatile("lidt (%0)" : : "r"(table), "m"(*table));
}

OPERATION void native_load_tr(unsigned long selector)
{
        __asm__ volatile("ltr %w0" : : "r"(selector));
}

OPERATION unsigned long native_read_msr(unsigned long msr)
{
        uint32_t low, high;
        __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
        return (unsigned long)((uint64_t)high << 32 | low);
}

OPERATION void native_write_msr(unsigned long msr, unsigned long value)
{
        __asm__ volatile("wrmsr"
                         :
                         : "c"(msr), "a"((uint32_t)value),
                           "d"((uint32_t)((uint64_t)value >> 32))
                         : "memory");
}

OPERATION void native_io_delay(void)
{
        __asm__ volatile("outb %%al, %0" : : "N"(PORT_DELAY));
}

OPERATION void native_timer_ack(void)
{
        out8(PIC_MASTER, PIC_EOI);
}

#endif
