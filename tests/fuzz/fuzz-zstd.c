/* SPDX-License-Identifier: MIT */
/*
 * The zstd decoder that boots (stub/zstd.c) beside Debian's, which the other
 * targets and the command line use.
 *
 * The input is compressed, some of its frame's bits are flipped, and both decode
 * it, each into memory allocated to the byte: where both find no fault they give
 * the same bytes, and without flips those of the input.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "multi-image/multi-image.h"

extern const struct codec codec_zstd, codec_kernel_zstd;

/* In front of the text: level, flips, seed, and the bytes of history. */
#define HEAD_SIZE 4

static size_t compress(const uint8_t *text, size_t size, int level,
                       const uint8_t *history, size_t history_size,
                       uint8_t **ret_frame)
{
        ZSTD_CCtx *c = ZSTD_createCCtx();
        size_t room = ZSTD_compressBound(size), n;
        uint8_t *frame = malloc(room);

        ZSTD_CCtx_setParameter(c, ZSTD_c_format, ZSTD_f_zstd1_magicless);
        ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_refPrefix(c, history, history_size);
        n = ZSTD_compress2(c, frame, room, text, size);
        ZSTD_freeCCtx(c);
        if (ZSTD_isError(n))
                abort();
        *ret_frame = realloc(frame, n);
        return n;
}

/* The unpacked bytes, to be freed; NULL: refused. */
static uint8_t *decode(const struct codec *codec, const uint8_t *frame,
                       size_t frame_size, size_t size, const uint8_t *history,
                       size_t history_size)
{
        size_t room = size > history_size ? size : history_size;
        uint8_t *memory = malloc(history_size + room), *bytes;

        memcpy(memory + history_size, history, history_size);
        if (codec->decode(frame, frame_size, memory + history_size, size,
                          history_size)) {
                free(memory);
                return NULL;
        }
        bytes = malloc(size + 1);
        memcpy(bytes, memory + history_size, size);
        free(memory);
        return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *frame, *ours, *theirs;
        size_t history_size, frame_size;
        unsigned flips, seed;

        if (size < HEAD_SIZE + 1)
                return 0;
        flips = data[1] % 8;
        seed = data[2] * 2654435761u + 1;
        history_size = data[3] * (size_t)8;
        data += HEAD_SIZE;
        size -= HEAD_SIZE;
        if (history_size >= size)
                history_size = 0;
        frame_size = compress(data + history_size, size - history_size,
                              data[-HEAD_SIZE] % 19 + 1, data, history_size,
                              &frame);
        for (unsigned i = 0; i < flips; i++) {
                seed = seed * 1664525u + 1013904223u;
                frame[(seed >> 8) % frame_size] ^= 1u << (seed >> 5) % 8;
        }
        ours = decode(&codec_kernel_zstd, frame, frame_size,
                      size - history_size, data, history_size);
        theirs = decode(&codec_zstd, frame, frame_size, size - history_size,
                        data, history_size);
        if (!flips && (!ours || memcmp(ours, data + history_size,
                                       size - history_size)))
                abort();
        if (ours && theirs && memcmp(ours, theirs, size - history_size))
                abort();
        free(frame);
        free(ours);
        free(theirs);
        return 0;
}
