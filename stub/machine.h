/* SPDX-License-Identifier: MIT */
/* The machine that the stub runs on. */
#ifndef STUB_MACHINE_H
#define STUB_MACHINE_H

#include "platform.h"

/* Real CPUID, ports and DMI tables; on Xen PV neither ports nor tables. */
void machine_init(struct machine *ret_machine, bool xen_pv, bool pvh);

#endif
