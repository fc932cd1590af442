/* SPDX-License-Identifier: MIT */
/*
 * Loads a guest as lguest's launcher does: an ELF file by physical addresses,
 * or the protected-mode part of a bzImage to 1 MiB; the boot_params at 0, with
 * the few fields that the launcher fills, and the command line behind them.
 *
 * The entry is not checked: the guest finds out.
 */
#include "host.h"

#define BZIMAGE_ADDR     0x100000
#define KERNEL_ALIGNMENT 0x1000000
#define COMMAND_LINE_MAX 2048
#define TYPE_UNKNOWN     0xff
#define E820_RAM         1

#define ET_EXEC 2
#define EM_386  3
#define PT_LOAD 1

struct elf32_header {
        uint8_t e_ident[16];
        uint16_t e_type, e_machine;
        uint32_t e_version, e_entry, e_phoff, e_shoff, e_flags;
        uint16_t e_ehsize, e_phentsize, e_phnum;
};

struct elf32_segment {
        uint32_t p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags,
                p_align;
};

static _Noreturn void bad_file(const char *why)
{
        host_says();
        print("the guest can't be loaded: %s\n", why);
        end_run(3);
}

static uint32_t load_elf(const uint8_t *file, uint32_t size)
{
        const struct elf32_header *h = (const void *)file;

        if (size < sizeof(*h) || file[4] != 1 || h->e_type != ET_EXEC ||
            h->e_machine != EM_386)
                bad_file("not a 32-bit ET_EXEC for the 386");
        if (h->e_phentsize != sizeof(struct elf32_segment) ||
            h->e_phoff > size ||
            h->e_phnum * sizeof(struct elf32_segment) > size - h->e_phoff)
                bad_file("program headers outside the file");

        for (unsigned i = 0; i < h->e_phnum; i++) {
                const struct elf32_segment *s =
                        (const struct elf32_segment *)(file + h->e_phoff) + i;

                if (s->p_type != PT_LOAD)
                        continue;
                if (s->p_offset > size || s->p_filesz > size - s->p_offset)
                        bad_file("a segment outside the file");
                if (s->p_filesz > guest_size ||
                    s->p_paddr > guest_size - s->p_filesz)
                        bad_file("a segment outside memory");
                memcpy(guest_memory + s->p_paddr, file + s->p_offset,
                       s->p_filesz);
        }
        return h->e_entry;
}

static uint32_t load_bzimage(const uint8_t *file, uint32_t size)
{
        uint32_t start;

        if (size < BOOT_PARAMS_SIZE ||
            memcmp(file + BOOT_HEADER, "HdrS", 4) != 0)
                bad_file("neither ELF nor bzImage");
        start = (file[BOOT_SETUP_SECTS] + 1) * 512u;
        if (start > size || size - start > guest_size - BZIMAGE_ADDR)
                bad_file("larger than memory");
        memcpy(guest_memory + BZIMAGE_ADDR, file + start, size - start);
        return *(const uint32_t *)(file + BOOT_CODE32_START);
}

static void put32(uint32_t offset, uint32_t value)
{
        memcpy(guest_memory + offset, &value, sizeof(value));
}

uint32_t load_guest(const struct loaded *l)
{
        static const uint8_t elf_magic[4] = { 0x7f, 'E', 'L', 'F' };
        char *line = (char *)guest_memory + BOOT_PARAMS_SIZE;
        uint32_t entry;

        entry = l->image_size >= 4 && !memcmp(l->image, elf_magic, 4)
                        ? load_elf(l->image, l->image_size)
                        : load_bzimage(l->image, l->image_size);

        if (l->initrd_size) {
                uint32_t size = (l->initrd_size + PAGE_SIZE - 1) & PAGE_MASK;

                if (size > guest_size / 2)
                        bad_file("the initrd is larger than half of memory");
                memcpy(guest_memory + guest_size - size, l->initrd,
                       l->initrd_size);
                put32(BOOT_RAMDISK_IMAGE, guest_size - size);
                put32(BOOT_RAMDISK_SIZE, l->initrd_size);
                guest_memory[BOOT_TYPE_OF_LOADER] = TYPE_UNKNOWN;
        }

        guest_memory[BOOT_E820_ENTRIES] = 1;
        put32(BOOT_E820_MAP, 0);
        put32(BOOT_E820_MAP + 4, 0);
        put32(BOOT_E820_MAP + 8, guest_size);
        put32(BOOT_E820_MAP + 12, 0);
        put32(BOOT_E820_MAP + 16, E820_RAM);
        put32(BOOT_CMD_LINE_PTR, BOOT_PARAMS_SIZE);
        for (unsigned i = 0; l->command_line[i] && i < COMMAND_LINE_MAX; i++)
                line[i] = l->command_line[i];
        put32(BOOT_KERNEL_ALIGNMENT, KERNEL_ALIGNMENT);
        guest_memory[BOOT_VERSION] = 0x07;
        guest_memory[BOOT_VERSION + 1] = 0x02;
        if (!no_subarch)
                put32(BOOT_HARDWARE_SUBARCH, BOOT_SUBARCH_LGUEST);
        guest_memory[BOOT_LOADFLAGS] |= BOOT_KEEP_SEGMENTS;
        return entry;
}
