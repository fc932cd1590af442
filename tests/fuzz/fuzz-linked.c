/* SPDX-License-Identifier: MIT */
/*
 * Reads any bytes as a linked kernel (sections, symbols, relocations), which is
 * its own image as well, so that its bytes match and everything is read.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image-parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static int fd = -1;
        static char path[64];
        uint8_t *copy = malloc(size + 1);
        char *message = NULL;
        struct linked linked;
        struct image image;

        if (fd < 0) {
                fd = memfd_create("fuzzed", 0);
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        }
        if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
                abort();
        memcpy(copy, data, size);
        if (!image_parse(path, copy, size, &image, &message)) {
                if (!linked_read(path, &image, &linked, &message))
                        linked_free(&linked);
                image_free(&image);
        }
        free(message);
        return 0;
}
