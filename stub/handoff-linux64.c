/* SPDX-License-Identifier: MIT */
/*
 * The 64-bit boot protocol: as kexec enters a kernel.  The variant gets the
 * loader's own page tables back: it may lie above 4 GiB, and what else they map
 * is the loader's business.
 */
#include "handoff-linux.h"
#include "map.h"

#define LINE_MAX 65536 /* more than any kernel takes */

static int map(struct boot *boot)
{
        const struct boot_params *params = linux_params(boot);
        struct map_range ranges[] = {
                { boot->state->load, get_le32(boot->parameters->init_size) },
                { boot->state->info, sizeof *params },
                { (uintptr_t)linux_command_line(boot), LINE_MAX },
        };
        return map_memory(boot->own + OWN_PAGE_TABLES, ranges,
                          sizeof ranges / sizeof ranges[0]);
}

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
        .map = map,
        .command_line = linux_command_line,
        .check_memory = linux_check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = linux_command_line_room,
        .prepare = linux_prepare,
        .hand_off = hand_off,
};
