/* SPDX-License-Identifier: MIT */
/*
 * Finds the 32-bit entries of a loaded bare ELF (32-bit stub program).
 *
 * How it wants to be entered is in its first bytes: a multiboot header
 * (Multiboot specification 0.6.96, 3.1; Multiboot2 2.0, 3.1) names a 32-bit
 * entry, and so does e_entry of class 32.  The rules for headers are those of a
 * boot loader, and the image has been verified by then; what is checked here
 * keeps us from reading or jumping outside of it.
 */
#include "handoff-bare.h"

#include <multiboot/multiboot.h>
#include <string.h>

#include "multiboot2.h"

#define HEADER_ALIGNMENT1 4u

static uint32_t word(const struct boot *boot, uint64_t offset)
{
        uint32_t value;
        memcpy(&value, boot->body + offset, sizeof value);
        return value;
}

/* e_entry, or what a header says in its stead. */
static uint32_t entry_in_image(const struct boot *boot, uint64_t entry)
{
        const struct variant_info *info = &boot->info;
        bool inside = entry >= info->load_addr &&
                      entry - info->load_addr < info->load_size;
        return inside ? (uint32_t)entry : 0;
}

static uint32_t multiboot1_entry(const struct boot *boot, uint64_t offset)
{
        uint32_t flags = word(boot, offset + 4);

        if (MULTIBOOT_HEADER_MAGIC + flags + word(boot, offset + 8))
                return 0;
        return entry_in_image(boot, flags & MULTIBOOT_AOUT_KLUDGE
                                            ? word(boot, offset + 28)
                                            : boot->elf_entry);
}

/* size: bytes that may be read from offset on */
static uint32_t multiboot2_entry(const struct boot *boot, uint64_t offset,
                                 uint64_t size)
{
        uint64_t entry = boot->elf_entry;
        uint32_t length = word(boot, offset + 8);

        if (word(boot, offset + 4) != MULTIBOOT2_ARCHITECTURE_I386 ||
            MULTIBOOT2_HEADER_MAGIC + word(boot, offset + 4) + length +
                    word(boot, offset + 12) ||
            length > size)
                return 0;
        for (uint64_t at = 16; at + 8 <= length;) {
                uint32_t tag_size = word(boot, offset + at + 4);
                if ((uint16_t)word(boot, offset + at) ==
                            MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS &&
                    tag_size >= 12 && at + 12 <= length)
                        entry = word(boot, offset + at + 8);
                if (tag_size < 8)
                        break;
                at += ((uint64_t)tag_size + 7) & ~7ull;
        }
        return entry_in_image(boot, entry);
}

uint32_t bare_multiboot_entry(const struct boot *boot, int version)
{
        uint32_t magic =
                version == 1 ? MULTIBOOT_HEADER_MAGIC : MULTIBOOT2_HEADER_MAGIC;
        uint64_t end = version == 1 ? MULTIBOOT_SEARCH : MULTIBOOT2_SEARCH;
        uint32_t alignment =
                version == 1 ? HEADER_ALIGNMENT1 : MULTIBOOT2_ALIGNMENT;

        if (end > boot->body_size)
                end = boot->body_size;
        /* 32: a whole multiboot1 header with addresses */
        for (uint64_t at = 0; at + 32 <= end; at += alignment) {
                uint32_t entry;
                if (word(boot, at) != magic)
                        continue;
                entry = version == 1 ? multiboot1_entry(boot, at)
                                     : multiboot2_entry(boot, at, end - at);
                if (entry)
                        return entry;
        }
        return 0;
}

uint32_t bare_entry(const struct boot *boot)
{
        uint32_t entry;

        if (!boot_is_bare(boot))
                return 0;
        entry = bare_multiboot_entry(boot, 2);
        if (!entry)
                entry = bare_multiboot_entry(boot, 1);
        if (!entry && boot->info.kind == VARIANT_ELF_32)
                entry = entry_in_image(boot, boot->elf_entry);
        return entry;
}
