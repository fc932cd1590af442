/* SPDX-License-Identifier: MIT */
/*
 * What a machine is: the probes of the stub, which `ingot detect` runs on a
 * live system and the unit tests on faked ones.
 */
#ifndef STUB_PLATFORM_H
#define STUB_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "multi-image/format.h"

/* Probes for lguest and VMI, whose guests are 32-bit kernels: not in the 64-bit
 * stub program. */
#if defined(__x86_64__) && !__STDC_HOSTED__
#define PLATFORM_PROBES_32 0
#else
#define PLATFORM_PROBES_32 1
#endif

/* Hardware as the probes reach it. */
struct machine {
        bool xen_pv; /* entered by the Xen PV protocol, or a guest of that kind */
        bool pvh;    /* entered by the PVH protocol, or a guest of that kind */
        bool lguest; /* ring 1, and boot_params says so */
        /* Memory from VMI_ROMS on, VMI_ROMS_SIZE bytes; NULL: out of reach. */
        const uint8_t *roms;
        /* CPUID of a leaf, sub-leaf 0: eax, ebx, ecx, edx. */
        void (*cpuid)(const struct machine *m, uint32_t leaf, uint32_t regs[4]);
        /* DMI system serial number, NUL-terminated; false if there is none. */
        bool (*dmi_serial)(const struct machine *m, char *ret_serial,
                           size_t room);
        /* 32-bit `in` from a port with these eax, ebx, ecx, edx, which it
         * returns as they are afterwards; false if ports can not be read. */
        bool (*port_in)(const struct machine *m, uint16_t port,
                        uint32_t regs[4]);
        void *context; /* for the functions */
};

/* What the probes saw. */
struct seen {
        unsigned level;         /* of the processor, below LEVEL_COUNT */
        enum platform platform; /* of the first probe that matched */
        uint32_t platforms;     /* 1 << platform, of all that matched */
        const char *how;        /* for people: "Xen PV entry", "CPUID" … */
        uint32_t leaf;          /* CPUID leaf of the signature; 0: none */
        char signature[13];     /* NUL-terminated; "" if there is none */
        /* A VMI ROM that can't be used: where, and why not; NULL: none. */
        uint32_t refused_rom;
        const char *refused_why;
};

/* Where a VMI ROM lies (VMI 3.0; Linux 2.6.36, vmi_32.c). */
#define VMI_ROMS      0xc0000u
#define VMI_ROMS_SIZE 0x20000u

/* The platforms whose rules hold on this one, as bits: 1 << platform. */
uint32_t platform_rules(enum platform platform);

void platform_detect(const struct machine *machine, struct seen *ret_seen);

/* "kvm", "xen-pv", …; NULL beyond PLATFORM_COUNT. */
const char *platform_name(unsigned platform);

/* The processor's level: the x86-64 psABI (1.0, section 3.1.1), but that an
 * operating system saves the registers of AVX is not asked: none runs yet, so
 * XSAVE stands for OSXSAVE. */
unsigned platform_level(const struct machine *machine);

/* "32-bit", "x86-64", "x86-64-v2", …; level is below LEVEL_COUNT. */
const char *level_name(unsigned level);

/* Writes `CPUID 0x40000000 "KVMKVMKVM"` and the like, NUL-terminated and cut
 * at room; 64 bytes always suffice. */
void platform_evidence(const struct seen *seen, char *out, size_t room);

#endif
