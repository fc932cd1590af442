/* SPDX-License-Identifier: MIT */
/*
 * Backend xen, 32 bits: a PVH domain.  The processor's virtualisation gives it
 * ring 0 and page tables of its own; there are no PC devices, so console,
 * timer and the end are hypercalls as in a PV domain.
 */
#ifndef REFERENCE_XEN_PVH_H
#define REFERENCE_XEN_PVH_H

#include "native.h"
#include "xen-common.h"

SMALL void xen_timer_start(unsigned long hz);
void xen_console_put(const char *text, unsigned long size);
SMALL void xen_shutdown(void);

#define xen_save_flags       native_save_flags
#define xen_restore_flags    native_restore_flags
#define xen_irq_disable      native_irq_disable
#define xen_irq_enable       native_irq_enable
#define xen_halt             native_halt
#define xen_iret             native_iret
#define xen_read_cr2         native_read_cr2
#define xen_read_cr3         native_read_cr3
#define xen_write_cr3        native_write_cr3
#define xen_read_cr4         native_read_cr4
#define xen_write_cr4        native_write_cr4
#define xen_set_entry        native_set_entry
#define xen_machine_entry    native_machine_entry
#define xen_physical_entry   native_physical_entry
#define xen_add_table        native_add_table
#define xen_flush_tlb        native_flush_tlb
#define xen_flush_page       native_flush_page
#define xen_load_gdt         native_load_gdt
#define xen_load_idt         native_load_idt
#define xen_load_tr          native_load_tr
#define xen_set_kernel_stack native_set_kernel_stack
#define xen_read_msr         native_read_msr
#define xen_write_msr        native_write_msr
#define xen_io_delay         no_operation

#endif
