/* SPDX-License-Identifier: MIT */
/* The machine that the stub runs on. */
#ifndef STUB_MACHINE_H
#define STUB_MACHINE_H

#include "platform.h"

/* Real CPUID, ports, ROMs and DMI tables; on Xen PV CPUID alone.  The caller
 * sets what only the entry tells: pvh, lguest. */
void machine_init(struct machine *ret_machine, bool xen_pv);

#ifdef __x86_64__
static inline bool machine_has_64_bit(void)
{
        return true;
}
#else
/* The processor has 64-bit mode. */
bool machine_has_64_bit(void);
#endif

#endif
