/* SPDX-License-Identifier: MIT */
/*
 * Unpacks the payload of a bzImage.
 *
 * The kernel's make compresses its stripped ELF file (behind which lies the
 * KASLR relocation table) with one of several programs, known by their magic
 * numbers.  Each payload ends with the unpacked size as le32: gzip's own ISIZE,
 * or a word that the kernel's make appends.  So the room is allocated once, and
 * a stream that unpacks to any other size is refused.
 *
 * A gzip payload that is exactly the canonical stored frame
 * (stub/multi-image/frame.h) is marked as such: the stub writes the frame again
 * from the bytes within, and the image is packed byte for byte.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "image-parts.h"
#include "message.h"
#include "../stub/multi-image/format.h"
#include "../stub/multi-image/frame.h"

#define SIZE_WORD 4 /* unpacked size, at the payload's end */

/* Memory of liblzma: the kernel's dictionary is at most 128 MiB. */
#define XZ_MEMORY_LIMIT (256u << 20)

/* A block of `lz4 -l` unpacks to this much, the last one to less. */
#define LZ4_LEGACY_BLOCK      (8u << 20)
#define LZ4_LEGACY_MAGIC_SIZE 4

/* Unpack exactly out_size bytes from exactly in_size bytes.  Return NULL, or
 * what is wrong. */
typedef const char *unpack_function(const uint8_t *in, size_t in_size,
                                    uint8_t *out, size_t out_size);

static const char wrong_size[] = "unpacks to another size than announced";

static const char *unpack_gzip(const uint8_t *in, size_t in_size, uint8_t *out,
                               size_t out_size)
{
        z_stream z = {
                .next_in = (Bytef *)in,
                .avail_in = (uInt)in_size,
                .next_out = out,
                .avail_out = (uInt)out_size,
        };
        const char *fault = NULL;
        int result;

        /* 16: a gzip header is wanted */
        if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
                return "out of memory";
        result = inflate(&z, Z_FINISH);
        if (result == Z_BUF_ERROR && z.avail_out == 0)
                fault = wrong_size;
        else if (result != Z_STREAM_END)
                fault = z.msg ? z.msg : "stream ends early";
        else if (z.avail_out)
                fault = wrong_size;
        else if (z.avail_in)
                fault = "bytes follow the gzip stream";
        inflateEnd(&z);
        return fault;
}

static const char *unpack_xz(const uint8_t *in, size_t in_size, uint8_t *out,
                             size_t out_size)
{
        uint64_t memory_limit = XZ_MEMORY_LIMIT;
        size_t in_pos = 0, out_pos = 0;

        switch (lzma_stream_buffer_decode(&memory_limit, 0, NULL, in, &in_pos,
                                          in_size, out, &out_pos, out_size)) {
        case LZMA_OK:
                break;
        case LZMA_MEM_ERROR:
                return "out of memory";
        case LZMA_MEMLIMIT_ERROR:
                return "dictionary is larger than the limit";
        case LZMA_BUF_ERROR: /* either side ended too early */
                return wrong_size;
        case LZMA_OPTIONS_ERROR:
                return "filter is unsupported";
        default:
                return "stream is damaged";
        }
        if (in_pos != in_size)
                return "bytes follow the xz stream";
        return out_pos == out_size ? NULL : wrong_size;
}

static const char *unpack_zstd(const uint8_t *in, size_t in_size, uint8_t *out,
                               size_t out_size)
{
        size_t result = ZSTD_decompress(out, out_size, in, in_size);

        if (ZSTD_isError(result))
                return ZSTD_getErrorName(result);
        return result == out_size ? NULL : wrong_size;
}

/* Magic number, then for each block a le32 size and as many bytes. */
static const char *unpack_lz4(const uint8_t *in, size_t in_size, uint8_t *out,
                              size_t out_size)
{
        size_t in_pos = LZ4_LEGACY_MAGIC_SIZE, out_pos = 0;

        while (in_pos < in_size) {
                size_t room = out_size - out_pos;
                uint32_t block_size;
                le32 size;
                int result;

                if (in_size - in_pos < sizeof(size))
                        return "stream ends early";
                memcpy(&size, in + in_pos, sizeof(size));
                block_size = get_le32(size);
                in_pos += sizeof(size);
                if (block_size == 0 || block_size > in_size - in_pos)
                        return "block reaches beyond the stream";
                if (room == 0)
                        return wrong_size;
                if (room > LZ4_LEGACY_BLOCK)
                        room = LZ4_LEGACY_BLOCK;
                result = LZ4_decompress_safe((const char *)in + in_pos,
                                             (char *)out + out_pos,
                                             (int)block_size, (int)room);
                if (result <= 0)
                        return "block is damaged";
                in_pos += block_size;
                out_pos += (size_t)result;
        }
        return out_pos == out_size ? NULL : wrong_size;
}

