/* SPDX-License-Identifier: MIT */
/* What the two halves of kallsyms share: symbols.c and symbol-names.c. */
#ifndef STUB_MULTI_IMAGE_SYMBOLS_H
#define STUB_MULTI_IMAGE_SYMBOLS_H

#include <string.h>

#include "unpack.h"

#define MAX_NAME 512u /* KSYM_NAME_LEN; type included */

struct symbol {
        uint64_t key;  /* first eight bytes of the name, big-endian */
        uint32_t name; /* of the type byte, offset in STREAM_SYMBOL_NAME */
        uint32_t sequence;
};

static inline uint64_t load_le64(const uint8_t *bytes)
{
        le64 v;

        memcpy(&v, bytes, sizeof(v));
        return get_le64(v);
}

/* The first size bytes of a little-endian word, at least one. */
static inline uint64_t leading(uint64_t word, uint32_t size)
{
        return size < 8 ? word & ~0ull >> (64 - 8 * size) : word;
}

/* Characters of a name in a stream, which has READER_SLACK zeros behind it. */
static inline uint32_t name_size(const uint8_t *name)
{
        const uint64_t ones = 0x0101010101010101u;
        uint32_t size = 0;

        for (;; size += 8) {
                uint64_t word = load_le64(name + size);
                uint64_t zeros = (word - ones) & ~word & ones << 7;

                if (zeros) /* the lowest bit is that of the first zero byte */
                        return size + (uint32_t)__builtin_ctzll(zeros) / 8;
        }
}

/* Sorts by name, then by sequence, from one array to the other and back, and returns
 * where the result is; text: what names are offsets in. */
struct symbol *symbols_sort(struct symbol *a, struct symbol *b, uint32_t count,
                            const uint8_t *text);

/* kallsyms_names and kallsyms_markers of these symbols. */
int symbol_names_derive(struct unpacker *u, const struct symbol *symbols,
                        uint32_t count, const uint8_t *text);

#endif
