/* SPDX-License-Identifier: MIT */
/*
 * Detection: one table of probes, the most specific first.
 *
 * Order (docs/design.md): the entry protocol; lguest, whose guests run in ring
 * 1; a VMI ROM, which may be present on any machine; then the CPUID leaves
 * 0x40000000, 0x40000100, … 0x40010000, which mean something only while
 * CPUID.1:ECX[31] is set (without it QEMU and KVM still answer them); then
 * VMware by DMI serial number and backdoor port together, since every default
 * QEMU machine answers the port; then bare hardware.
 *
 * Hyper-V's signature stands in the first leaf also where Xen or KVM emulate
 * it, with their own a step above: so it counts only if no other signature
 * does.  In a Xen PV guest plain CPUID shows the machine outside, hence nothing
 * else is asked there.
 *
 * Guests of lguest and VMI are 32-bit kernels: the 64-bit stub does not look
 * for their hosts.
 */
#include "platform.h"

#include <string.h>

#define PROBE_COUNT (PLATFORM_PROBES_32 ? 14 : 12) /* rows of the table */

#define LEAF_FIRST 0x40000000u
#define LEAF_LAST  0x40010000u
#define LEAF_STEP  0x100u

#define VMWARE_PORT        0x5658
#define VMWARE_MAGIC       0x564d5868u
#define VMWARE_GET_VERSION 10

/* A machine while it is looked at. */
struct look {
        const struct machine *machine;
        bool hypervisor; /* CPUID.1:ECX[31] */
        uint32_t *leaf;  /* by probe: the leaf of its signature; 0: none */
};

struct probe {
        enum platform platform;
        bool (*matches)(const struct look *look, const struct probe *probe,
                        struct seen *seen);
        const char *signature; /* 12 bytes, NUL-padded; for CPUID probes */
};

static const struct probe probes[PROBE_COUNT];

/* The signature at a leaf: EBX, ECX, EDX. */
static void read_signature(const struct machine *m, uint32_t leaf,
                           char signature[13])
{
        uint32_t regs[4];
        m->cpuid(m, leaf, regs);
        memcpy(signature, &regs[1], 12);
        signature[12] = '\0';
}

static bool is_xen_pv(const struct look *look, const struct probe *probe,
                      struct seen *seen)
{
        (void)probe;
        seen->how = "Xen PV entry";
        return look->machine->xen_pv;
}

#if PLATFORM_PROBES_32
static bool is_lguest(const struct look *look, const struct probe *probe,
                      struct seen *seen)
{
        (void)probe;
        seen->how = "ring 1, boot_params";
        return look->machine->lguest;
}

/* The ROM's header, 144 bytes: offsets of the VMI specification 3.0. */
#define VMI_STEP        2048u
#define VMI_ROM_UNIT    512u /* of its length */
#define VMI_LENGTH      2
#define VMI_SIGNATURE   8
#define VMI_API_MAJOR   13
#define VMI_LICENCE     22 /* u16, offset of a string */
#define VMI_PCI         24 /* u16, offset of the PCI header */
#define VMI_HEADER_SIZE 144u

/* NULL: the ROM at rom is VMI's and can be used; room: bytes up to the end of
 * where ROMs lie. */
static const char *vmi_fault(const uint8_t *rom, size_t room)
{
        size_t size = rom[VMI_LENGTH] * VMI_ROM_UNIT;
        size_t licence = rom[VMI_LICENCE] | rom[VMI_LICENCE + 1] << 8;
        uint8_t sum = 0;

        if (size < VMI_HEADER_SIZE || size > room)
                return "length";
        for (size_t i = 0; i < size; i++)
                sum = (uint8_t)(sum + rom[i]);
        if (sum)
                return "checksum";
        if (rom[VMI_API_MAJOR] != 3)
                return "API version";
        if (!(rom[VMI_PCI] | rom[VMI_PCI + 1]))
                return "no PCI header";
        if (licence + sizeof "GPL v2" > size ||
            (memcmp(rom + licence, "GPL", sizeof "GPL") &&
             memcmp(rom + licence, "GPL v2", sizeof "GPL v2")))
                return "licence";
        return NULL;
}

static bool is_vmi(const struct look *look, const struct probe *probe,
                   struct seen *seen)
{
        const uint8_t *roms = look->machine->roms;
        static const char header[] = "\x55\xaa";

        for (size_t at = 0; roms && at < VMI_ROMS_SIZE; at += VMI_STEP) {
                const char *fault;
                if (memcmp(roms + at, header, 2) ||
                    memcmp(roms + at + VMI_SIGNATURE, probe->signature, 4))
                        continue;
                fault = vmi_fault(roms + at, VMI_ROMS_SIZE - at);
                if (!fault) {
                        seen->how = "ROM";
                        seen->leaf = VMI_ROMS + (uint32_t)at;
                        memcpy(seen->signature, probe->signature, 5);
                        return true;
                }
                seen->refused_rom = VMI_ROMS + (uint32_t)at;
                seen->refused_why = fault;
        }
        return false;
}
#endif

