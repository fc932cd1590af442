/* SPDX-License-Identifier: MIT */
/*
 * The 64-bit boot protocol: as kexec enters a kernel.  The variant gets the
 * loader's own page tables back: it may lie above 4 GiB, and what else they map
 * is the loader's business.
 */
#include "handoff-linux.h"

static _Noreturn void hand_off(struct boot *boot)
{
        uint64_t entry = (uintptr_t)boot->body + HEAD_ENTRY_64;
        if (boot->loaded_elf)
                entry = (uintptr_t)boot->body + boot->elf_entry -
                        boot->info.load_addr;
        leave_to_64(entry, boot->state->info, boot->state);
}

const struct entry_protocol protocol_linux64 = {
        .name = "Linux 64-bit",
        .command_line = linux_command_line,
        .check_memory = linux_check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = linux_command_line_room,
        .prepare = linux_prepare,
        .hand_off = hand_off,
};
