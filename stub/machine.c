/* SPDX-License-Identifier: MIT */
/*
 * struct machine on bare metal.  DMI (SMBIOS, DSP0134) is found as BIOSes
 * place it: an entry point on a 16-byte boundary between 0xf0000 and 0xfffff,
 * "_SM_" or "_SM3_", of which only the table's address and size are used.
 */
#include "machine.h"

#include <string.h>

#include "io.h"

#define DMI_FIRST         0xf0000
#define DMI_LAST          0x100000
#define DMI_MAX_TABLE     65536 /* more than any BIOS has below 4 GiB */
#define DMI_SYSTEM        1     /* structure type: system information */
#define DMI_SYSTEM_SERIAL 7     /* offset of the serial number's string index */
#define DMI_END           127

static void cpuid(const struct machine *m, uint32_t leaf, uint32_t regs[4])
{
        (void)m;
        __asm__ volatile("cpuid"
                         : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
                           "=d"(regs[3])
                         : "a"(leaf), "c"(0));
}

#ifdef __x86_64__
/* In a PV guest the instruction alone may show the machine outside; behind this
 * prefix (XEN_CPUID of Xen's public header arch-x86/xen.h) it shows what the
 * domain was given. */
static void cpuid_xen(const struct machine *m, uint32_t leaf, uint32_t regs[4])
{
        (void)m;
        __asm__ volatile("ud2; .byte 0x78, 0x65, 0x6e; cpuid"
                         : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
                           "=d"(regs[3])
                         : "a"(leaf), "c"(0));
}
#endif

static bool port_in(const struct machine *m, uint16_t port, uint32_t regs[4])
{
        (void)m;
        regs[3] = (regs[3] & 0xffff0000) | port;
        __asm__ volatile("inl %%dx, %%eax"
                         : "+a"(regs[0]), "+b"(regs[1]), "+c"(regs[2]),
                           "+d"(regs[3]));
        return true;
}

static uint32_t read32(const uint8_t *p)
{
        le32 v;
        memcpy(&v, p, sizeof v);
        return get_le32(v);
}

/* The structure table behind the entry point; NULL if there is none. */
static const uint8_t *find_table(size_t *ret_size)
{
        for (uint64_t addr = DMI_FIRST; addr < DMI_LAST; addr += 16) {
                const uint8_t *p = at(addr);
                uint64_t table, size;
                if (!memcmp(p, "_SM3_", 5)) {
                        table = read32(p + 0x10);
                        size = read32(p + 0x0c);
                        if (read32(p + 0x14))
                                continue; /* above 4 GiB: not mapped */
                } else if (!memcmp(p, "_SM_", 4)) {
                        table = read32(p + 0x18);
                        size = p[0x16] | p[0x17] << 8;
                } else {
                        continue;
                }
                *ret_size = size < DMI_MAX_TABLE ? size : DMI_MAX_TABLE;
                if (table + *ret_size <= UINT32_MAX)
                        return at(table);
        }
        return NULL;
}

/* Copies string number index of those at p, below end. */
static bool copy_string(const uint8_t *p, const uint8_t *end, unsigned index,
                        char *out, size_t room)
{
        for (; p < end && *p && index; index--) {
                size_t size = 0;
                while (p + size < end && p[size])
                        size++;
                if (index == 1) {
                        size = size < room - 1 ? size : room - 1;
                        memcpy(out, p, size);
                        out[size] = '\0';
                        return true;
                }
                p += size + 1;
        }
        return false;
}

static bool dmi_serial(const struct machine *m, char *ret_serial, size_t room)
{
        size_t size;
        const uint8_t *p = find_table(&size);
        (void)m;
        if (!p)
                return false;
        for (const uint8_t *end = p + size; end - p >= 4;) {
                uint8_t type = p[0], formatted = p[1];
                if (formatted < 4 || formatted > end - p || type == DMI_END)
                        return false;
                const uint8_t *strings = p + formatted;
                if (type == DMI_SYSTEM && formatted > DMI_SYSTEM_SERIAL)
                        return copy_string(strings, end, p[DMI_SYSTEM_SERIAL],
                                           ret_serial, room);
                for (p = strings; end - p >= 2 && (p[0] || p[1]);)
                        p++;
                p += 2;
        }
        return false;
}

void machine_init(struct machine *ret_machine, bool xen_pv)
{
        *ret_machine = (struct machine){
                .xen_pv = xen_pv,
#ifdef __x86_64__
                .cpuid = xen_pv ? cpuid_xen : cpuid,
#else
                .cpuid = cpuid,
#endif
                .dmi_serial = xen_pv ? NULL : dmi_serial,
                .port_in = xen_pv ? NULL : port_in,
#ifndef __x86_64__
                .roms = at(VMI_ROMS),
#endif
        };
}