static bool has_signature(const struct look *look, const struct probe *probe,
                          struct seen *seen)
{
        uint32_t leaf = look->leaf[probe - probes];
        if (!leaf)
                return false;
        seen->how = "CPUID";
        seen->leaf = leaf;
        memcpy(seen->signature, probe->signature, 12);
        return true;
}

static bool is_xen_pvh(const struct look *look, const struct probe *probe,
                       struct seen *seen)
{
        return look->machine->pvh && has_signature(look, probe, seen);
}

static bool is_vmware(const struct look *look, const struct probe *probe,
                      struct seen *seen)
{
        static const char vmware[] = "VMware";
        const struct machine *m = look->machine;
        char serial[64];
        (void)probe;
        if (!m->dmi_serial || !m->dmi_serial(m, serial, sizeof serial) ||
            memcmp(serial, vmware, sizeof vmware - 1))
                return false;
        uint32_t regs[4] = { VMWARE_MAGIC, UINT32_MAX, VMWARE_GET_VERSION,
                             VMWARE_PORT };
        if (!m->port_in || !m->port_in(m, VMWARE_PORT, regs) ||
            regs[0] == UINT32_MAX || regs[1] != VMWARE_MAGIC)
                return false;
        seen->how = "DMI serial \"VMware\" and port 0x5658";
        return true;
}

/* A hypervisor that no probe knows is named by its signature all the same. */
static bool is_any(const struct look *look, const struct probe *probe,
                   struct seen *seen)
{
        (void)probe;
        if (look->hypervisor) {
                seen->how = "unknown hypervisor, CPUID";
                seen->leaf = LEAF_FIRST;
                read_signature(look->machine, LEAF_FIRST, seen->signature);
        } else {
                seen->how = "no hypervisor";
        }
        return true;
}

/* The first probe that answers yes wins: specific before general. */
static const struct probe probes[PROBE_COUNT] = {
        { PLATFORM_XEN_PV, is_xen_pv, NULL },
#if PLATFORM_PROBES_32
        { PLATFORM_LGUEST, is_lguest, NULL },
        { PLATFORM_VMI, is_vmi, "cVmi\0\0\0\0\0\0\0" },
#endif
        { PLATFORM_KVM, has_signature, "KVMKVMKVM\0\0" },
        { PLATFORM_XEN_PVH, is_xen_pvh, "XenVMMXenVMM" },
        { PLATFORM_XEN_HVM, has_signature, "XenVMMXenVMM" },
        { PLATFORM_ACRN, has_signature, "ACRNACRNACRN" },
        { PLATFORM_JAILHOUSE, has_signature, "Jailhouse\0\0" },
        { PLATFORM_BHYVE, has_signature, "bhyve bhyve " },
        { PLATFORM_VMWARE, has_signature, "VMwareVMware" },
        { PLATFORM_VMWARE, is_vmware, NULL },
        { PLATFORM_HYPERV, has_signature, "Microsoft Hv" },
        { PLATFORM_TCG, has_signature, "TCGTCGTCGTCG" },
        { PLATFORM_NATIVE, is_any, NULL }, /* always matches; keep last */
};

/* ---- the processor ------------------------------------------------------ */

#define EXTENDED 0x80000000u

enum cpuid_register {
        EAX,
        EBX,
        ECX,
        EDX
};

/* What a level asks for, beside what the one below does; of level 1, 64-bit mode
 * alone says all. */
static const struct level_features {
        uint32_t leaf;
        uint8_t level;
        uint8_t reg; /* enum cpuid_register */
        uint32_t bits;
} level_features[] = {
        { EXTENDED + 1, 1, EDX, 1u << 29 }, /* LM */
        /* SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT */
        { 1, 2, ECX, 1u | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23 },
        { EXTENDED + 1, 2, ECX, 1u }, /* LAHF, SAHF */
        /* FMA, MOVBE, XSAVE, AVX, F16C */
        { 1, 3, ECX, 1u << 12 | 1u << 22 | 1u << 26 | 1u << 28 | 1u << 29 },
        { 7, 3, EBX, 1u << 3 | 1u << 5 | 1u << 8 }, /* BMI1, AVX2, BMI2 */
        { EXTENDED + 1, 3, ECX, 1u << 5 },          /* LZCNT */
        /* AVX512F, DQ, CD, BW, VL */
        { 7, 4, EBX, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31 },
};

