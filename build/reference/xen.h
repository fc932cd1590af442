/* SPDX-License-Identifier: MIT */
/*
 * Backend xen, 64 bits: a paravirtual domain.  It runs in ring 3, so nothing
 * privileged is its own: page tables are Xen's to write, interrupts are events
 * behind a mask in the page shared with Xen, the rest are hypercalls.
 */
#ifndef REFERENCE_XEN_H
#define REFERENCE_XEN_H

#include "xen-common.h"

extern struct shared_info xen_shared;

void xen_iret(void);
void xen_halt(void);
unsigned long xen_read_cr3(void);
void xen_write_cr3(unsigned long table);
void xen_set_entry(unsigned long value, unsigned long *entry,
                   unsigned long where);
unsigned long xen_machine_entry(unsigned long value);
unsigned long xen_physical_entry(unsigned long value);
void xen_add_table(unsigned long addr, unsigned long level);
void xen_flush_tlb(void);
void xen_flush_page(unsigned long addr);
void xen_load_idt(const struct table_pointer *table);
void xen_set_kernel_stack(unsigned long top);
SMALL void xen_timer_start(unsigned long hz);

FLAG_OPERATION unsigned long xen_save_flags(void)
{
        return *(volatile uint8_t *)&xen_shared.vcpu_info[0].evtchn_upcall_mask
                       ? 0
                       : 0x200;
}

FLAG_OPERATION void xen_irq_disable(void)
{
        *(volatile uint8_t *)&xen_shared.vcpu_info[0].evtchn_upcall_mask = 1;
        __asm__ volatile("" : : : "memory");
}

/* An event that came meanwhile is delivered on return from any hypercall. */
FLAG_OPERATION void xen_irq_enable(void)
{
        __asm__ volatile("" : : : "memory");
        *(volatile uint8_t *)&xen_shared.vcpu_info[0].evtchn_upcall_mask = 0;
        if (*(volatile uint8_t *)&xen_shared.vcpu_info[0].evtchn_upcall_pending)
                XEN_CALL(__HYPERVISOR_xen_version, 0, 0, 0, 0);
}

FLAG_OPERATION void xen_restore_flags(unsigned long flags)
{
        if (flags & 0x200)
                xen_irq_enable();
        else
                xen_irq_disable();
}

OPERATION unsigned long xen_read_cr2(void)
{
        return *(volatile unsigned long *)&xen_shared.vcpu_info[0].arch.cr2;
}

/* Xen keeps control register and MSRs; its segments are good enough, and it
 * has no slow devices. */
OPERATION unsigned long xen_read_cr4(void)
{
        return 0;
}
OPERATION void xen_write_cr4(unsigned long value)
{
        (void)value;
}
OPERATION unsigned long xen_read_msr(unsigned long msr)
{
        (void)msr;
        return 0;
}
OPERATION void xen_write_msr(unsigned long msr, unsigned long value)
{
        (void)msr;
        (void)value;
}
OPERATION void xen_load_gdt(const struct table_pointer *table)
{
        (void)table;
}
OPERATION void xen_load_tr(unsigned long selector)
{
        (void)selector;
}
#define xen_io_delay    no_operation
#define xen_console_put xen_call_console_put
#define xen_shutdown    xen_call_shutdown

#endif
