// SPDX-License-Identifier: MIT
/*
 * gzip-store: a gzip that does not compress.
 *
 * The kernel's make pipes its unpacked image through $(KGZIP) to make the
 * payload of a bzImage; this program, given as KGZIP=, makes the payload a
 * valid gzip stream that the kernel's own boot code "decompresses" at the speed
 * of memcpy. The packer then finds every byte of the kernel in the clear, and
 * the stub has to make the very same stream again: so the stream is canonical,
 * one output for one input, whatever the options given.
 *
 * The input is cut at multiples of 4096 bytes. A run is a maximal sequence of
 * whole pages that consist of one and the same byte value; what lies between
 * runs is a literal extent. After the ten bytes of gzip_header follow
 *
 * - for a literal extent: stored blocks (RFC 1951, 3.2.4), all but the last of
 *   65535 bytes;
 * - for a run: one block with fixed Huffman codes (3.2.6) that holds the byte
 *   once and then repeats it from distance 1, and an empty stored block, which
 *   brings the stream back to a byte boundary. 1 MiB of zeros takes 6.5 KiB;
 * - at the end: an empty stored block marked final, and the CRC-32 and size of
 *   the input (RFC 1952, 2.3.1).
 *
 * Half of an unpacked kernel is pages of zeros, or of 0xcc between functions;
 * without runs they would have to be read from the boot medium.
 *
 * The options of gzip are accepted and ignored: the kernel passes -n -f -9.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
        PAGE = 4096,         /* runs consist of whole pages */
        STORED_MAX = 65535,  /* LEN of a stored block is 16 bits */
        MATCH_MAX = 258,     /* longest match that deflate can name */
        READ_STEP = 1 << 20, /* room made for the first read; then doubled */
};

/* Magic, method 8, no flags, no time, no hints, unknown system. */
static const uint8_t gzip_header[10] = {
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff
};

/* Length codes 257 to 285: shortest length and number of extra bits. */
static const struct {
        uint16_t length;
        uint8_t extra_bits;
} length_codes[29] = {
        { 3, 0 },   { 4, 0 },   { 5, 0 },   { 6, 0 },   { 7, 0 },   { 8, 0 },
        { 9, 0 },   { 10, 0 },  { 11, 1 },  { 13, 1 },  { 15, 1 },  { 17, 1 },
        { 19, 2 },  { 23, 2 },  { 27, 2 },  { 31, 2 },  { 35, 3 },  { 43, 3 },
        { 51, 3 },  { 59, 3 },  { 67, 4 },  { 83, 4 },  { 99, 4 },  { 115, 4 },
        { 131, 5 }, { 163, 5 }, { 195, 5 }, { 227, 5 }, { 258, 0 },
};

/* Bits wait here until they make a byte; deflate fills bytes from bit 0 up. */
static uint32_t bits;
static unsigned bit_count;

static void put_byte(uint8_t byte)
{
        putchar(byte);
}

static void put_le16(uint16_t value)
{
        put_byte(value & 0xff);
        put_byte(value >> 8);
}

static void put_le32(uint32_t value)
{
        put_le16(value & 0xffff);
        put_le16(value >> 16);
}

/* A number of at most 16 bits, lowest bit first. */
static void put_bits(uint32_t value, unsigned count)
{
        bits |= value << bit_count;
        for (bit_count += count; bit_count >= 8; bit_count -= 8) {
                put_byte(bits & 0xff);
                bits >>= 8;
        }
}

/* A Huffman code, highest bit first. */
static void put_code(uint32_t code, unsigned count)
{
        while (count--)
                put_bits(code >> count & 1, 1);
}

static void align_to_byte(void)
{
        if (bit_count)
                put_bits(0, 8 - bit_count);
}

/* A symbol of the literal and length alphabet, by the table in 3.2.6. */
static void put_symbol(unsigned symbol)
{
        if (symbol < 144)
                put_code(0x30 + symbol, 8);
        else if (symbol < 256)
                put_code(0x190 + symbol - 144, 9);
        else if (symbol < 280)
                put_code(symbol - 256, 7);
        else
                put_code(0xc0 + symbol - 280, 8);
}

