/* SPDX-License-Identifier: MIT */
/*
 * Real mode: as BIOS loaders and QEMU -kernel enter a kernel.  Our set-up has
 * gone to protected mode with nothing of the BIOS touched; the variant's
 * set-up takes its place in the same segment, and is entered as the loader
 * entered ours.
 *
 *     segment:0          variant's set-up (setup_size bytes), its bss, heap
 *     ...
 *     trampoline         the way back; new sp: the stack grows down from here
 *     command line       edited: the variant's set-up reads it below 1 MiB
 *     old sp             the loader's
 *
 * A bare ELF has no set-up that could ask the BIOS: our own has asked for the
 * memory map in its stead (setup.S), and the kernel gets boot_params.
 */
#include <string.h>

#include "handoff-elf.h"
#include "handoff-linux.h"
#include "io.h"

#define LINE_ROOM       2048u /* COMMAND_LINE_SIZE of Linux on x86 */
#define SECTOR          512u
#define HEAP_ROOM       8192u  /* least heap and stack to leave to the set-up */
#define HEAP_END_OFFSET 0x200u /* boot.rst: heap_end_ptr is this much lower */

extern const uint8_t trampoline_real[], trampoline_real_end[];

/* ss:sp as our set-up was entered with. */
static uint32_t saved_stack(const struct boot *boot)
{
        const uint8_t *p = at(boot->state->info + SETUP_SAVED_STACK);
        return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t line_offset(const struct boot *boot)
{
        return ((saved_stack(boot) & 0xffff) - LINE_ROOM) & ~15u;
}

static char *command_line_room(struct boot *boot, size_t *ret_room)
{
        *ret_room = LINE_ROOM;
        return at(boot->state->info + line_offset(boot));
}

static int check_memory(struct boot *boot)
{
        uint32_t sp = saved_stack(boot) & 0xffff;

        if (sp < boot->info.setup_size + HEAP_ROOM + LINE_ROOM +
                         (size_t)(trampoline_real_end - trampoline_real))
                return BOOT_NO_WINDOW;
        return linux_check_memory(boot);
}

#ifndef __x86_64__
/* Video mode 3 is what a BIOS leaves. */
static int make_params(struct boot *boot)
{
        const uint8_t *setup = at(boot->state->info);
        const uint8_t *map = setup + SETUP_MEMORY_MAP;
        struct boot_params *params = (void *)(boot->own + OWN_SETUP);
        unsigned count = map[0] | map[1] << 8;

        boot->setup = (uint8_t *)params;
        linux_make_params(boot, params, linux_params(boot)->hdr);
        if (count > E820_MAX_ENTRIES_ZEROPAGE)
                count = E820_MAX_ENTRIES_ZEROPAGE;
        memcpy(params->e820_table, setup + (map[2] | map[3] << 8),
               count * sizeof params->e820_table[0]);
        params->e820_entries = (uint8_t)count;
        linux_text_screen(params);
        return 0;
}
#endif

static int prepare(struct boot *boot)
{
        uint64_t segment = boot->state->info;
        struct setup_header *loader = &linux_params(boot)->hdr;

        loader->cmd_line_ptr = (uint32_t)(segment + line_offset(boot));
#ifndef __x86_64__
        if (boot_is_bare(boot))
                return make_params(boot);
#endif
        /* A bare ELF has no set-up that asks the BIOS for memory and screen,
         * and a header alone is none. */
        if (boot->info.setup_size < SETUP_HEADER + sizeof *loader ||
            (header_of(boot->setup)->setup_sects + 1u) * SECTOR !=
                    boot->info.setup_size)
                return BOOT_NO_ENTRY;
        if (boot->loaded_elf)
                loader->code32_start = elf_hook_for(boot);
        header_merge(header_of(boot->setup), loader, boot->setup);
        return 0;
}

static _Noreturn void hand_off(struct boot *boot)
{
        uint64_t segment = boot->state->info;
        size_t size = (size_t)(trampoline_real_end - trampoline_real);
        uint32_t trampoline = (line_offset(boot) - (uint32_t)size) & ~15u;
        uint32_t stack = saved_stack(boot);
        struct setup_header *header = header_of(boot->setup);

#ifndef __x86_64__
        if (boot_is_bare(boot))
                leave_to_elf(boot, (uintptr_t)boot->setup);
#endif
        stack = (stack & 0xffff0000) | trampoline;
        if (header->loadflags & CAN_USE_HEAP)
                header->heap_end_ptr = (uint16_t)(trampoline - HEAP_END_OFFSET);
        memcpy(at(segment), boot->setup, boot->info.setup_size);
        memcpy(at(segment + trampoline), trampoline_real, size);
        leave_to_32((uint32_t)(segment + trampoline), 0, stack);
}

const struct entry_protocol protocol_real = {
        .name = "Linux real mode",
        .command_line = linux_command_line,
        .check_memory = check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = command_line_room,
        .prepare = prepare,
        .hand_off = hand_off,
};
