/* SPDX-License-Identifier: MIT */
/* Streams to chunks, each by the best that its format allows. */
#ifndef PACKER_COMPRESS_H
#define PACKER_COMPRESS_H

#include "encode.h"

/* One chunk; packed is to be freed.  Equal sizes: stored. */
struct packed_chunk {
        const uint8_t *raw;
        uint32_t history; /* bytes before raw that are the stream's chunk before */
        uint32_t raw_size;
        uint8_t *packed;
        uint32_t packed_size;
};

struct packed_streams {
        VECTOR(struct packed_chunk) chunks;
        uint32_t chunk_counts[MULTI_IMAGE_MAX_STREAMS];
        uint32_t stream_count;
};

/* Bytes that a chunk of a body stream may have with this codec. */
uint32_t chunk_size(enum codec_id codec, enum group_stream stream);

/* Compresses all streams with threads threads; the result does not depend on
 * their number.  done is called after each chunk and may be NULL. */
void streams_compress(const struct streams *streams, enum codec_id codec,
              unsigned threads, struct packed_streams *ret_packed);
void packed_streams_free(struct packed_streams *packed);

#endif
