/* SPDX-License-Identifier: MIT */
/*
 * zstd (RFC 8878), one frame without magic number a chunk; its dictionary is the
 * chunk before.  In the stub Linux's copy of the library stands behind the same
 * functions: stub/zstd.c.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "multi-image.h"

static int decode(const void *in, size_t in_size, void *out, size_t out_size,
                  size_t history)
{
        size_t memory_size = ZSTD_estimateDCtxSize();
        void *memory = malloc(memory_size);
        ZSTD_DCtx *d = ZSTD_initStaticDCtx(memory, memory_size);
        uint8_t *before = (uint8_t *)out - history;
        size_t size;

        if (!d) {
                free(memory);
                return MULTI_IMAGE_NO_MEMORY;
        }
        ZSTD_DCtx_setParameter(d, ZSTD_d_format, ZSTD_f_zstd1_magicless);
        /* an error is a size that no chunk has */
        memcpy(before, out, history);
        size = ZSTD_decompress_usingDict(d, out, out_size, in, in_size, before,
                                         history);
        free(memory);
        return size == out_size ? MULTI_IMAGE_OK : MULTI_IMAGE_BAD_STREAM;
}

const struct codec codec_zstd = {
        .id = CODEC_ZSTD,
        .name = "zstd",
        .decode = decode,
        .memory_size = 163840, /* its state: 161,480 bytes in Linux 6.1 */
};
