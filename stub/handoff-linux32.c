/* SPDX-License-Identifier: MIT */
/* The 32-bit boot protocol: as GRUB's `linux` enters a kernel. */
#include "handoff-elf.h"
#include "handoff-linux.h"

static _Noreturn void hand_off(struct boot *boot)
{
        if (boot->loaded_elf)
                leave_to_elf(boot, boot->state->info);
        leave_to_32((uint32_t)(uintptr_t)boot->body,
                    (uint32_t)boot->state->info, 0);
}

const struct entry_protocol protocol_linux32 = {
        .name = "Linux 32-bit",
        .command_line = linux_command_line,
        .check_memory = linux_check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = linux_command_line_room,
        .prepare = linux_prepare,
        .hand_off = hand_off,
};
