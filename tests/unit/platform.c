/* SPDX-License-Identifier: MIT */
/* Detection on faked machines: what is seen, and what comes first. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "../../stub/platform.h"

#define VMWARE_MAGIC 0x564d5868u

/* A machine of tables. */
struct fake {
        bool hypervisor; /* CPUID.1:ECX[31] */
        struct {
                uint32_t leaf;
                const char *signature;
        } leaves[3];
        const char *serial; /* NULL: no DMI */
        bool vmware_port;
        bool pvh, xen_pv, lguest;
        const uint8_t *roms;
        /* expected */
        enum platform platform;
        const char *evidence;
};

static unsigned cpuid_calls;

static void fake_cpuid(const struct machine *m, uint32_t leaf, uint32_t regs[4])
{
        const struct fake *fake = m->context;
        cpuid_calls++;
        memset(regs, 0, 16);
        if (leaf == 1 && fake->hypervisor)
                regs[2] = 1u << 31;
        for (size_t i = 0; i < 3; i++)
                if (fake->leaves[i].signature && fake->leaves[i].leaf == leaf)
                        memcpy(&regs[1], fake->leaves[i].signature, 12);
}

static bool fake_serial(const struct machine *m, char *ret_serial, size_t room)
{
        const struct fake *fake = m->context;
        if (!fake->serial)
                return false;
        strncpy(ret_serial, fake->serial, room - 1);
        ret_serial[room - 1] = '\0';
        return true;
}

static bool fake_port(const struct machine *m, uint16_t port, uint32_t regs[4])
{
        const struct fake *fake = m->context;
        assert_int_equal(port, 0x5658);
        assert_int_equal(regs[0], VMWARE_MAGIC);
        assert_int_equal(regs[2] & 0xffff, 10);
        if (!fake->vmware_port) {
                regs[0] = UINT32_MAX;
                return true;
        }
        regs[0] = 6;
        regs[1] = VMWARE_MAGIC;
        return true;
}

static void look(const struct fake *fake, struct seen *seen)
{
        const struct machine m = {
                .xen_pv = fake->xen_pv,
                .pvh = fake->pvh,
                .lguest = fake->lguest,
                .roms = fake->roms,
                .cpuid = fake_cpuid,
                .dmi_serial = fake_serial,
                .port_in = fake_port,
                .context = (void *)fake,
        };
        platform_detect(&m, seen);
}

