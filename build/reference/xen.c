/* SPDX-License-Identifier: MIT */
/*
 * Xen's paravirtual interface: memory that is told twice (machine addresses in
 * page tables, physical ones everywhere else), tables that only Xen writes,
 * events instead of interrupts.
 * Reference: Xen's public headers.
 *
 * User mode has a top table of its own, without the kernel: Xen changes to it
 * when an iret leads to user mode, and back when user mode is left.
 */
#include "kernel.h"
#include "xen.h"

#include <xen/arch-x86/cpuid.h>
#include <xen/callback.h>
#include <xen/sched.h>

#define FRAME_MASK          0x000ffffffffff000ul
#define TOP_LEVEL           4
#define TRAP_MASKED         4 /* trap_info.flags: events are off in the handler */
#define GATE_DPL(flags)     ((flags) >> 13 & 3)
#define GATE_PRESENT(flags) ((flags)&0x8000)

extern const char xen_stubs[]; /* as interrupt_stubs, behind what Xen pushes */

static unsigned long user_table[PAGE_SIZE / 8]
        __attribute__((aligned(PAGE_SIZE)));
static const unsigned long *physical_to_machine;
static unsigned long table; /* the running top table, physical */

const char *xen_probe(void)
{
        return boot.entry == ENTRY_XEN_PV ? NULL
                                          : "not entered as a Xen PV domain";
}

static unsigned long to_machine(unsigned long addr)
{
        return physical_to_machine[addr / PAGE_SIZE] * PAGE_SIZE |
               addr % PAGE_SIZE;
}

/* Xen fills the page at the address that this MSR is given.  (A note could ask
 * for it as well; but who loads us for Xen need not have read our notes.)  Both
 * instructions are Xen's to answer: the first because of its prefix. */
static void fill_hypercall_page(void)
{
        uint32_t ax = XEN_CPUID_LEAF(2), msr, cx = 0, dx;
        __asm__ volatile(XEN_CPUID : "+a"(ax), "=b"(msr), "+c"(cx), "=d"(dx));
        unsigned long page = to_machine(to_physical(hypercall_page));
        __asm__ volatile("wrmsr"
                         :
                         : "c"(msr), "a"((uint32_t)page), "d"(page >> 32)
                         : "memory");
}

const char *xen_init(void)
{
        const start_info_t *info = boot.start_info;
        physical_to_machine = (const unsigned long *)info->mfn_list;
        table = to_physical((const void *)info->pt_base);
        fill_hypercall_page();
        constants[CONSTANT_kernel_cs] = FLAT_KERNEL_CS64;
        constants[CONSTANT_user_cs] = FLAT_USER_CS64;
        constants[CONSTANT_user_ss] = FLAT_USER_SS64;
        /* A page of ours gives its address to the page shared with Xen. */
        if (XEN_CALL(__HYPERVISOR_update_va_mapping, &xen_shared,
                     info->shared_info | ENTRY_PRESENT | ENTRY_WRITE,
                     UVMF_INVLPG, 0))
                return "the shared page can't be mapped";
        return NULL;
}

void xen_halt(void)
{
        XEN_CALL(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
}

/* ---- page tables ----------------------------------------------------------- */

static void mmu_extended(unsigned command, unsigned long argument)
{
        struct mmuext_op op = { .cmd = command, .arg1.linear_addr = argument };
        if (XEN_CALL(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF))
                panic("Xen refuses MMU command %lu", (unsigned long)command);
}

unsigned long xen_machine_entry(unsigned long value)
{
        if (!(value & ENTRY_PRESENT))
                return value;
        return to_machine(value & FRAME_MASK) | (value & ~FRAME_MASK);
}

unsigned long xen_physical_entry(unsigned long value)
{
        if (!(value & ENTRY_PRESENT))
                return value;
        return machine_to_phys_mapping[(value & FRAME_MASK) / PAGE_SIZE] *
                       PAGE_SIZE |
               (value & ~FRAME_MASK);
}

static void update(const unsigned long *entry, unsigned long value)
{
        struct mmu_update u = {
                to_machine(to_physical(entry)) | MMU_NORMAL_PT_UPDATE, value
        };
        if (XEN_CALL(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF))
                panic("Xen refuses page table entry %lx", value);
}

void xen_set_entry(unsigned long value, unsigned long *entry,
                   unsigned long where)
{
        update(entry, value);
        if (where % PAGE_SIZE == TOP_LEVEL)
                update(&user_table[(unsigned long)entry % PAGE_SIZE / 8],
                       value);
}

/* Read-only from now on, and known to Xen as a table. */
static void declare(unsigned long addr, unsigned long level)
{
        if (XEN_CALL(__HYPERVISOR_update_va_mapping, to_virtual(addr),
                     to_machine(addr) | ENTRY_PRESENT, UVMF_INVLPG, 0))
                panic("a page table can't be made read-only");
        mmu_extended((unsigned)(MMUEXT_PIN_L1_TABLE + level - 1),
                     to_machine(addr) / PAGE_SIZE);
}

void xen_add_table(unsigned long addr, unsigned long level)
{
        static bool user_declared;
        declare(addr, level);
        if (level != TOP_LEVEL || user_declared)
                return;
        user_declared = true;
        declare(to_physical(user_table), level);
        mmu_extended(MMUEXT_NEW_USER_BASEPTR,
                     to_machine(to_physical(user_table)) / PAGE_SIZE);
}

unsigned long xen_read_cr3(void)
{
        return table;
}

void xen_write_cr3(unsigned long addr)
{
        table = addr;
        mmu_extended(MMUEXT_NEW_BASEPTR, to_machine(addr) / PAGE_SIZE);
}

void xen_flush_tlb(void)
{
        mmu_extended(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

void xen_flush_page(unsigned long addr)
{
        mmu_extended(MMUEXT_INVLPG_LOCAL, addr);
}

/* ---- traps and events -------------------------------------------------------- */

/* Xen takes a list of the gates that lead somewhere; row 0 ends it. */
void xen_load_idt(const struct table_pointer *idt)
{
        static struct trap_info traps[VECTOR_COUNT + 2];
        struct trap_info *t = traps;
        const struct {
                uint16_t offset_low, selector, flags, offset_middle;
                uint32_t offset_high, reserved;
        } *gate = (const void *)idt->base;
        for (unsigned v = 0; v < 256; v++) {
                unsigned stub = v == VECTOR_SYSCALL ? VECTOR_COUNT : v;
                if (!GATE_PRESENT(gate[v].flags))
                        continue;
                *t++ = (struct trap_info){
                        (uint8_t)v,
                        (uint8_t)(GATE_DPL(gate[v].flags) | TRAP_MASKED),
                        FLAT_KERNEL_CS64,
                        (unsigned long)xen_stubs + stub * INTERRUPT_STUB_SIZE
                };
        }
        XEN_CALL(__HYPERVISOR_set_trap_table, traps, 0, 0, 0);
}

void xen_set_kernel_stack(unsigned long top)
{
        XEN_CALL(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS64, top, 0, 0);
}

void xen_timer_start(unsigned long hz)
{
        struct callback_register callback = {
                .type = CALLBACKTYPE_event,
                .address = (unsigned long)xen_stubs +
                           VECTOR_TIMER * INTERRUPT_STUB_SIZE,
        };
        if (XEN_CALL(__HYPERVISOR_callback_op, CALLBACKOP_register, &callback,
                     0, 0))
                panic("Xen refuses the event callback");
        xen_events_start(hz);
}
