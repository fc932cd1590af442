/* SPDX-License-Identifier: MIT */
/*
 * Entered as a bzImage: boot_params (or, in front of real mode, the loaded
 * set-up, laid out alike) at state->info, and the window
 *
 *     load                        variant's protected-mode part, rebuilt here
 *     ...                         room that rebuilding takes
 *     E, our memory, lent memory  put at the top by the head
 *     load + init_size - WINDOW_TAIL  the edited command line
 *
 * A re-wrapped kernel (VARIANT_ELF) has no boot code to rebuild: its ELF is
 * loaded instead, at its own distance from a 2 MiB boundary, and entered by
 * the 64-bit protocol whichever way we came.  A bare ELF is loaded where it is
 * linked by the 32-bit stub program; handoff-bare.c enters it.
 */
#include "handoff-linux.h"

#include <string.h>

#include "io.h"

#define ELF_ALIGNMENT    0x200000u /* of a relocated 64-bit Linux */
#define LOADER_UNDEFINED 0xff      /* type_of_loader without a number */

struct boot_params *linux_params(const struct boot *boot)
{
        return at(boot->state->info);
}

const char *linux_command_line(const struct boot *boot)
{
        const struct boot_params *params = linux_params(boot);
        uint64_t addr = params->hdr.cmd_line_ptr;
        if (boot->state->protocol != PROTOCOL_REAL)
                addr |= (uint64_t)params->ext_cmd_line_ptr << 32;
        return addr ? at(addr) : "";
}

/* The initrd must not lie where the variant is rebuilt.  (boot.rst has loaders
 * keep init_size bytes free; those that do not know the field put it high.) */
int linux_check_memory(struct boot *boot)
{
        const struct boot_params *params = linux_params(boot);
        uint64_t start = params->hdr.ramdisk_image;
        uint64_t size = params->hdr.ramdisk_size;
        uint64_t load = boot->state->load;
        uint64_t end = load + get_le32(boot->parameters->init_size);

        if (boot->state->protocol != PROTOCOL_REAL) {
                start |= (uint64_t)params->ext_ramdisk_image << 32;
                size |= (uint64_t)params->ext_ramdisk_size << 32;
        }
        if (size && start < end && start + size > load)
                return BOOT_NO_INITRD_ROOM;
        return 0;
}

int linux_rebuild(struct boot *boot)
{
        uint8_t *load = at(boot->state->load);
        size_t room = (size_t)(boot->elf - load);
        const struct variant_info *info = &boot->info;

        if (variant_is_elf(info)) {
                uint64_t start = boot->state->load;
                start += -(start - info->load_addr) & (ELF_ALIGNMENT - 1);
#ifndef __x86_64__
                if (boot_is_bare(boot))
                        start = info->load_addr;
#endif
                if (start - boot->state->load > room)
                        return MULTI_IMAGE_NO_MEMORY;
                boot->body = at(start);
                return boot_load(boot, room - (start - boot->state->load));
        }
        boot->body = load;
        return boot_unpack(boot, room);
}

char *linux_command_line_room(struct boot *boot, size_t *ret_room)
{
        *ret_room = WINDOW_TAIL;
        return at(boot->state->load + get_le32(boot->parameters->init_size) -
                  WINDOW_TAIL);
}

void linux_make_params(struct boot *boot, struct boot_params *params,
                       struct setup_header header)
{
        memset(params, 0, sizeof *params);
        params->hdr = header;
        params->hdr.type_of_loader = LOADER_UNDEFINED;
        params->hdr.code32_start = (uint32_t)(uintptr_t)boot->body;
        params->hdr.cmd_line_ptr = (uint32_t)(uintptr_t)boot->new_command_line;
}

void linux_text_screen(struct boot_params *params)
{
        params->screen_info.orig_video_mode = 3;
        params->screen_info.orig_video_cols = 80;
        params->screen_info.orig_video_lines = 25;
        params->screen_info.orig_video_points = 16;
        params->screen_info.orig_video_isVGA = 1; /* VIDEO_TYPE_VGAC */
}

int linux_prepare(struct boot *boot)
{
        struct boot_params *params = linux_params(boot);
        uint64_t line = (uintptr_t)boot->new_command_line;

        params->hdr.cmd_line_ptr = (uint32_t)line;
        params->ext_cmd_line_ptr = (uint32_t)(line >> 32);
        if (boot->info.setup_size >= SETUP_HEADER + sizeof params->hdr)
                header_merge(&params->hdr, &params->hdr, boot->setup);
        return 0;
}
