/* SPDX-License-Identifier: MIT */
/* What the ways into a bzImage have in common. */
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

/* boot_params where no loader has made them: header and command line, the rest
 * zero.  boot->body is known. */
void linux_make_params(struct boot *boot, struct boot_params *params,
                       struct setup_header header);

/* Says in them that the screen is as a BIOS leaves it: text, 80 x 25. */
void linux_text_screen(struct boot_params *params);

#endif
