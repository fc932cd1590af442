/* SPDX-License-Identifier: MIT */
/* Raw deflate (RFC 1951) through libdeflate. */
#include <libdeflate.h>

#include "multi-image.h"

static int decode(const void *in, size_t in_size, void *out, size_t out_size,
                  size_t history __attribute__((unused)))
{
        struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
        enum libdeflate_result result;
        size_t consumed;

        if (!d)
                return MULTI_IMAGE_NO_MEMORY;
        result = libdeflate_deflate_decompress_ex(d, in, in_size, out, out_size,
                                                  &consumed, NULL);
        libdeflate_free_decompressor(d);
        return result == LIBDEFLATE_SUCCESS && consumed == in_size ?
                       MULTI_IMAGE_OK :
                       MULTI_IMAGE_BAD_STREAM;
}

const struct codec codec_deflate = {
        .id = CODEC_DEFLATE,
        .name = "deflate",
        .decode = decode,
        .memory_size = 16384, /* libdeflate 1.14: 11,592 bytes of tables */
};