unsigned platform_level(const struct machine *machine)
{
        unsigned level = LEVEL_COUNT - 1;

        for (size_t i = 0;
             i < sizeof(level_features) / sizeof(level_features[0]); i++) {
                const struct level_features *f = &level_features[i];
                uint32_t regs[4];

                /* a leaf beyond the last answers with another's content */
                machine->cpuid(machine, f->leaf & EXTENDED, regs);
                if (regs[EAX] >= f->leaf) {
                        machine->cpuid(machine, f->leaf, regs);
                        if ((regs[f->reg] & f->bits) == f->bits)
                                continue;
                }
                if (level >= f->level)
                        level = f->level - 1u;
        }
        return level;
}

const char *level_name(unsigned level)
{
        static const char *const names[LEVEL_COUNT] = {
                "32-bit", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4",
        };
        return names[level];
}

/* ---- what is there ------------------------------------------------------ */

/* Notes where each probe's signature stands, lowest leaf first. */
static void scan_leaves(const struct machine *m, uint32_t leaf[PROBE_COUNT])
{
        char signature[13], before[13] = "";
        for (uint32_t at = LEAF_FIRST; at <= LEAF_LAST; at += LEAF_STEP) {
                read_signature(m, at, signature);
                if (!memcmp(signature, before, sizeof before))
                        continue; /* processors repeat one leaf without end */
                memcpy(before, signature, sizeof before);
                for (size_t i = 0; i < PROBE_COUNT; i++)
                        if (!leaf[i] && probes[i].signature &&
                            !memcmp(signature, probes[i].signature, 12))
                                leaf[i] = at;
        }
}

/* QEMU's TCG emulates bare hardware and nothing besides: where no rule speaks of
 * it, native's does. */
uint32_t platform_rules(enum platform platform)
{
        return 1u << platform |
               (platform == PLATFORM_TCG ? 1u << PLATFORM_NATIVE : 0);
}

void platform_detect(const struct machine *machine, struct seen *ret_seen)
{
        uint32_t leaf[PROBE_COUNT] = { 0 }, regs[4];
        struct look look = { .machine = machine, .leaf = leaf };
        struct seen seen = { 0 };
        const struct probe *probe = probes;

        seen.level = platform_level(machine);
        machine->cpuid(machine, 1, regs);
        look.hypervisor = regs[2] & 1u << 31;
        if (look.hypervisor && !machine->xen_pv)
                scan_leaves(machine, leaf);
        while (!probe->matches(&look, probe, &seen))
                probe++;
        seen.platform = probe->platform;
        seen.platforms = platform_rules(probe->platform);
#if PLATFORM_PROBES_32
        /* A ROM says nothing against what the machine is besides: rules for
         * that hold as well, and priorities decide. */
        if (probe->platform == PLATFORM_VMI) {
                struct seen besides = { 0 };
                do
                        probe++;
                while (!probe->matches(&look, probe, &besides));
                seen.platforms |= platform_rules(probe->platform);
        }
#endif
        *ret_seen = seen;
}

const char *platform_name(unsigned platform)
{
        static const char *const names[PLATFORM_COUNT] = {
                [PLATFORM_NATIVE] = "native",
                [PLATFORM_KVM] = "kvm",
                [PLATFORM_XEN_PV] = "xen-pv",
                [PLATFORM_XEN_PVH] = "xen-pvh",
                [PLATFORM_XEN_HVM] = "xen-hvm",
                [PLATFORM_HYPERV] = "hyperv",
                [PLATFORM_VMWARE] = "vmware",
                [PLATFORM_TCG] = "tcg",
                [PLATFORM_ACRN] = "acrn",
                [PLATFORM_JAILHOUSE] = "jailhouse",
                [PLATFORM_BHYVE] = "bhyve",
                [PLATFORM_LGUEST] = "lguest",
                [PLATFORM_VMI] = "vmi",
        };
        return platform < PLATFORM_COUNT ? names[platform] : NULL;
}

/* Copies text behind *at; unprintable bytes become dots. */
static void add(char *out, size_t room, size_t *at, const char *text)
{
        for (; *text && *at + 1 < room; text++)
                out[(*at)++] = *text < ' ' || *text > '~' ? '.' : *text;
}

void platform_evidence(const struct seen *seen, char *out, size_t room)
{
        size_t at = 0;
        if (!room)
                return;
        add(out, room, &at, seen->how);
        if (seen->leaf) {
                char digits[12] = " 0x";
                for (int i = 0; i < 8; i++)
                        digits[3 + i] =
                                "0123456789abcdef"[seen->leaf >> (28 - 4 * i) &
                                                   15];
                add(out, room, &at, digits);
                add(out, room, &at, " \"");
                add(out, room, &at, seen->signature);
                add(out, room, &at, "\"");
        }
        out[at] = '\0';
}
