/* SPDX-License-Identifier: MIT */
/*
 * Hardware as a process can reach it: CPUID as an instruction, DMI and Xen's
 * kind of guest from /sys.
 *
 * What differs from the stub's view: Xen PV guests see Xen's CPUID only where
 * the processor faults on it, but /sys/hypervisor/guest_type tells; the DMI
 * serial number is for root only, so the product's name stands in, which also
 * begins with "VMware"; and ports are for root only.
 */
#define _GNU_SOURCE
#include "machine-live.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>

/* One line of a file in /sys, without its end; false if there is none. */
static bool read_line(const char *path, char *ret_line, size_t room)
{
        FILE *f = fopen(path, "re");
        bool ok;

        if (!f)
                return false;
        ok = fgets(ret_line, (int)room, f) != NULL;
        fclose(f);
        if (ok)
                ret_line[strcspn(ret_line, "\n")] = '\0';
        return ok;
}

static void live_cpuid(const struct machine *m, uint32_t leaf, uint32_t regs[4])
{
        (void)m;
        __cpuid_count(leaf, 0, regs[0], regs[1], regs[2], regs[3]);
}

static bool live_dmi_serial(const struct machine *m, char *ret_serial,
                            size_t room)
{
        (void)m;
        return read_line("/sys/class/dmi/id/product_serial", ret_serial,
                         room) ||
               read_line("/sys/class/dmi/id/product_name", ret_serial, room);
}

static bool live_port_in(const struct machine *m, uint16_t port,
                         uint32_t regs[4])
{
        (void)m;
        if (ioperm(port, 4, 1) < 0)
                return false;
        __asm__ volatile("inl %%dx, %%eax"
                         : "+a"(regs[0]), "+b"(regs[1]), "+c"(regs[2]),
                           "+d"(regs[3])
                         :
                         : "memory");
        ioperm(port, 4, 0);
        return true;
}

void machine_live(struct machine *ret_machine)
{
        char type[16] = "";

        read_line("/sys/hypervisor/guest_type", type, sizeof(type));
        *ret_machine = (struct machine){
                .xen_pv = !strcmp(type, "PV"),
                .pvh = !strcmp(type, "PVH"),
                .cpuid = live_cpuid,
                .dmi_serial = live_dmi_serial,
                .port_in = live_port_in,
        };
}
