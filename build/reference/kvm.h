/* SPDX-License-Identifier: MIT */
/*
 * Backend kvm: the processor is real, time and the local APIC are KVM's.  The
 * timer is the APIC's, measured by kvmclock, and its acknowledgement is mostly
 * a bit that KVM has set in memory (PV EOI) instead of an exit.
 */
#ifndef REFERENCE_KVM_H
#define REFERENCE_KVM_H

#include "native.h"

SMALL void kvm_timer_start(unsigned long hz);
extern uint32_t kvm_eoi_word;

#define X2APIC_EOI 0x80b

/* Bit 0 set: KVM will do without the register write. */
OPERATION void kvm_timer_ack(void)
{
        bool done;
        __asm__ volatile("btrl $0, %0" : "+m"(kvm_eoi_word), "=@ccc"(done));
        if (!done)
                native_write_msr(X2APIC_EOI, 0);
}

#define kvm_save_flags       native_save_flags
#define kvm_restore_flags    native_restore_flags
#define kvm_irq_disable      native_irq_disable
#define kvm_irq_enable       native_irq_enable
#define kvm_halt             native_halt
#define kvm_iret             native_iret
#define kvm_read_cr2         native_read_cr2
#define kvm_read_cr3         native_read_cr3
#define kvm_write_cr3        native_write_cr3
#define kvm_read_cr4         native_read_cr4
#define kvm_write_cr4        native_write_cr4
#define kvm_set_entry        native_set_entry
#define kvm_machine_entry    native_machine_entry
#define kvm_physical_entry   native_physical_entry
#define kvm_add_table        native_add_table
#define kvm_flush_tlb        native_flush_tlb
#define kvm_flush_page       native_flush_page
#define kvm_load_gdt         native_load_gdt
#define kvm_load_idt         native_load_idt
#define kvm_load_tr          native_load_tr
#define kvm_set_kernel_stack native_set_kernel_stack
#define kvm_read_msr         native_read_msr
#define kvm_write_msr        native_write_msr
#define kvm_io_delay         no_operation /* there are no slow devices */
#define kvm_console_put      native_console_put
#define kvm_shutdown         native_shutdown

#endif
