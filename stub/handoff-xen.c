/* SPDX-License-Identifier: MIT */
/*
 * Xen PV: the domain builder has mapped the hole, the variant is loaded into
 * it (to p_paddr + VIRT_BASE, whatever p_vaddr says) and entered with rsi and
 * rsp as we were.  start_info is Xen's but for its command line.
 */
#include <string.h>

#include "boot.h"
#include "io.h"

/* struct start_info (Xen's public/xen.h), 64-bit */
#define START_INFO_CMD_LINE      128
#define START_INFO_CMD_LINE_SIZE 1024

static char *start_line(const struct boot *boot)
{
        return at(boot->state->info + START_INFO_CMD_LINE);
}

static const char *command_line(const struct boot *boot)
{
        start_line(boot)[START_INFO_CMD_LINE_SIZE - 1] = '\0';
        return start_line(boot);
}

static int check_memory(struct boot *boot)
{
        return boot->info.xen_entry ? 0 : BOOT_NO_ENTRY;
}

static int rebuild(struct boot *boot)
{
        const struct stub_parameters *p = boot->parameters;
        uint64_t hole = (uintptr_t)boot->elf + get_le64(p->hole_addr) -
                        get_le64(p->elf_addr);

        if (hole != boot->info.load_addr + boot->info.xen_virt_base)
                return BOOT_NO_ENTRY;
        boot->body = at(hole);
        return boot_load(boot, get_le64(p->hole_size));
}

static char *command_line_room(struct boot *boot, size_t *ret_room)
{
        *ret_room = START_INFO_CMD_LINE_SIZE;
        return (char *)boot->own + OWN_COMMAND_LINE;
}

static int prepare(struct boot *boot)
{
        memcpy(start_line(boot), boot->new_command_line,
               strlen(boot->new_command_line) + 1);
        return 0;
}

static _Noreturn void hand_off(struct boot *boot)
{
        leave_to_xen(boot->info.xen_entry, boot->state->info, boot->state->rsp);
}

const struct entry_protocol protocol_xen = {
        .name = "Xen PV",
        .command_line = command_line,
        .check_memory = check_memory,
        .rebuild = rebuild,
        .command_line_room = command_line_room,
        .prepare = prepare,
        .hand_off = hand_off,
};
