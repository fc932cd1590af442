/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 and 2: as GRUB's `multiboot` and `multiboot2` enter a kernel, in
 * 32-bit mode also on UEFI (32-bit stub program).  The headers in the head ask
 * for the window at LOAD_ADDR.
 *
 * A bare ELF with a header of the same version gets the loader's information
 * with the command line edited; multiboot1 has a pointer to it, multiboot2's
 * information is written anew.  For a Linux we are the boot loader:
 * boot_params are made, the first module is its initrd.
 */
#include <multiboot/multiboot.h>
#include <string.h>

#include "handoff-bare.h"
#include "handoff-elf.h"
#include "handoff-linux.h"
#include "io.h"
#include "multiboot2.h"

#define LINE_ROOM (OWN_HYPERCALLS - OWN_COMMAND_LINE)

static char *command_line_room(struct boot *boot, size_t *ret_room)
{
        *ret_room = LINE_ROOM;
        return (char *)boot->own + OWN_COMMAND_LINE;
}

/* The loader has kept the window free. */
static int check_memory(struct boot *boot)
{
        (void)boot;
        return 0;
}

static struct boot_params *params_of(const struct boot *boot)
{
        return (struct boot_params *)boot->setup;
}

/* boot_params take the place of the rebuilt set-up, whose header stays. */
static int make_params(struct boot *boot)
{
        if (boot->info.setup_size < SETUP_HEADER + sizeof(struct setup_header))
                return BOOT_NO_ENTRY;
        linux_make_params(boot, params_of(boot), *header_of(boot->setup));
        return 0;
}

static void add_memory(struct boot_params *params, uint64_t addr, uint64_t size,
                       uint32_t type)
{
        if (params->e820_entries < E820_MAX_ENTRIES_ZEROPAGE)
                params->e820_table[params->e820_entries++] =
                        (struct boot_e820_entry){ addr, size, type };
}

static void set_initrd(struct boot_params *params, uint32_t start, uint32_t end)
{
        if (params->hdr.ramdisk_size || end <= start)
                return;
        params->hdr.ramdisk_image = start;
        params->hdr.ramdisk_size = end - start;
}

static _Noreturn void hand_off(struct boot *boot)
{
        if (boot->loaded_elf)
                leave_to_elf(boot, (uintptr_t)boot->setup);
        leave_to_32((uint32_t)(uintptr_t)boot->body,
                    (uint32_t)(uintptr_t)boot->setup, 0);
}

/* ---- version 1 ---------------------------------------------------------- */

static struct multiboot_info *info1(const struct boot *boot)
{
        return at(boot->state->info);
}

static const char *command_line1(const struct boot *boot)
{
        const struct multiboot_info *info = info1(boot);
        return info->flags & MULTIBOOT_INFO_CMDLINE ? at(info->cmdline) : "";
}

static int prepare1(struct boot *boot)
{
        struct multiboot_info *info = info1(boot);
        struct boot_params *params = params_of(boot);
        int error;

        if (boot_is_bare(boot)) {
                info->cmdline = (uint32_t)(uintptr_t)boot->new_command_line;
                info->flags |= MULTIBOOT_INFO_CMDLINE;
                return bare_multiboot_entry(boot, 1) ? 0 : BOOT_NO_ENTRY;
        }
        error = make_params(boot);
        if (error)
                return error;
        if (info->flags & MULTIBOOT_INFO_MEM_MAP) {
                /* `size` does not count itself */
                for (uint32_t i = 0; i < info->mmap_length;) {
                        const struct multiboot_mmap_entry *e =
                                at(info->mmap_addr + i);
                        if (e->size < sizeof *e - sizeof e->size)
                                break;
                        add_memory(params, e->addr, e->len, e->type);
                        i += e->size + sizeof e->size;
                }
        }
        if (info->flags & MULTIBOOT_INFO_MODS && info->mods_count) {
                const struct multiboot_mod_list *m = at(info->mods_addr);
                set_initrd(params, m->mod_start, m->mod_end);
        }
        linux_text_screen(params);
        return 0;
}

static _Noreturn void hand_off1(struct boot *boot)
{
        if (boot_is_bare(boot))
                leave_to_32_with(bare_multiboot_entry(boot, 1), 0,
                                 (uint32_t)boot->state->info,
                                 MULTIBOOT_BOOTLOADER_MAGIC);
        hand_off(boot);
}

const struct entry_protocol protocol_multiboot1 = {
        .name = "multiboot1",
        .command_line = command_line1,
        .check_memory = check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = command_line_room,
        .prepare = prepare1,
        .hand_off = hand_off1,
};

/* ---- version 2 ---------------------------------------------------------- */

/* The tag behind before, the first one for NULL; NULL behind the last. */
static const struct multiboot2_tag *next_tag(
        const struct boot *boot, const struct multiboot2_tag *before)
{
        const uint8_t *info = at(boot->state->info);
        uint32_t total, offset = 8;
        const struct multiboot2_tag *tag;

        memcpy(&total, info, sizeof total);
        if (before)
                offset = (uint32_t)((const uint8_t *)before - info) +
                         ((before->size + 7) & ~7u);
        tag = (const struct multiboot2_tag *)(info + offset);
        if (offset + sizeof *tag > total || tag->size < sizeof *tag ||
            tag->size > total - offset || tag->type == MULTIBOOT2_TAG_END)
                return NULL;
        return tag;
}

static const char *command_line2(const struct boot *boot)
{
        const struct multiboot2_tag *tag = NULL;
        while ((tag = next_tag(boot, tag)))
                if (tag->type == MULTIBOOT2_TAG_COMMAND_LINE &&
                    tag->size > sizeof *tag)
                        return (const char *)(tag + 1);
        return "";
}

