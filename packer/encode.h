/* SPDX-License-Identifier: MIT */
/* The master sequence as streams. */
#ifndef PACKER_ENCODE_H
#define PACKER_ENCODE_H

#include "merge.h"

/* Bytes of a stream and where it is cut into chunks. */
struct stream {
        struct bytes bytes;
        VECTOR(uint64_t) cuts; /* ends of chunks but for the last */
};

/* chunk_size: bytes that a chunk of a body stream may have. */
void encode(const struct master *m, const struct interner *names,
            uint32_t chunk_size, struct stream streams[STREAM_COUNT]);
void streams_free(struct stream streams[STREAM_COUNT]);

#endif
