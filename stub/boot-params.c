/* SPDX-License-Identifier: MIT */
/*
 * A loader reads the multi-image's set-up header and writes into it what it
 * has to say (boot.rst, "The Real-Mode Kernel Header": fields of type "write"
 * and "modify").  The variant has to find its own header with these words of
 * the loader's in it, and nothing of ours.
 */
#include "boot-params.h"

#include <stddef.h>
#include <string.h>

/* Bits of loadflags that a loader sets. */
#define LOADER_FLAGS (QUIET_FLAG | KEEP_SEGMENTS | CAN_USE_HEAP)

#define FIELD(name)                                              \
        {                                                        \
                offsetof(struct setup_header, name),             \
                        sizeof(((struct setup_header *)0)->name) \
        }

static const struct {
        uint8_t offset, size;
} loader_fields[] = {
        FIELD(vid_mode),
        FIELD(root_dev),
        FIELD(type_of_loader),
        FIELD(setup_move_size),
        FIELD(code32_start),
        FIELD(ramdisk_image),
        FIELD(ramdisk_size),
        FIELD(heap_end_ptr),
        FIELD(ext_loader_ver),
        FIELD(ext_loader_type),
        FIELD(cmd_line_ptr),
        FIELD(hardware_subarch),
        FIELD(hardware_subarch_data),
        FIELD(setup_data),
};

void header_merge(struct setup_header *header,
                  const struct setup_header *loader, const uint8_t *variant)
{
        struct setup_header merged = { 0 };
        /* The byte at 0x201 says where the variant's header ends. */
        size_t size = 0x202u + variant[0x201] - SETUP_HEADER;
        if (size > sizeof merged)
                size = sizeof merged;
        memcpy(&merged, variant + SETUP_HEADER, size);
        for (size_t i = 0; i < sizeof loader_fields / sizeof loader_fields[0];
             i++)
                memcpy((uint8_t *)&merged + loader_fields[i].offset,
                       (const uint8_t *)loader + loader_fields[i].offset,
                       loader_fields[i].size);
        merged.loadflags = (uint8_t)((merged.loadflags & ~LOADER_FLAGS) |
                                     (loader->loadflags & LOADER_FLAGS));
        memcpy(header, &merged, size);
}
