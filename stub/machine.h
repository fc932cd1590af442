/* SPDX-License-Identifier: MIT */
/* The machine that the stub runs on. */
#ifndef STUB_MACHINE_H
#define STUB_MACHINE_H

#include "platform.h"

/* Real CPUID, ports, ROMs and DMI tables; on Xen PV CPUID alone.  The caller
 * sets what only the entry tells: pvh, lguest. */
void machine_init(struct machine *ret_machine, bool xen_pv);

#endif
