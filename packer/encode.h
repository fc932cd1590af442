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

struct streams {
        struct stream at[MULTI_IMAGE_MAX_STREAMS];
        uint32_t count;
};

/* Number of a group's stream. */
static inline uint32_t group_stream(uint8_t group, uint32_t stream)
{
        return STREAM_GROUP_FIRST + group * GROUP_STREAM_COUNT + stream;
}

/* The streams of m, to be compressed with codec. */
void encode(const struct master *m, const struct interner *names,
            enum codec_id codec, enum aim aim, struct streams *ret);
void streams_free(struct streams *streams);

#endif
