/* SPDX-License-Identifier: MIT */
/*
 * Takes any bytes as a multi-image file: finds the store behind the stub, and
 * the ELF inside.  (What is in the store is fuzz-unpack's part.)
 */
#include <stdlib.h>
#include <string.h>

#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size + 1);
        char *message = NULL;
        struct store store;
        uint8_t *elf;
        size_t elf_size;

        memcpy(copy, data, size);
        if (!store_parse("fuzzed", copy, size, &store, &message)) {
                char *other = NULL;

                store_check_stub(&store, &other);
                free(other);
                other = NULL;
                if (!store.bare && !store_elf(&store, &elf, &elf_size, &other))
                        free(elf);
                free(other);
                store_close(&store);
        }
        free(message);
        return 0;
}
