/* SPDX-License-Identifier: MIT */
/* Finds a hypervisor by CPUID: another one's leaves may come first. */
#include "kernel.h"
#include "io.h"

SMALL uint32_t cpuid_hypervisor(const char *name)
{
        const uint32_t *words = (const uint32_t *)name;
        if (!(cpuid(1).cx & 1u << 31))
                return 0;
        for (uint32_t leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
                struct cpuid c = cpuid(leaf);
                if (c.bx == words[0] && c.cx == words[1] && c.dx == words[2])
                        return leaf;
        }
        return 0;
}
