/* SPDX-License-Identifier: MIT */
/*
 * The Multiboot2 specification 2.0, as far as we need it; no Debian package
 * has its header.  Numbers in brackets are sections.
 */
#ifndef STUB_MULTIBOOT2_H
#define STUB_MULTIBOOT2_H

#include <stdint.h>

/* The header [3.1]: in the first 32768 bytes of the image, aligned by 8. */
#define MULTIBOOT2_SEARCH               32768u
#define MULTIBOOT2_ALIGNMENT            8u
#define MULTIBOOT2_HEADER_MAGIC         0xe85250d6u
#define MULTIBOOT2_ARCHITECTURE_I386    0u
#define MULTIBOOT2_HEADER_TAG_ADDRESS   2u
#define MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS 3u

/* What the kernel finds in eax [3.3]. */
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289u

/* Boot information [3.6]: total size, zero, tags aligned by 8. */
struct multiboot2_tag {
        uint32_t type;
        uint32_t size; /* bytes, these 8 included, padding not */
};

#define MULTIBOOT2_TAG_END          0u
#define MULTIBOOT2_TAG_COMMAND_LINE 1u
#define MULTIBOOT2_TAG_MODULE       3u
#define MULTIBOOT2_TAG_MEMORY_MAP   6u
#define MULTIBOOT2_TAG_FRAMEBUFFER  8u
#define MULTIBOOT2_TAG_EFI64        12u
#define MULTIBOOT2_TAG_RSDP1        14u
#define MULTIBOOT2_TAG_RSDP2        15u
#define MULTIBOOT2_TAG_EFI_MAP      17u

struct multiboot2_module {
        struct multiboot2_tag tag;
        uint32_t start, end; /* physical; end is behind it */
};

struct multiboot2_memory_map {
        struct multiboot2_tag tag;
        uint32_t entry_size, entry_version;
};

struct multiboot2_memory {
        uint64_t addr, size;
        uint32_t type; /* e820's */
        uint32_t reserved;
};

struct multiboot2_framebuffer {
        struct multiboot2_tag tag;
        uint64_t addr;
        uint32_t pitch, width, height;
        uint8_t depth; /* bits a pixel */
        uint8_t type;  /* 1: direct colour, 2: EGA text */
        uint16_t reserved;
        uint8_t red_position, red_size, green_position, green_size,
                blue_position, blue_size;
};

struct multiboot2_efi64 {
        struct multiboot2_tag tag;
        uint64_t system_table;
};

struct multiboot2_efi_map {
        struct multiboot2_tag tag;
        uint32_t descriptor_size, descriptor_version;
};
#endif
