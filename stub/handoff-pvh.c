/* SPDX-License-Identifier: MIT */
/*
 * PVH: as QEMU, Cloud Hypervisor and Xen enter an ELF with a PHYS32_ENTRY
 * note.  A variant with such a note is loaded into the hole and gets the same
 * hvm_start_info; for one without, which must be a bzImage or come from one,
 * we are its boot loader: boot_params are made from hvm_start_info, and it is
 * entered by the 32-bit boot protocol, or as a loaded ELF by the 64-bit one.
 */
#include <stdint.h>
#include <string.h>

#include <xen/arch-x86/hvm/start_info.h>

#include "handoff-elf.h"
#include "handoff-linux.h"
#include "io.h"

#define LINE_ROOM 2048u /* COMMAND_LINE_SIZE of Linux on x86 */

static struct hvm_start_info *start_info(const struct boot *boot)
{
        return at(boot->state->info);
}

static const char *command_line(const struct boot *boot)
{
        uint64_t addr = start_info(boot)->cmdline_paddr;
        return addr ? at(addr) : "";
}

static int check_memory(struct boot *boot)
{
        if (start_info(boot)->magic != XEN_HVM_START_MAGIC_VALUE)
                return BOOT_NO_ENTRY;
        return 0;
}

static int rebuild(struct boot *boot)
{
        const struct variant_info *info = &boot->info;
        uint8_t *hole = at(get_le64(boot->parameters->hole_addr));
        uint64_t room = get_le64(boot->parameters->hole_size);

        boot->body = hole;
        if (info->pvh_entry || variant_is_elf(info)) {
                if ((uintptr_t)hole != info->load_addr)
                        return BOOT_NO_ENTRY;
                return boot_load(boot, room);
        }
        if (info->init_size > room)
                return BOOT_HOLE_TOO_SMALL;
        return boot_unpack(boot, room);
}

static char *command_line_room(struct boot *boot, size_t *ret_room)
{
        *ret_room = LINE_ROOM;
        return (char *)boot->own + OWN_COMMAND_LINE;
}

/* hvm_memmap_table_entry's types are e820's. */
static void copy_memory_map(const struct hvm_start_info *info,
                            struct boot_params *params)
{
        const struct hvm_memmap_table_entry *map = at(info->memmap_paddr);
        uint32_t count = info->version ? info->memmap_entries : 0;
        if (count > E820_MAX_ENTRIES_ZEROPAGE)
                count = E820_MAX_ENTRIES_ZEROPAGE;
        for (uint32_t i = 0; i < count; i++)
                params->e820_table[i] = (struct boot_e820_entry){
                        .addr = map[i].addr,
                        .size = map[i].size,
                        .type = map[i].type,
                };
        params->e820_entries = (uint8_t)count;
}

/* boot_params take the place of the rebuilt set-up, of which only the header
 * is still of use. */
static void make_params(struct boot *boot)
{
        const struct hvm_start_info *info = start_info(boot);
        struct boot_params *params = (struct boot_params *)boot->setup;

        linux_make_params(boot, params, *header_of(boot->setup));
        params->acpi_rsdp_addr = info->rsdp_paddr;
        copy_memory_map(info, params);
        if (info->nr_modules) {
                const struct hvm_modlist_entry *module =
                        at(info->modlist_paddr);
                params->hdr.ramdisk_image = (uint32_t)module->paddr;
                params->hdr.ramdisk_size = (uint32_t)module->size;
                params->ext_ramdisk_image = (uint32_t)(module->paddr >> 32);
                params->ext_ramdisk_size = (uint32_t)(module->size >> 32);
        }
}

static int prepare(struct boot *boot)
{
        start_info(boot)->cmdline_paddr = (uintptr_t)boot->new_command_line;
        if (boot->info.pvh_entry)
                return 0;
        /* A bare ELF has no set-up header: no Linux, as far as is known. */
        if (boot->info.setup_size < SETUP_HEADER + sizeof(struct setup_header))
                return BOOT_NO_ENTRY;
        make_params(boot);
        return 0;
}

static _Noreturn void hand_off(struct boot *boot)
{
        if (boot->info.pvh_entry)
                leave_to_32((uint32_t)boot->info.pvh_entry, 0,
                            (uint32_t)boot->state->info);
        if (boot->loaded_elf)
                leave_to_elf(boot, (uintptr_t)boot->setup);
        leave_to_32((uint32_t)(uintptr_t)boot->body,
                    (uint32_t)(uintptr_t)boot->setup, 0);
}

const struct entry_protocol protocol_pvh = {
        .name = "PVH",
        .command_line = command_line,
        .check_memory = check_memory,
        .rebuild = rebuild,
        .command_line_room = command_line_room,
        .prepare = prepare,
        .hand_off = hand_off,
};
