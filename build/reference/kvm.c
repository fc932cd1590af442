/* SPDX-License-Identifier: MIT */
/*
 * KVM's own devices, each a place in our memory that an MSR names: the clock,
 * the time that was stolen from us, the end-of-interrupt bit.
 * Reference: Linux, Documentation/virt/kvm/x86/msr.rst and cpuid.rst.
 */
#include "kernel.h"
#include "kvm.h"

#include <asm/kvm_para.h>

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_X2APIC 0xc00 /* enabled, by MSRs */
#define X2APIC_SPURIOUS  0x80f
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_LVT_LINT0 0x835
#define X2APIC_COUNT     0x838
#define X2APIC_CURRENT   0x839
#define X2APIC_DIVIDE    0x83e
#define DIVIDE_BY_1      0xb
#define LVT_MASKED       0x10000
#define LVT_PERIODIC     0x20000
#define SPURIOUS_ENABLED 0x12f /* with vector 47 */
#define CPUID_X2APIC     (1u << 21)
#define NANOSECONDS      1000000000ul

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA  0xa1

/* KVM writes it; an odd version means that it is at it. */
static volatile struct {
        uint32_t version, pad0;
        uint64_t tsc_timestamp;     /* cycles ... */
        uint64_t system_time;       /* ... and nanoseconds, at one moment */
        uint32_t tsc_to_system_mul; /* nanoseconds a cycle, times 2^32 */
        int8_t tsc_shift;           /* and cycles are shifted first */
        uint8_t flags, pad[2];
} __attribute__((aligned(64))) clock;
static struct kvm_steal_time steal __attribute__((aligned(64)));
uint32_t kvm_eoi_word;

static uint32_t features(void)
{
        uint32_t leaf = cpuid_hypervisor("KVMKVMKVM\0\0\0");
        return leaf ? cpuid(leaf + 1).ax : 0;
}

BACKEND_DECLARE(kvm)

const char *kvm_probe(void)
{
        if (!cpuid_hypervisor("KVMKVMKVM\0\0\0"))
                return "there is no KVM: CPUID has no leaf KVMKVMKVM";
        if (!(features() & 1u << KVM_FEATURE_CLOCKSOURCE2))
                return "KVM has no clock";
        if (!(cpuid(1).cx & CPUID_X2APIC))
                return "KVM has no x2APIC";
        return NULL;
}

/* Nanoseconds since KVM started the machine. */
static uint64_t kvm_time(void)
{
        uint32_t version;
        uint64_t time;
        do {
                uint32_t low, high;
                version = clock.version;
                __asm__ volatile("lfence\n\trdtsc"
                                 : "=a"(low), "=d"(high)
                                 :
                                 : "memory");
                uint64_t cycles =
                        (low | (uint64_t)high << 32) - clock.tsc_timestamp;
                cycles = clock.tsc_shift < 0 ? cycles >> -clock.tsc_shift
                                             : cycles << clock.tsc_shift;
                /* times mul / 2^32, in two parts that fit 64 bits */
                time = clock.system_time +
                       (cycles >> 32) * clock.tsc_to_system_mul +
                       ((cycles & 0xffffffff) * clock.tsc_to_system_mul >> 32);
        } while ((version & 1) || version != clock.version);
        return time;
}

const char *kvm_init(void)
{
        uint32_t has = features();
        native_init();
        native_write_msr(MSR_KVM_SYSTEM_TIME_NEW, to_physical(&clock) | 1);
        if (has & 1u << KVM_FEATURE_STEAL_TIME)
                native_write_msr(MSR_KVM_STEAL_TIME,
                                 to_physical(&steal) | KVM_MSR_ENABLED);
        if (has & 1u << KVM_FEATURE_PV_EOI)
                native_write_msr(MSR_KVM_PV_EOI_EN,
                                 to_physical(&kvm_eoi_word) | KVM_MSR_ENABLED);
        if (!clock.tsc_to_system_mul)
                return "KVM's clock stands";
        if (!boot_word("quiet"))
                print("reference: kvm: clock%s%s\n",
                      has & 1u << KVM_FEATURE_STEAL_TIME ? ", steal time" : "",
                      has & 1u << KVM_FEATURE_PV_EOI ? ", PV EOI" : "");
        return NULL;
}

void kvm_timer_start(unsigned long hz)
{
        uint64_t until;
        /* The old controllers are silent, and their pin is masked. */
        out8(PIC_MASTER_DATA, 0xff);
        out8(PIC_SLAVE_DATA, 0xff);
        native_write_msr(MSR_APIC_BASE,
                         native_read_msr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
        native_write_msr(X2APIC_SPURIOUS, SPURIOUS_ENABLED);
        native_write_msr(X2APIC_LVT_LINT0, LVT_MASKED);
        native_write_msr(X2APIC_DIVIDE, DIVIDE_BY_1);

        /* How far it counts in one period. */
        native_write_msr(X2APIC_LVT_TIMER, LVT_MASKED);
        native_write_msr(X2APIC_COUNT, 0xffffffff);
        until = kvm_time() + NANOSECONDS / hz;
        while (kvm_time() < until)
                __builtin_ia32_pause();
        unsigned long count = 0xffffffff - native_read_msr(X2APIC_CURRENT);
        native_write_msr(X2APIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
        native_write_msr(X2APIC_COUNT, count);
}