static const struct fake fakes[] = {
        { .platform = PLATFORM_NATIVE, .evidence = "no hypervisor" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "KVMKVMKVM\0\0" } },
          .platform = PLATFORM_KVM,
          .evidence = "CPUID 0x40000000 \"KVMKVMKVM\"" },
        /* leaves still answer where the bit is clear: they mean nothing */
        { .leaves = { { 0x40000000, "KVMKVMKVM\0\0" } },
          .platform = PLATFORM_NATIVE,
          .evidence = "no hypervisor" },
        /* KVM and Xen emulate Hyper-V in front of themselves */
        { .hypervisor = true,
          .leaves = { { 0x40000000, "Microsoft Hv" },
                      { 0x40000100, "KVMKVMKVM\0\0" } },
          .platform = PLATFORM_KVM,
          .evidence = "CPUID 0x40000100 \"KVMKVMKVM\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "Microsoft Hv" },
                      { 0x40000100, "XenVMMXenVMM" } },
          .platform = PLATFORM_XEN_HVM,
          .evidence = "CPUID 0x40000100 \"XenVMMXenVMM\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "Microsoft Hv" } },
          .platform = PLATFORM_HYPERV,
          .evidence = "CPUID 0x40000000 \"Microsoft Hv\"" },
        /* the last leaf that is looked at */
        { .hypervisor = true,
          .leaves = { { 0x40010000, "XenVMMXenVMM" } },
          .platform = PLATFORM_XEN_HVM,
          .evidence = "CPUID 0x40010000 \"XenVMMXenVMM\"" },
        { .hypervisor = true,
          .leaves = { { 0x40010100, "XenVMMXenVMM" } },
          .platform = PLATFORM_NATIVE,
          .evidence = "unknown hypervisor, CPUID 0x40000000 \"\"" },
        { .hypervisor = true,
          .pvh = true,
          .leaves = { { 0x40000000, "XenVMMXenVMM" } },
          .platform = PLATFORM_XEN_PVH,
          .evidence = "CPUID 0x40000000 \"XenVMMXenVMM\"" },
        /* entered by PVH, but by QEMU */
        { .hypervisor = true,
          .pvh = true,
          .leaves = { { 0x40000000, "KVMKVMKVM\0\0" } },
          .platform = PLATFORM_KVM,
          .evidence = "CPUID 0x40000000 \"KVMKVMKVM\"" },
        /* what CPUID says in a PV guest is about the machine outside */
        { .hypervisor = true,
          .xen_pv = true,
          .leaves = { { 0x40000000, "KVMKVMKVM\0\0" } },
          .platform = PLATFORM_XEN_PV,
          .evidence = "Xen PV entry" },
        /* every default QEMU machine answers VMware's port */
        { .vmware_port = true,
          .platform = PLATFORM_NATIVE,
          .evidence = "no hypervisor" },
        { .vmware_port = true,
          .serial = "VMware-56 4d",
          .platform = PLATFORM_VMWARE,
          .evidence = "DMI serial \"VMware\" and port 0x5658" },
        { .serial = "VMware-56 4d",
          .platform = PLATFORM_NATIVE,
          .evidence = "no hypervisor" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "VMwareVMware" } },
          .platform = PLATFORM_VMWARE,
          .evidence = "CPUID 0x40000000 \"VMwareVMware\"" },
        /* KVM with VMware's DMI and port: its own signature counts */
        { .hypervisor = true,
          .leaves = { { 0x40000000, "KVMKVMKVM\0\0" } },
          .vmware_port = true,
          .serial = "VMware-56",
          .platform = PLATFORM_KVM,
          .evidence = "CPUID 0x40000000 \"KVMKVMKVM\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "TCGTCGTCGTCG" } },
          .platform = PLATFORM_TCG,
          .evidence = "CPUID 0x40000000 \"TCGTCGTCGTCG\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "ACRNACRNACRN" } },
          .platform = PLATFORM_ACRN,
          .evidence = "CPUID 0x40000000 \"ACRNACRNACRN\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "Jailhouse\0\0" } },
          .platform = PLATFORM_JAILHOUSE,
          .evidence = "CPUID 0x40000000 \"Jailhouse\"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "bhyve bhyve " } },
          .platform = PLATFORM_BHYVE,
          .evidence = "CPUID 0x40000000 \"bhyve bhyve \"" },
        { .hypervisor = true,
          .leaves = { { 0x40000000, "\x01\x02NewHvNewHv" } },
          .platform = PLATFORM_NATIVE,
          .evidence = "unknown hypervisor, CPUID 0x40000000 \"..NewHvNewHv\"" },
};

static void test_fakes(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++) {
                struct seen seen;
                char evidence[64];
                look(&fakes[i], &seen);
                platform_evidence(&seen, evidence, sizeof(evidence));
                assert_string_equal(platform_name(seen.platform),
                                    platform_name(fakes[i].platform));
                assert_string_equal(evidence, fakes[i].evidence);
                assert_true(seen.platforms & 1u << seen.platform);
        }
}

/* Where no rule speaks of QEMU's emulation, native's counts. */
static void test_tcg_is_native_too(void **state)
{
        const struct fake tcg = {
                .hypervisor = true, .leaves = { { 0x40000000, "TCGTCGTCGTCG" } }
        };
        struct seen seen;
        (void)state;
        look(&tcg, &seen);
        assert_int_equal(seen.platforms,
                         1u << PLATFORM_TCG | 1u << PLATFORM_NATIVE);
}

/* Under a hypervisor each CPUID is an exit: no leaf is read twice. */
static void test_leaves_are_read_once(void **state)
{
        struct seen seen;
        (void)state;
        cpuid_calls = 0;
        platform_level(&(struct machine){ .cpuid = fake_cpuid,
                                          .context = (void *)&fakes[0] });
        unsigned level_calls = cpuid_calls;
        cpuid_calls = 0;
        look(&fakes[1], &seen);
        assert_true(cpuid_calls <= level_calls + 1 + 257 + 1);
        cpuid_calls = 0;
        look(&fakes[0], &seen);
        assert_int_equal(cpuid_calls, level_calls + 1);
}

