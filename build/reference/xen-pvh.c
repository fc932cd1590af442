/* SPDX-License-Identifier: MIT */
/*
 * A PVH domain finds Xen by CPUID: a leaf names the MSR that takes the address
 * of the hypercall page.  The page shared with Xen is put over one of ours,
 * and events come as an interrupt vector of our choice.
 */
#include "kernel.h"
#include "xen-pvh.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

#define CALLBACK_VECTOR 2 /* params.h: how HVM_PARAM_CALLBACK_IRQ is meant */
#define SIGNATURE       "XenVMMXenVMM"

static bool calls_work;

BACKEND_DECLARE(xen)

const char *xen_probe(void)
{
        return cpuid_hypervisor(SIGNATURE)
                       ? NULL
                       : "there is no Xen: CPUID has no leaf " SIGNATURE;
}

/* A domain that Xen itself starts (dom0) finds no map in its start_info. */
static void read_memory_map(void)
{
        static struct {
                uint64_t addr, size;
                uint32_t type;
        } __attribute__((packed)) entries[64];
        struct xen_memory_map map = { .nr_entries = sizeof entries /
                                                    sizeof entries[0] };
        set_xen_guest_handle(map.buffer, entries);
        if (XEN_CALL(__HYPERVISOR_memory_op, XENMEM_memory_map, &map, 0, 0))
                return;
        for (unsigned i = 0; i < map.nr_entries; i++)
                if (entries[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
                        boot_memory(entries[i].addr, entries[i].size);
}

const char *xen_init(void)
{
        struct xen_add_to_physmap place = {
                .domid = DOMID_SELF,
                .space = XENMAPSPACE_shared_info,
                .gpfn = to_physical(&xen_shared) / PAGE_SIZE,
        };
        struct cpuid c = cpuid(cpuid_hypervisor(SIGNATURE) + 2);
        native_init();
        native_write_msr(c.bx, to_physical(hypercall_page));
        calls_work = true;
        if (XEN_CALL(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &place, 0,
                     0))
                return "the shared page can't be mapped";
        if (!boot.memory_end)
                read_memory_map();
        return NULL;
}

void xen_timer_start(unsigned long hz)
{
        struct xen_hvm_param callback = {
                .domid = DOMID_SELF,
                .index = HVM_PARAM_CALLBACK_IRQ,
                .value = (uint64_t)CALLBACK_VECTOR << 56 | VECTOR_TIMER,
        };
        if (XEN_CALL(__HYPERVISOR_hvm_op, HVMOP_set_param, &callback, 0, 0))
                panic("Xen refuses the event vector");
        xen_shared.vcpu_info[0].evtchn_upcall_mask = 0;
        xen_events_start(hz);
}

/* Where there is no Xen, somebody must say so. */
void xen_console_put(const char *text, unsigned long size)
{
        if (calls_work)
                xen_call_console_put(text, size);
        else
                native_console_put(text, size);
}

void xen_shutdown(void)
{
        if (calls_work)
                xen_call_shutdown();
        native_shutdown();
}
