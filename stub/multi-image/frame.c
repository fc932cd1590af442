/* SPDX-License-Identifier: MIT */
/*
 * Writes the stored frame (RFC 1952 around RFC 1951), in place.
 *
 *   header          1f 8b 08 00 00000000 00 ff
 *   literal extent  stored blocks of 65535 bytes, the last one shorter:
 *                   00, LEN le16, NLEN le16, bytes
 *   fold            one fixed-Huffman block: the value, then copies of length
 *                   258 from distance 1; an empty stored block to get back to
 *                   a byte boundary
 *   end             01 00 00 ff ff, CRC-32 le32, ISIZE le32
 *
 * A fold of one page takes 34 bytes, one of n pages about 26 n: so folds never
 * grow the stream.
 */
#include "frame.h"

#include <string.h>

#include "format.h"

#define HEADER_SIZE 10u
#define TRAILER_SIZE 13u
#define BLOCK_HEADER_SIZE 5u
#define MAX_BLOCK 65535u
#define MAX_MATCH 258u /* longest copy of RFC 1951, symbol 285 */

int frame_page_value(const uint8_t *page)
{
        /* Equal to itself moved by one: all bytes are the first. */
        return memcmp(page, page + 1, PAGE - 1) == 0 ? page[0] : -1;
}

/* Bits go out least significant first; Huffman codes most significant first
 * (RFC 1951, 3.1.1), so codes are given reversed. */
struct bit_writer {
        uint8_t *out; /* NULL: only count */
        uint64_t size;
        uint32_t bits;
        unsigned count; /* of pending bits, below 8 between calls */
};

static void put_bits(struct bit_writer *w, uint32_t bits, unsigned count)
{
        w->bits |= bits << w->count;
        w->count += count;
        for (; w->count >= 8; w->count -= 8, w->bits >>= 8) {
                if (w->out)
                        w->out[w->size] = (uint8_t)w->bits;
                w->size++;
        }
}

static uint32_t reverse(uint32_t code, unsigned count)
{
        uint32_t r = 0;

        for (; count; count--, code >>= 1)
                r = r << 1 | (code & 1);
        return r;
}

/* The fixed literal/length code of RFC 1951, 3.2.6. */
static void put_symbol(struct bit_writer *w, uint32_t symbol)
{
        if (symbol < 144)
                put_bits(w, reverse(0x30 + symbol, 8), 8);
        else if (symbol < 256)
                put_bits(w, reverse(0x190 + symbol - 144, 9), 9);
        else if (symbol < 280)
                put_bits(w, reverse(symbol - 256, 7), 7);
        else
                put_bits(w, reverse(0xc0 + symbol - 280, 8), 8);
}

/* A copy of 3 to 258 bytes from distance 1: the length's symbol and extra bits
 * (RFC 1951, 3.2.5), then the distance's five zero bits. */
static void put_copy(struct bit_writer *w, uint32_t length)
{
        uint32_t base = length - 3;
        unsigned extra = 0;

        if (length == MAX_MATCH) {
                put_symbol(w, 285);
        } else if (base < 8) {
                put_symbol(w, 257 + base);
        } else {
                while (base >> (extra + 3))
                        extra++;
                put_symbol(w, 257 + 4 * extra + 4 + ((base >> extra) & 3));
                put_bits(w, base & ((1u << extra) - 1), extra);
        }
        put_bits(w, 0, 5);
}

/* Rounds of eight longest copies: eight times 13 bits are 13 bytes, so that each
 * round but the first, which begins with bits left by what came before, writes
 * the same bytes and leaves the same bits pending.  At least two rounds. */
static void put_round(struct bit_writer *w, uint64_t rounds)
{
        uint64_t start, round_size, i;
        int n;

        for (n = 0; n < 8; n++)
                put_copy(w, MAX_MATCH);
        start = w->size;
        for (n = 0; n < 8; n++)
                put_copy(w, MAX_MATCH);
        round_size = w->size - start;
        rounds--;
        for (i = round_size; w->out && i < rounds * round_size; i++)
                w->out[start + i] = w->out[start + i - round_size];
        w->size = start + rounds * round_size;
}

