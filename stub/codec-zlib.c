/* SPDX-License-Identifier: MIT */
/* Raw deflate (RFC 1951) through zlib, which Debian has in 32 bits as well. */
#include <zlib.h>

#include "multi-image/multi-image.h"

static int decode(const void *in, size_t in_size, void *out, size_t out_size,
                  size_t history __attribute__((unused)))
{
        z_stream z = { .next_in = (Bytef *)in,
                       .avail_in = (uInt)in_size,
                       .next_out = out,
                       .avail_out = (uInt)out_size };
        int result;

        if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
                return MULTI_IMAGE_NO_MEMORY;
        result = inflate(&z, Z_FINISH);
        inflateEnd(&z);
        return result == Z_STREAM_END && !z.avail_in && !z.avail_out
                       ? MULTI_IMAGE_OK
                       : MULTI_IMAGE_BAD_STREAM;
}

const struct codec codec_deflate = {
        .id = CODEC_DEFLATE,
        .name = "deflate",
        .decode = decode,
        .memory_size = 16384, /* zlib 1.2.13: one block of 7,128 bytes; no
                               * window, as all is unpacked in one call */
};
