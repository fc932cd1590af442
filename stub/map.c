/* SPDX-License-Identifier: MIT */
/*
 * A 64-bit loader promises to map the window, boot_params and the command line
 * and nothing else, wherever they are.  The stub also looks at the BIOS's
 * areas below 1 MiB, so it makes a map that has both, in pages of 2 MiB and
 * whole GiBs, and gives the loader's back at the hand-off.  (The other entries
 * build their map of the first 4 GiB in assembly.)
 *
 * Worst case of the tables: one of each upper level (3 with 5-level paging),
 * four for the first 4 GiB, two for a window across a GiB boundary, two each
 * for boot_params and the command line; every other GiB may take one page of
 * each level below the root.
 */
#include "map.h"

#include <stddef.h>
#include <string.h>

#include "boot.h"
#include "io.h"

#define CR4_LA57    (1ull << 12)
#define ENTRY_TABLE 0x003 /* present, writable */
#define ENTRY_LARGE 0x083 /* present, writable, 2 MiB */
#define ENTRY_ADDR  0x000ffffffffff000
#define GIB         (1ull << 30)

struct tables {
        uint8_t *next, *end; /* pages not yet used */
        uint64_t *root;
        unsigned levels; /* 4 or 5 */
};

static uint64_t *take_page(struct tables *t)
{
        if (t->next == t->end)
                return NULL;
        uint64_t *page = (uint64_t *)t->next;
        t->next += PAGE;
        return memset(page, 0, PAGE);
}

static bool map_gib(struct tables *t, uint64_t addr)
{
        uint64_t *table = t->root;
        for (unsigned level = t->levels; level > 2; level--) {
                uint64_t *entry = &table[addr >> (3 + 9 * level) & 511];
                if (!*entry) {
                        uint64_t *page = take_page(t);
                        if (!page)
                                return false;
                        *entry = (uintptr_t)page | ENTRY_TABLE;
                }
                table = at(*entry & ENTRY_ADDR);
        }
        addr &= -GIB;
        for (unsigned i = 0; i < 512; i++)
                table[i] = (addr + ((uint64_t)i << 21)) | ENTRY_LARGE;
        return true;
}

int map_memory(uint8_t *tables, const struct map_range *ranges, unsigned count)
{
        struct tables t = { .next = tables,
                            .levels = 4,
                            .end = tables + OWN_PAGE_TABLES_SIZE };
        uint64_t cr4;
        __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
        if (cr4 & CR4_LA57)
                t.levels = 5;
        t.root = take_page(&t);
        for (uint64_t addr = 0; addr < 4 * GIB; addr += GIB)
                if (!map_gib(&t, addr))
                        return BOOT_NO_PAGE_TABLES;
        for (; count; ranges++, count--)
                for (uint64_t addr = ranges->addr & -GIB;
                     addr < ranges->addr + ranges->size; addr += GIB)
                        if (addr >= 4 * GIB && !map_gib(&t, addr))
                                return BOOT_NO_PAGE_TABLES;
        __asm__ volatile("mov %0, %%cr3" : : "r"(t.root) : "memory");
        return 0;
}
