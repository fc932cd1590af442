/* SPDX-License-Identifier: MIT */
/*
 * Raw LZMA2 through liblzma.  The dictionary is as large as the chunk, so no
 * property has to be stored: lc, lp and pb are part of LZMA2 itself.
 */
#include <lzma.h>

#include "multi-image.h"

static int decode(const void *in, size_t in_size, void *out, size_t out_size,
                  size_t history __attribute__((unused)))
{
        lzma_options_lzma options = {
                .dict_size = out_size < LZMA_DICT_SIZE_MIN ? LZMA_DICT_SIZE_MIN :
                                                             (uint32_t)out_size,
        };
        const lzma_filter filters[] = {
                { .id = LZMA_FILTER_LZMA2, .options = &options },
                { .id = LZMA_VLI_UNKNOWN },
        };
        size_t in_position = 0;
        size_t out_position = 0;
        lzma_ret result;

        result = lzma_raw_buffer_decode(filters, NULL, in, &in_position,
                                        in_size, out, &out_position, out_size);
        if (result == LZMA_MEM_ERROR)
                return MULTI_IMAGE_NO_MEMORY;
        return result == LZMA_OK && in_position == in_size &&
                               out_position == out_size ?
                       MULTI_IMAGE_OK :
                       MULTI_IMAGE_BAD_STREAM;
}

const struct codec codec_xz = {
        .id = CODEC_XZ,
        .name = "xz",
        .decode = decode,
        /* State and probabilities of liblzma 5.4, without the dictionary. */
        .memory_size = 65536,
};