/* Returns the bytes of one fold; out may be NULL. */
static uint64_t put_fold(uint8_t *out, const struct fold *fold)
{
        struct bit_writer w = { .out = out };
        uint64_t left = (uint64_t)fold->page_count * PAGE - 1;

        put_bits(&w, 2, 3); /* not final, fixed codes */
        put_symbol(&w, fold->value);
        while (left >= MAX_MATCH) {
                uint64_t rounds = left / (8 * MAX_MATCH);

                if (rounds >= 2) {
                        put_round(&w, rounds);
                        left -= rounds * (8 * MAX_MATCH);
                } else {
                        put_copy(&w, MAX_MATCH);
                        left -= MAX_MATCH;
                }
        }
        if (left >= 3)
                put_copy(&w, (uint32_t)left);
        else
                for (; left; left--)
                        put_symbol(&w, fold->value);
        put_symbol(&w, 256);
        put_bits(&w, 0, 3); /* not final, stored: empty */
        if (w.count)
                put_bits(&w, 0, 8 - w.count);
        put_bits(&w, 0x0000, 16);
        put_bits(&w, 0xff, 8);
        put_bits(&w, 0xff, 8);
        return w.size;
}

static uint64_t extent_size(uint64_t size)
{
        return size + (size + MAX_BLOCK - 1) / MAX_BLOCK * BLOCK_HEADER_SIZE;
}

uint64_t frame_size(const struct fold *folds, size_t fold_count,
                    uint64_t compact_size)
{
        uint64_t size = HEADER_SIZE + TRAILER_SIZE;
        uint64_t done = 0;
        size_t i;

        for (i = 0; i < fold_count; i++) {
                size += extent_size(folds[i].position - done);
                size += put_fold(NULL, &folds[i]);
                done = folds[i].position;
        }
        return size + extent_size(compact_size - done);
}

static uint8_t *put_extent(uint8_t *out, const uint8_t *in, uint64_t size)
{
        while (size) {
                uint32_t n = size < MAX_BLOCK ? (uint32_t)size : MAX_BLOCK;
                uint8_t header[BLOCK_HEADER_SIZE] = {
                        0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n,
                        (uint8_t)(~n >> 8)
                };

                /* The bytes first: where out has nearly caught up with in, the
                 * header would overwrite them. */
                memmove(out + BLOCK_HEADER_SIZE, in, n);
                memcpy(out, header, sizeof(header));
                out += BLOCK_HEADER_SIZE + n;
                in += n;
                size -= n;
        }
        return out;
}

void frame_write(uint8_t *out, const uint8_t *in, uint64_t compact_size,
                 const struct fold *folds, size_t fold_count, uint32_t crc,
                 uint64_t payload_size)
{
        static const uint8_t header[HEADER_SIZE] = { 0x1f, 0x8b, 8, 0, 0,
                                                     0,    0,    0, 0, 0xff };
        static const uint8_t last_block[BLOCK_HEADER_SIZE] = { 1, 0, 0, 0xff,
                                                               0xff };
        le32 number;
        uint64_t done = 0;
        size_t i;

        memcpy(out, header, sizeof(header));
        out += sizeof(header);
        for (i = 0; i < fold_count; i++) {
                out = put_extent(out, in + done, folds[i].position - done);
                out += put_fold(out, &folds[i]);
                done = folds[i].position;
        }
        out = put_extent(out, in + done, compact_size - done);
        memcpy(out, last_block, sizeof(last_block));
        out += sizeof(last_block);
        number = put_le32(crc);
        memcpy(out, &number, sizeof(number));
        number = put_le32((uint32_t)payload_size);
        memcpy(out + 4, &number, sizeof(number));
}
