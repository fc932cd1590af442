/* SPDX-License-Identifier: MIT */
/*
 * The running machine, as the stub's probes look at it.
 */
#ifndef PACKER_MACHINE_LIVE_H
#define PACKER_MACHINE_LIVE_H

#include "../stub/platform.h"

/* Fills in the functions and what /sys tells of the way it was booted. */
void machine_live(struct machine *ret_machine);

#endif
