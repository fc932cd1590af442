/* SPDX-License-Identifier: MIT */
/*
 * What the loader tells: a command line and where memory is, in the words of
 * five protocols.  Of the memory the kernel wants one piece, the one it lies
 * in, from its own end on.  Everything is copied, since the loader's tables
 * may lie in that piece.
 *
 * Left out: modules, and information beyond the direct map.
 */
#include "kernel.h"

#include <asm/bootparam.h>
#include <multiboot/multiboot.h>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

struct boot boot;
extern const char bss_end[];

static const char *const entry_names[] = {
        [ENTRY_LINUX] = "linux",           [ENTRY_MULTIBOOT1] = "multiboot1",
        [ENTRY_MULTIBOOT2] = "multiboot2", [ENTRY_PVH] = "pvh",
        [ENTRY_XEN_PV] = "xen-pv",
};

static bool reachable(uint64_t addr)
{
        return addr < DIRECT_MAP_SIZE - PAGE_SIZE;
}

static void read_command_line(uint64_t addr)
{
        if (!addr || !reachable(addr))
                return;
        const char *from = to_virtual((unsigned long)addr);
        for (unsigned i = 0; i < sizeof boot.command_line - 1 && from[i]; i++)
                boot.command_line[i] = from[i];
}

void boot_memory(uint64_t start, uint64_t size)
{
        unsigned long kernel_end = to_physical(bss_end);
        uint64_t end = start + size;
        if (start > kernel_end || end <= kernel_end)
                return;
        boot.memory_start = kernel_end;
        boot.memory_end = end < DIRECT_MAP_SIZE ? end : DIRECT_MAP_SIZE;
}

static void read_linux(const void *info)
{
        const struct boot_params *p = info;
        boot.boot_params = p;
        read_command_line(p->hdr.cmd_line_ptr);
        for (unsigned i = 0;
             i < p->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE; i++)
                if (p->e820_table[i].type == 1)
                        boot_memory(p->e820_table[i].addr,
                                    p->e820_table[i].size);
}

static void read_multiboot1(const void *info)
{
        const struct multiboot_info *p = info;
        if (p->flags & MULTIBOOT_INFO_CMDLINE)
                read_command_line(p->cmdline);
        if (p->flags & MULTIBOOT_INFO_MEMORY)
                boot_memory(0x100000, (uint64_t)p->mem_upper * 1024);
        if (!(p->flags & MULTIBOOT_INFO_MEM_MAP) || !reachable(p->mmap_addr))
                return;
        /* `size` does not count itself. */
        for (uint32_t at = 0; at < p->mmap_length;) {
                const struct multiboot_mmap_entry *e =
                        to_virtual(p->mmap_addr + at);
                if (e->type == MULTIBOOT_MEMORY_AVAILABLE)
                        boot_memory(e->addr, e->len);
                at += e->size + 4;
        }
}

/* Tags of the Multiboot2 specification, 3.6; each is aligned to 8. */
struct multiboot2_tag {
        uint32_t type;
        uint32_t size;
        union {
                char text[1];
                struct {
                        uint32_t entry_size, version;
                        struct multiboot2_memory {
                                uint64_t addr, size;
                                uint32_t type, reserved;
                        } first;
                } memory;
        };
};
#define MULTIBOOT2_COMMAND_LINE 1
#define MULTIBOOT2_MEMORY       6

static void read_multiboot2(const void *info)
{
        uint32_t total = *(const uint32_t *)info;
        for (uint32_t at = 8; at + 8 <= total;) {
                const struct multiboot2_tag *tag =
                        (const void *)((const char *)info + at);
                if (tag->type == MULTIBOOT2_COMMAND_LINE)
                        read_command_line(to_physical(tag->text));
                if (tag->type == MULTIBOOT2_MEMORY)
                        for (uint32_t i = 16; i + 24 <= tag->size;
                             i += tag->memory.entry_size) {
                                const struct multiboot2_memory *m =
                                        (const void *)((const char *)tag + i);
                                if (m->type == 1)
                                        boot_memory(m->addr, m->size);
                        }
                if (tag->size < 8)
                        return;
                at += (tag->size + 7) & ~7u;
        }
}

static void read_pvh(const void *info)
{
        const struct hvm_start_info *p = info;
        if (p->magic != XEN_HVM_START_MAGIC_VALUE)
                return;
        read_command_line(p->cmdline_paddr);
        if (p->version < 1 || !reachable(p->memmap_paddr))
                return;
        const struct hvm_memmap_table_entry *map =
                to_virtual((unsigned long)p->memmap_paddr);
        for (uint32_t i = 0; i < p->memmap_entries; i++)
                if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
                        boot_memory(map[i].addr, map[i].size);
}

/* Xen maps more than the kernel: memory.c's piece begins behind the boot
 * stack, the last page in use, and ends where the mapping ends, at the next
 * multiple of 4 MiB that leaves 512 KiB (xen.h, "bootstrap"). */
static void read_xen_pv(const void *info)
{
#if BITS == 64
        const start_info_t *p = info;
        boot.start_info = p;
        read_command_line(to_physical(p->cmd_line));
        unsigned long start = to_physical((const void *)p->pt_base) +
                              (p->nr_pt_frames + 1) * PAGE_SIZE;
        boot.memory_start = start;
        boot.memory_end = (start + 0x80000 + 0x3fffff) & ~0x3ffffful;
#else
        (void)info;
#endif
}

static void (*const readers[])(const void *info) = {
        [ENTRY_LINUX] = read_linux,
        [ENTRY_MULTIBOOT1] = read_multiboot1,
        [ENTRY_MULTIBOOT2] = read_multiboot2,
        [ENTRY_PVH] = read_pvh,
        [ENTRY_XEN_PV] = read_xen_pv,
};

void boot_read(unsigned entry, unsigned long info)
{
        boot.entry = entry;
        boot.entered_by = entry_names[entry];
        /* Xen gives an address that is mapped, the others physical ones. */
        if (entry == ENTRY_XEN_PV)
                readers[entry]((const void *)info);
        else if (reachable(info))
                readers[entry](to_virtual(info));
}

const char *boot_word(const char *word)
{
        size_t size = __builtin_strlen(word);
        const char *p = boot.command_line, *found = NULL;
        for (; *p; p++) {
                bool first = p == boot.command_line || p[-1] == ' ';
                if (!first || __builtin_memcmp(p, word, size))
                        continue;
                if (p[size] == '=')
                        found = p + size + 1;
                if (p[size] == ' ' || !p[size])
                        found = p + size;
        }
        return found;
}
