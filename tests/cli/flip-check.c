/* SPDX-License-Identifier: MIT */
/*
 * flip-check: does `ingot verify` find every damage of a multi-image?
 *
 *      flip-check FILE FLIPS [SEED]
 *
 * Flips FLIPS single bits, one at a time, at places that follow from SEED, and
 * cuts the file at every 512 bytes, and each time does what verify does, in
 * memory.  Prints the offset of each damage that is not found; exit code 1 if
 * there is one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-parts.h"
#include "store.h"

#define CUT_STEP 512

/* xorshift64: the same places on every machine. */
static uint64_t next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* As verify: open, digests, every variant.  true: something is wrong. */
static bool is_found(const uint8_t *bytes, size_t size)
{
        uint8_t *copy = malloc(size + 1);
        char *message = NULL;
        struct rebuilt r;
        struct store store;
        bool found;

        if (!copy)
                exit(2);
        memcpy(copy, bytes, size);
        if (store_parse("file", copy, size, &store, &message)) {
                free(message);
                return true;
        }
        found = store_check_stub(&store, &message) ||
                multi_image_verify_store(&store.mi);
        for (uint32_t i = 0; i < store.mi.variant_count && !found; i++) {
                found = store_rebuild(&store, i, &r, &message);
                if (!found)
                        rebuilt_free(&r);
        }
        free(message);
        store_close(&store);
        return found;
}

int main(int argc, char **argv)
{
        uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
        unsigned long flips = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
        unsigned long missed = 0, cuts = 0;
        uint8_t *data;
        char *message;
        size_t size;

        if (argc < 3 || state == 0) {
                fputs("usage: flip-check FILE FLIPS [SEED]\n", stderr);
                return 2;
        }
        if (file_read(argv[1], &data, &size, &message)) {
                fprintf(stderr, "%s\n", message);
                return 2;
        }
        if (is_found(data, size)) {
                printf("%s is damaged already\n", argv[1]);
                return 2;
        }
        for (unsigned long i = 0; i < flips; i++) {
                uint64_t bit = next_random(&state) % (size * 8);

                data[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (!is_found(data, size)) {
                        printf("bit %" PRIu64 " of byte %#" PRIx64
                               ": not found\n",
                               bit % 8, bit / 8);
                        missed++;
                }
                data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < size; cut += CUT_STEP, cuts++)
                if (!is_found(data, cut)) {
                        printf("cut at %#zx: not found\n", cut);
                        missed++;
                }
        printf("%lu flips, %lu cuts, %lu not found\n", flips, cuts, missed);
        free(data);
        return missed != 0;
}