/* Information with the new command line, in the place of the set-up. */
static int write_info(struct boot *boot)
{
        uint8_t *info = boot->own + OWN_SETUP;
        const struct multiboot2_tag *tag = NULL;
        size_t line = strlen(boot->new_command_line) + 1;
        uint32_t total = 8;
        struct multiboot2_tag head = {
                MULTIBOOT2_TAG_COMMAND_LINE,
                (uint32_t)(sizeof head + line),
        };

        memcpy(info + total, &head, sizeof head);
        memcpy(info + total + sizeof head, boot->new_command_line, line);
        total += (head.size + 7) & ~7u;
        while ((tag = next_tag(boot, tag))) {
                if (tag->type == MULTIBOOT2_TAG_COMMAND_LINE)
                        continue;
                if (tag->size > OWN_SETUP_SIZE - total - 2 * sizeof head)
                        return BOOT_LARGE_MULTIBOOT;
                memcpy(info + total, tag, tag->size);
                total += (tag->size + 7) & ~7u;
        }
        head = (struct multiboot2_tag){ MULTIBOOT2_TAG_END, sizeof head };
        memcpy(info + total, &head, sizeof head);
        total += sizeof head;
        memset(info, 0, 8);
        memcpy(info, &total, sizeof total);
        boot->setup = info;
        return bare_multiboot_entry(boot, 2) ? 0 : BOOT_NO_ENTRY;
}

static void add_memory_map(struct boot_params *params,
                           const struct multiboot2_tag *tag)
{
        const struct multiboot2_memory_map *map = (const void *)tag;
        uint32_t step = map->entry_size;

        for (uint32_t i = sizeof *map;
             step >= sizeof(struct multiboot2_memory) &&
             i + sizeof(struct multiboot2_memory) <= tag->size;
             i += step) {
                const struct multiboot2_memory *m =
                        (const void *)((const uint8_t *)tag + i);
                add_memory(params, m->addr, m->size, m->type);
        }
}

/* Linux' fields for a linear frame buffer (struct screen_info). */
static void set_screen(struct boot_params *params,
                       const struct multiboot2_framebuffer *f)
{
        struct screen_info *s = &params->screen_info;

        if (f->type != 1)
                return;
        s->orig_video_isVGA = 0x23; /* VIDEO_TYPE_VLFB */
        s->lfb_base = (uint32_t)f->addr;
        s->ext_lfb_base = (uint32_t)(f->addr >> 32);
        s->capabilities = f->addr >> 32 ? 1 << 1 : 0; /* 64-bit base */
        s->lfb_size = f->pitch * f->height / 65536 + 1;
        s->lfb_width = (uint16_t)f->width;
        s->lfb_height = (uint16_t)f->height;
        s->lfb_depth = f->depth;
        s->lfb_linelength = (uint16_t)f->pitch;
        s->red_pos = f->red_position;
        s->red_size = f->red_size;
        s->green_pos = f->green_position;
        s->green_size = f->green_size;
        s->blue_pos = f->blue_position;
        s->blue_size = f->blue_size;
}

/* The firmware's tables: Linux finds ACPI's through them, too. */
static void set_efi(struct boot_params *params, uint64_t system_table)
{
        memcpy(&params->efi_info.efi_loader_signature, "EL64", 4);
        params->efi_info.efi_systab = (uint32_t)system_table;
        params->efi_info.efi_systab_hi = (uint32_t)(system_table >> 32);
}

static void set_efi_map(struct boot_params *params,
                        const struct multiboot2_efi_map *map)
{
        params->efi_info.efi_memmap = (uint32_t)(uintptr_t)(map + 1);
        params->efi_info.efi_memmap_size = map->tag.size - sizeof *map;
        params->efi_info.efi_memdesc_size = map->descriptor_size;
        params->efi_info.efi_memdesc_version = map->descriptor_version;
}

static int prepare2(struct boot *boot)
{
        struct boot_params *params = params_of(boot);
        const struct multiboot2_tag *tag = NULL;
        int error;

        if (boot_is_bare(boot))
                return write_info(boot);
        error = make_params(boot);
        if (error)
                return error;
        linux_text_screen(params);
        while ((tag = next_tag(boot, tag))) {
                const struct multiboot2_module *module = (const void *)tag;
                switch (tag->type) {
                case MULTIBOOT2_TAG_MODULE:
                        set_initrd(params, module->start, module->end);
                        break;
                case MULTIBOOT2_TAG_MEMORY_MAP:
                        add_memory_map(params, tag);
                        break;
                case MULTIBOOT2_TAG_FRAMEBUFFER:
                        set_screen(params, (const void *)tag);
                        break;
                case MULTIBOOT2_TAG_EFI64:
                        set_efi(params, ((const struct multiboot2_efi64 *)tag)
                                                ->system_table);
                        break;
                case MULTIBOOT2_TAG_EFI_MAP:
                        set_efi_map(params, (const void *)tag);
                        break;
                }
        }
        /* Without its map Linux takes nothing of EFI's. */
        if (!params->efi_info.efi_memmap)
                memset(&params->efi_info, 0, sizeof params->efi_info);
        return 0;
}

static _Noreturn void hand_off2(struct boot *boot)
{
        if (boot_is_bare(boot))
                leave_to_32_with(bare_multiboot_entry(boot, 2), 0,
                                 (uint32_t)(uintptr_t)boot->setup,
                                 MULTIBOOT2_LOADER_MAGIC);
        hand_off(boot);
}

const struct entry_protocol protocol_multiboot2 = {
        .name = "multiboot2",
        .command_line = command_line2,
        .check_memory = check_memory,
        .rebuild = linux_rebuild,
        .command_line_room = command_line_room,
        .prepare = prepare2,
        .hand_off = hand_off2,
};
