/* SPDX-License-Identifier: MIT */
/*
 * Backend vmi: VMware's interface of 2006, code that an option ROM brings.
 * Each call that the kernel uses is a slot of vmi.S, filled at boot with a
 * jump to the ROM's code or, if the ROM has none, with the instruction itself;
 * the kernel calls the slots.  Devices are the PC's.
 *
 * Arguments are in eax, edx, ecx, then on the stack; these registers and the
 * flags are lost, but the four calls about the interrupt flag lose flags only.
 */
#ifndef REFERENCE_VMI_H
#define REFERENCE_VMI_H

#include "native.h"

#define BACKEND_IS_CALLED

/* The slots: number of the call, name, the native instructions.  (AllocatePage
 * and SetLinearMapping are nothing on a real machine.) */
/* clang-format off */
#define VMI_CALLS(CALL) \
        CALL(1, WRMSR, "wrmsr; ret") \
        CALL(2, RDMSR, "rdmsr; ret") \
        CALL(3, SetGDT, "lgdt (%eax); ret") \
        CALL(5, SetIDT, "lidt (%eax); ret") \
        CALL(6, SetTR, "ltr %ax; ret") \
        CALL(14, UpdateKernelStack, "ret") \
        CALL(17, SetCR3, "mov %eax, %cr3; ret") \
        CALL(18, SetCR4, "mov %eax, %cr4; ret") \
        CALL(20, GetCR2, "mov %cr2, %eax; ret") \
        CALL(21, GetCR3, "mov %cr3, %eax; ret") \
        CALL(22, GetCR4, "mov %cr4, %eax; ret") \
        CALL(29, EnableInterrupts, "sti; ret") \
        CALL(30, DisableInterrupts, "cli; ret") \
        CALL(31, GetInterruptMask, "pushf; pop %eax; ret") \
        CALL(32, SetInterruptMask, "push %eax; popf; ret") \
        CALL(33, IRET, "iret") \
        CALL(35, Halt, "sti; hlt; ret") \
        CALL(37, Shutdown, "ret") \
        CALL(38, SetPxE, "mov %eax, (%edx); ret") \
        CALL(44, AllocatePage, "ret") \
        CALL(46, InvalPage, "invlpg (%eax); ret") \
        CALL(47, FlushTLB, "mov %cr3, %eax; mov %eax, %cr3; ret") \
        CALL(48, SetLinearMapping, "ret") \
        CALL(65, IODelay, "out %al, $0x80; ret")
/* clang-format on */

#define VMI_LOST "memory", "cc"
#define VMI_CALL0(name) \
        __asm__ volatile("call vmi_" #name : : : "eax", "edx", "ecx", VMI_LOST)
#define VMI_CALL1(name, a)                                  \
        do {                                                \
                unsigned long a_ = (unsigned long)(a);      \
                __asm__ volatile("call vmi_" #name          \
                                 : "+a"(a_)                 \
                                 :                          \
                                 : "edx", "ecx", VMI_LOST); \
        } while (0)

#define VMI_FLUSH_TLB    1
#define VMI_FLUSH_GLOBAL 2

void vmi_iret(void);
void vmi_load_gdt(const struct table_pointer *table);
void vmi_set_kernel_stack(unsigned long top);
SMALL void vmi_shutdown(void);

FLAG_OPERATION unsigned long vmi_save_flags(void)
{
        unsigned long flags;
        __asm__ volatile("call vmi_GetInterruptMask"
                         : "=a"(flags)
                         :
                         : VMI_LOST);
        return flags;
}

FLAG_OPERATION void vmi_restore_flags(unsigned long flags)
{
        __asm__ volatile("call vmi_SetInterruptMask" : : "a"(flags) : VMI_LOST);
}

FLAG_OPERATION void vmi_irq_disable(void)
{
        __asm__ volatile("call vmi_DisableInterrupts" : : : VMI_LOST);
}

FLAG_OPERATION void vmi_irq_enable(void)
{
        __asm__ volatile("call vmi_EnableInterrupts" : : : VMI_LOST);
}

OPERATION void vmi_halt(void)
{
        VMI_CALL0(Halt);
}

#define VMI_READ(operation, name)                           \
        OPERATION unsigned long vmi_##operation(void)       \
        {                                                   \
                unsigned long value;                        \
                __asm__ volatile("call vmi_" #name          \
                                 : "=a"(value)              \
                                 :                          \
                                 : "edx", "ecx", VMI_LOST); \
                return value;                               \
        }
VMI_READ(read_cr2, GetCR2)
VMI_READ(read_cr3, GetCR3)
VMI_READ(read_cr4, GetCR4)

OPERATION void vmi_write_cr3(unsigned long table)
{
        VMI_CALL1(SetCR3, table);
}

OPERATION void vmi_write_cr4(unsigned long value)
{
        VMI_CALL1(SetCR4, value);
}

/* The level's numbers are VMI_PAGE_PT and VMI_PAGE_PD; the address counts only
 * together with VMI_PAGE_CURRENT_AS. */
OPERATION void vmi_set_entry(unsigned long value, unsigned long *entry,
                             unsigned long where)
{
        __asm__ volatile("call vmi_SetPxE"
                         : "+a"(value), "+d"(entry), "+c"(where)
                         :
                         : VMI_LOST);
}

/* (frame, level, three numbers for clones) */
OPERATION void vmi_add_table(unsigned long addr, unsigned long level)
{
        unsigned long frame = addr / PAGE_SIZE, none = 0;
        __asm__ volatile(
                "push $0\n\tpush $0\n\tcall vmi_AllocatePage\n\tadd $8, %%esp"
                : "+a"(frame), "+d"(level), "+c"(none)
                :
                : VMI_LOST);
}

OPERATION void vmi_flush_tlb(void)
{
        VMI_CALL1(FlushTLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL);
}

OPERATION void vmi_flush_page(unsigned long addr)
{
        VMI_CALL1(InvalPage, addr);
}

OPERATION void vmi_load_idt(const struct table_pointer *table)
{
        VMI_CALL1(SetIDT, table);
}

OPERATION void vmi_load_tr(unsigned long selector)
{
        VMI_CALL1(SetTR, selector);
}

OPERATION unsigned long vmi_read_msr(unsigned long msr)
{
        uint32_t low, high;
        __asm__ volatile("call vmi_RDMSR"
                         : "=a"(low), "=d"(high), "+c"(msr)
                         :
                         : VMI_LOST);
        return low;
}

OPERATION void vmi_write_msr(unsigned long msr, unsigned long value)
{
        uint32_t high = 0;
        __asm__ volatile("call vmi_WRMSR"
                         : "+a"(value), "+d"(high), "+c"(msr)
                         :
                         : VMI_LOST);
}

OPERATION void vmi_io_delay(void)
{
        VMI_CALL0(IODelay);
}

#define vmi_machine_entry  native_machine_entry
#define vmi_physical_entry native_physical_entry
#define vmi_timer_start    native_timer_start
#define vmi_timer_ack      native_timer_ack
#define vmi_console_put    native_console_put

#endif
