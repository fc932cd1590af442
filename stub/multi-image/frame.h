/* SPDX-License-Identifier: MIT */
/*
 * The stored frame: a gzip stream that stores instead of compressing, with
 * runs of whole pages of one value folded.  The payload of each bzImage that
 * build/ makes is in this frame, so its own boot code unpacks it at the speed
 * of a copy, and so the stub can write it again from the bytes within.
 *
 * The frame is canonical: it follows from the payload alone.  docs/format.md,
 * section 6, gives the rules.
 */
#ifndef STUB_MULTI_IMAGE_FRAME_H
#define STUB_MULTI_IMAGE_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* A run of whole pages of one value, left out of the compact payload. */
struct fold {
        uint64_t position;   /* bytes of compact payload before it */
        uint32_t page_count; /* of 4096 bytes, at least 1 */
        uint32_t value;      /* 0 to 255 */
};

/* Bytes of the frame around compact_size bytes and their folds. */
uint64_t frame_size(const struct fold *folds, size_t fold_count,
                    uint64_t compact_size);

/* Writes the frame to out; in is the compact payload.  The two may overlap as
 * long as the last byte of in lies no earlier than the last byte of out: the
 * frame never overtakes what it has not copied yet.  crc and payload_size are
 * those of the unpacked payload. */
void frame_write(uint8_t *out, const uint8_t *in, uint64_t compact_size,
                 const struct fold *folds, size_t fold_count, uint32_t crc,
                 uint64_t payload_size);

/* If the page at bytes is one value only, that value; else -1. */
int frame_page_value(const uint8_t *page);

#endif