static uint8_t roms[VMI_ROMS_SIZE];

/* A ROM of 1 KiB at this offset whose bytes add up to zero. */
static uint8_t *put_rom(size_t offset)
{
        static const uint8_t start[] = { 0x55, 0xaa, 2 };
        uint8_t *rom = roms + offset, sum = 0;
        memset(rom, 0, 1024);
        memcpy(rom, start, sizeof start);
        memcpy(rom + 8, "cVmi", 4);
        rom[13] = 3;
        rom[22] = 200;
        memcpy(rom + 200, "GPL v2", 7);
        rom[24] = 0x90;
        for (size_t i = 0; i < 1024; i++)
                sum = (uint8_t)(sum + rom[i]);
        rom[1023] = (uint8_t)-sum;
        return rom;
}

/* One byte changed, the sum kept. */
static void change(uint8_t *rom, size_t at, uint8_t value)
{
        rom[1023] = (uint8_t)(rom[1023] + rom[at] - value);
        rom[at] = value;
}

static void expect_rom(struct fake *fake, const char *refused)
{
        struct seen seen;
        look(fake, &seen);
        assert_int_equal(seen.platform == PLATFORM_VMI, !refused);
        if (refused)
                assert_string_equal(seen.refused_why, refused);
        else
                assert_null(seen.refused_why);
}

static void test_vmi_rom(void **state)
{
        struct fake fake = { .roms = roms };
        struct seen seen;
        char evidence[64];
        uint8_t *rom;
        (void)state;

        memset(roms, 0, sizeof roms);
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_NATIVE);
        assert_null(seen.refused_why);

        put_rom(0xa800);
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_VMI);
        /* what the machine is besides counts as well */
        assert_int_equal(seen.platforms,
                         1u << PLATFORM_VMI | 1u << PLATFORM_NATIVE);
        platform_evidence(&seen, evidence, sizeof evidence);
        assert_string_equal(evidence, "ROM 0x000ca800 \"cVmi\"");
        fake.hypervisor = true;
        fake.leaves[0].leaf = 0x40000000;
        fake.leaves[0].signature = "KVMKVMKVM\0\0";
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_VMI);
        assert_int_equal(seen.platforms,
                         1u << PLATFORM_VMI | 1u << PLATFORM_KVM);

        /* between two steps there is none */
        memset(roms, 0, sizeof roms);
        put_rom(0xac00);
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_KVM);

        memset(roms, 0, sizeof roms);
        put_rom(0)[1023]++;
        expect_rom(&fake, "checksum");
        change(put_rom(0), 13, 2);
        expect_rom(&fake, "API version");
        change(put_rom(0), 24, 0);
        expect_rom(&fake, "no PCI header");
        change(put_rom(0), 203, 'X');
        expect_rom(&fake, "licence");
        rom = put_rom(0);
        change(rom, 22, 0xff);
        change(rom, 23, 0xff);
        expect_rom(&fake, "licence");
        put_rom(0)[2] = 0;
        expect_rom(&fake, "length");
        /* the last place: a ROM that reaches beyond */
        memset(roms, 0, sizeof roms);
        put_rom(VMI_ROMS_SIZE - 2048)[2] = 5;
        expect_rom(&fake, "length");
        /* "GPL" will do as well, and a bad ROM hides no good one */
        rom = put_rom(VMI_ROMS_SIZE - 2048);
        change(rom, 203, 0);
        put_rom(0)[1023]++;
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_VMI);
        assert_int_equal(seen.refused_rom, VMI_ROMS);
}

static void test_lguest(void **state)
{
        struct fake fake = { .lguest = true,
                             .roms = roms,
                             .vmware_port = true };
        struct seen seen;
        (void)state;
        memset(roms, 0, sizeof roms);
        put_rom(0);
        look(&fake, &seen);
        assert_int_equal(seen.platform, PLATFORM_LGUEST);
        assert_int_equal(seen.platforms, 1u << PLATFORM_LGUEST);
}

