/* SPDX-License-Identifier: MIT */
/* Page tables of our own. */
#ifndef STUB_MAP_H
#define STUB_MAP_H

#include <stdint.h>

/* A range that has to be mapped, bytes. */
struct map_range {
        uint64_t addr, size;
};

/* Maps the first 4 GiB and count ranges one to one, and switches to that map.
 * tables: OWN_PAGE_TABLES_SIZE bytes, page aligned, mapped one to one.
 * 0, or BOOT_NO_PAGE_TABLES if the ranges are too scattered. */
int map_memory(uint8_t *tables, const struct map_range *ranges, unsigned count);

#endif