static const struct payload_codec {
        const char *name;
        const char *magic;
        size_t magic_size;
        unpack_function *unpack; /* NULL: known but unsupported */
        size_t trailer_size;     /* bytes behind the stream: the size word */
} codecs[] = {
        { "gzip", "\037\213\010", 3, unpack_gzip, 0 },
        { "xz", "\3757zXZ\0", 6, unpack_xz, SIZE_WORD },
        { "zstd", "\050\265\057\375", 4, unpack_zstd, SIZE_WORD },
        { "lz4", "\002\041\114\030", 4, unpack_lz4, SIZE_WORD },
        { "bzip2", "BZh", 3, NULL, SIZE_WORD },
        { "lzo", "\211LZO", 4, NULL, SIZE_WORD },
        { "lzma", "\135\0\0", 3, NULL, SIZE_WORD },
};

static const struct payload_codec *codec_find(const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
                if (size >= codecs[i].magic_size &&
                    !memcmp(data, codecs[i].magic, codecs[i].magic_size))
                        return &codecs[i];
        return NULL;
}

/* The payload without its runs of whole pages of one value. */
struct folded {
        uint8_t *compact;
        size_t compact_size;
        struct fold *folds;
        size_t fold_count;
};

static void folded_free(struct folded *f)
{
        free(f->compact);
        free(f->folds);
}

/* false: out of memory.  Each page is a run of its own at most. */
static bool fold_pages(const uint8_t *payload, size_t size, struct folded *ret)
{
        struct folded f = {
                .compact = malloc(size + 1),
                .folds = malloc((size / PAGE + 1) * sizeof(struct fold)),
        };
        int last = -1; /* value of the run that ends here, -1: none does */

        if (!f.compact || !f.folds) {
                folded_free(&f);
                return false;
        }
        for (size_t at = 0; at < size; at += PAGE) {
                size_t rest = size - at < PAGE ? size - at : PAGE;
                int value = rest == PAGE ? frame_page_value(payload + at) : -1;

                if (value < 0) {
                        memcpy(f.compact + f.compact_size, payload + at, rest);
                        f.compact_size += rest;
                } else if (value == last) {
                        f.folds[f.fold_count - 1].page_count++;
                } else {
                        f.folds[f.fold_count++] = (struct fold){
                                .position = f.compact_size,
                                .page_count = 1,
                                .value = (uint32_t)value,
                        };
                }
                last = value;
        }
        *ret = f;
        return true;
}

/* Does the payload equal the frame that the stub would write of it? */
static int compare_frame(struct image *image, char **ret_message)
{
        const uint8_t *frame = image->data + image->payload_offset;
        size_t size = image->payload_size;
        struct folded f;
        uint8_t *out;

        image->stored = false;
        if (!fold_pages(image->payload, image->unpacked_size, &f))
                return fail_errno(ret_message, image->path, "memory");
        if (frame_size(f.folds, f.fold_count, f.compact_size) == size) {
                out = malloc(size);
                if (!out) {
                        folded_free(&f);
                        return fail_errno(ret_message, image->path, "memory");
                }
                frame_write(out, f.compact, f.compact_size, f.folds,
                            f.fold_count,
                            (uint32_t)crc32(0, image->payload,
                                            (uInt)image->unpacked_size),
                            image->unpacked_size);
                image->stored = !memcmp(out, frame, size);
                free(out);
        }
        folded_free(&f);
        return 0;
}

int payload_unpack(struct image *image, char **ret_message)
{
        const uint8_t *in = image->data + image->payload_offset;
        size_t in_size = image->payload_size;
        const struct payload_codec *codec = codec_find(in, in_size);
        const char *fault;
        uint32_t size;
        le32 word;

        if (!codec)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload at %#zx: unknown compression",
                            image->path, image->payload_offset);
        if (!codec->unpack)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload at %#zx: compression with %s is "
                            "unsupported (gzip, xz, zstd and lz4 are taken)",
                            image->path, image->payload_offset, codec->name);
        if (in_size < codec->magic_size + SIZE_WORD)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload at %#zx: truncated at %zu bytes",
                            image->path, image->payload_offset, in_size);

        memcpy(&word, in + in_size - SIZE_WORD, sizeof(word));
        size = get_le32(word);
        if (size == 0 || size > IMAGE_MAX_PAYLOAD)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload at %#zx: unpacked size %" PRIu32
                            " is not from 1 to %u",
                            image->path, image->payload_offset, size,
                            IMAGE_MAX_PAYLOAD);
        image->payload = malloc(size);
        if (!image->payload)
                return fail_errno(ret_message, image->path, "payload");
        image->unpacked_size = size;
        image->payload_codec = codec->name;

        fault = codec->unpack(in, in_size - codec->trailer_size, image->payload,
                              size);
        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload at %#zx: %s: %s (%zu bytes, %" PRIu32
                            " unpacked)",
                            image->path, image->payload_offset, codec->name,
                            fault, in_size, size);
        if (codec->unpack == unpack_gzip)
                return compare_frame(image, ret_message);
        return 0;
}
