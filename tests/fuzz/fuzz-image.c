/* SPDX-License-Identifier: MIT */
/*
 * Reads any bytes as an input image: bzImage (set-up header, payload of each
 * codec) or ELF kernel (headers, segments, notes); and what the payload tells of
 * itself (sections, kallsyms, KASLR table).
 */
#include <stdlib.h>
#include <string.h>

#include "image-parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size + 1); /* as file_read() gives it */
        char *message = NULL;
        struct linked linked;
        struct image image;

        memcpy(copy, data, size);
        if (!image_parse("fuzzed", copy, size, &image, &message)) {
                if (linked_from_payload(&image, &linked))
                        linked_free(&linked);
                image_free(&image);
        }
        free(message);
        return 0;
}
