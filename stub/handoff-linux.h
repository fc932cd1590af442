/* SPDX-License-Identifier: MIT */
/* What the three ways into a bzImage have in common. */
#ifndef STUB_HANDOFF_LINUX_H
#define STUB_HANDOFF_LINUX_H

#include "boot-params.h"
#include "boot.h"

struct boot_params *linux_params(const struct boot *boot);
const char *linux_command_line(const struct boot *boot);
int linux_check_memory(struct boot *boot);
int linux_rebuild(struct boot *boot);
char *linux_command_line_room(struct boot *boot, size_t *ret_room);
int linux_prepare(struct boot *boot);

#endif