/* length bytes, 3 to MATCH_MAX, like the one before (distance code 0). */
static void put_match(unsigned length)
{
        unsigned i = 28;

        while (length_codes[i].length > length)
                i--;
        put_symbol(257 + i);
        put_bits(length - length_codes[i].length, length_codes[i].extra_bits);
        put_code(0, 5);
}

static void put_empty_stored_block(bool is_final)
{
        put_bits(is_final, 3);
        align_to_byte();
        put_le16(0);
        put_le16(0xffff);
}

static void put_run(uint8_t value, size_t size)
{
        size_t rest = size - 1;

        put_bits(1 << 1, 3); /* BFINAL 0, BTYPE 01 */
        put_symbol(value);
        for (; rest >= MATCH_MAX; rest -= MATCH_MAX)
                put_match(MATCH_MAX);
        if (rest >= 3)
                put_match(rest);
        else
                while (rest--)
                        put_symbol(value);
        put_symbol(256); /* end of block */
        put_empty_stored_block(false);
}

static void put_literal(const uint8_t *bytes, size_t size)
{
        while (size) {
                size_t n = size < STORED_MAX ? size : STORED_MAX;

                put_byte(0); /* BFINAL 0, BTYPE 00, padding */
                put_le16(n);
                put_le16(~n);
                fwrite(bytes, 1, n, stdout);
                bytes += n;
                size -= n;
        }
}

/* Is there a whole page at bytes, all of one value? */
static bool is_uniform_page(const uint8_t *bytes, size_t size)
{
        return size >= PAGE && !memcmp(bytes, bytes + 1, PAGE - 1);
}

/* Size of the run that starts at bytes; 0 if none does. */
static size_t run_size(const uint8_t *bytes, size_t size)
{
        size_t n = 0;

        while (is_uniform_page(bytes + n, size - n) && bytes[n] == bytes[0])
                n += PAGE;
        return n;
}

/* Size of the literal extent that starts at bytes. */
static size_t literal_size(const uint8_t *bytes, size_t size)
{
        size_t n = 0;

        while (n < size && !is_uniform_page(bytes + n, size - n))
                n += size - n < PAGE ? size - n : PAGE;
        return n;
}

static void put_gzip(const uint8_t *bytes, size_t size)
{
        size_t n;

        fwrite(gzip_header, 1, sizeof(gzip_header), stdout);
        for (size_t i = 0; i < size; i += n) {
                n = run_size(bytes + i, size - i);
                if (n) {
                        put_run(bytes[i], n);
                } else {
                        n = literal_size(bytes + i, size - i);
                        put_literal(bytes + i, n);
                }
        }
        put_empty_stored_block(true);
        put_le32(crc32_z(0, bytes, size));
        put_le32(size & 0xffffffff);
}

/* All of standard input; NULL with errno set if that fails. */
static uint8_t *read_input(size_t *ret_size)
{
        uint8_t *bytes = NULL;
        size_t size = 0, room = 0;

        for (;;) {
                if (size == room) {
                        uint8_t *more;

                        room = room ? 2 * room : READ_STEP;
                        more = realloc(bytes, room);
                        if (!more)
                                break;
                        bytes = more;
                }
                size_t n = fread(bytes + size, 1, room - size, stdin);
                size += n;
                if (n)
                        continue;
                if (ferror(stdin))
                        break;
                *ret_size = size;
                return bytes;
        }
        free(bytes);
        return NULL;
}

int main(int argc, char **argv)
{
        size_t size;
        uint8_t *bytes;

        for (int i = 1; i < argc; i++) {
                if (argv[i][0] != '-') {
                        fprintf(stderr,
                                "gzip-store: %s: only standard input is read\n",
                                argv[i]);
                        return 2;
                }
        }
        bytes = read_input(&size);
        if (!bytes) {
                fprintf(stderr, "gzip-store: standard input: %s\n",
                        strerror(errno));
                return 4;
        }
        put_gzip(bytes, size);
        free(bytes);
        if (fflush(stdout) || ferror(stdout)) {
                fprintf(stderr, "gzip-store: standard output: %s\n",
                        strerror(errno));
                return 4;
        }
        return 0;
}