static void test_evidence_is_cut(void **state)
{
        struct seen seen;
        char small[10];
        (void)state;
        look(&fakes[1], &seen);
        platform_evidence(&seen, small, sizeof(small));
        assert_string_equal(small, "CPUID 0x4");
        platform_evidence(&seen, small, 1);
        assert_string_equal(small, "");
}

static void test_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < PLATFORM_COUNT; i++) {
                assert_non_null(platform_name(i));
                for (unsigned j = 0; j < i; j++)
                        assert_string_not_equal(platform_name(i),
                                                platform_name(j));
        }
        assert_null(platform_name(PLATFORM_COUNT));
}

/* A processor by its leaves; what is not listed has no bits. */
struct processor {
        uint32_t last, last_extended;
        uint32_t ecx1, ebx7, ecx_extended, edx_extended;
};

/* As Intel's do: a leaf beyond the last answers with the last's content, here
 * with every bit set. */
static void processor_cpuid(const struct machine *m, uint32_t leaf,
                            uint32_t regs[4])
{
        const struct processor *p = m->context;
        uint32_t last = leaf >> 31 ? p->last_extended : p->last;

        memset(regs, leaf > last ? 0xff : 0, 16);
        if (!(leaf & 0x7fffffff))
                regs[0] = last;
        if (leaf > last)
                return;
        if (leaf == 1)
                regs[2] = p->ecx1;
        if (leaf == 7)
                regs[1] = p->ebx7;
        if (leaf == 0x80000001) {
                regs[2] = p->ecx_extended;
                regs[3] = p->edx_extended;
        }
}

static unsigned level_of(struct processor p)
{
        const struct machine m = { .cpuid = processor_cpuid, .context = &p };

        return platform_level(&m);
}

/* Each level needs each of its bits, and those of the levels below. */
static void test_levels(void **state)
{
        /* the bits of version 1.0 of the psABI, by level: CPUID.1:ECX,
         * CPUID.7:EBX, CPUID.80000001:ECX */
        static const struct processor levels[LEVEL_COUNT] = {
                { 1, 0, 0, 0, 0, 0 },
                { 1, 0x80000001, 0, 0, 0, 0x20000000 },
                { 1, 0x80000001, 0x00982201, 0, 0x1, 0x20000000 },
                { 7, 0x80000001, 0x34d83201, 0x128, 0x21, 0x20000000 },
                { 7, 0x80000001, 0x34d83201, 0xd0030128, 0x21, 0x20000000 },
        };
        (void)state;

        for (unsigned i = 0; i < LEVEL_COUNT; i++) {
                struct processor p = levels[i];

                assert_int_equal(level_of(p), i);
                for (unsigned bit = 0; bit < 32; bit++) {
                        p = levels[i];
                        p.ecx1 &= ~(1u << bit);
                        assert_int_equal(level_of(p) < i,
                                         p.ecx1 != levels[i].ecx1);
                        p = levels[i];
                        p.ebx7 &= ~(1u << bit);
                        assert_int_equal(level_of(p) < i,
                                         p.ebx7 != levels[i].ebx7);
                        p = levels[i];
                        p.ecx_extended &= ~(1u << bit);
                        assert_int_equal(level_of(p) < i,
                                         p.ecx_extended !=
                                                 levels[i].ecx_extended);
                }
        }
        /* leaves that are not there say nothing */
        struct processor p = levels[4];
        p.last = 1;
        assert_int_equal(level_of(p), 2);
        p.last_extended = 0x80000000;
        assert_int_equal(level_of(p), 0);
        /* and what is missing below counts above */
        p = levels[4];
        p.ecx1 &= ~(1u << 9);
        assert_int_equal(level_of(p), 1);
        for (unsigned i = 0; i < LEVEL_COUNT; i++)
                assert_non_null(level_name(i));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fakes),
                cmocka_unit_test(test_tcg_is_native_too),
                cmocka_unit_test(test_leaves_are_read_once),
                cmocka_unit_test(test_vmi_rom),
                cmocka_unit_test(test_lguest),
                cmocka_unit_test(test_evidence_is_cut),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_levels),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
