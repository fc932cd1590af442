// SPDX-License-Identifier: MIT
/*
 * gzip-store: a gzip that does not compress.
 *
 * The kernel's make pipes its unpacked image through $(KGZIP) to make the
 * payload of a bzImage; this program, given as KGZIP=, makes the payload a
 * valid gzip stream that the kernel's own boot code "decompresses" at the speed
 * of memcpy. The packer then finds every byte of the kernel in the clear, and
 * the stub writes the very same stream again: with the very same code,
 * stub/multi-image/frame.c. This file only finds the runs: a run is a maximal
 * sequence of whole pages, counted from the start of the input, that consist of
 * one and the same byte value. Half of an unpacked kernel is such pages, of
 * zeros, or of 0xcc between functions; without runs they would have to be read
 * from the boot medium.
 *
 * The options of gzip are accepted and ignored: the kernel passes -n -f -9.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../stub/multi-image/format.h"
#include "../stub/multi-image/frame.h"

#define READ_STEP (1u << 20) /* room made for the first read; then doubled */

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

/* Moves the pages that are no runs together, at the start of bytes, and notes
 * the runs: at most one a page. */
static size_t fold_runs(uint8_t *bytes, size_t size, struct fold *folds,
                        size_t *ret_fold_count)
{
        size_t compact_size = 0, count = 0, run_end = 0;

        for (size_t i = 0, n; i < size; i += n) {
                int value = -1;

                n = size - i < PAGE ? size - i : PAGE;
                if (n == PAGE)
                        value = frame_page_value(bytes + i);
                if (value < 0) {
                        memmove(bytes + compact_size, bytes + i, n);
                        compact_size += n;
                        continue;
                }
                if (count && run_end == i &&
                    folds[count - 1].value == (uint32_t)value)
                        folds[count - 1].page_count++;
                else
                        folds[count++] =
                                (struct fold){ .position = compact_size,
                                               .page_count = 1,
                                               .value = value };
                run_end = i + n;
        }
        *ret_fold_count = count;
        return compact_size;
}

/* The whole frame in new memory; NULL with errno set. */
static uint8_t *make_frame(uint8_t *bytes, size_t size, size_t *ret_size)
{
        uint32_t crc = crc32_z(0, bytes, size);
        struct fold *folds = malloc((size / PAGE + 1) * sizeof(*folds));
        size_t fold_count, compact_size;
        uint8_t *frame;

        if (!folds)
                return NULL;
        compact_size = fold_runs(bytes, size, folds, &fold_count);
        *ret_size = frame_size(folds, fold_count, compact_size);
        frame = malloc(*ret_size);
        if (frame)
                frame_write(frame, bytes, compact_size, folds, fold_count, crc,
                            size);
        free(folds);
        return frame;
}

static int fail(const char *what)
{
        fprintf(stderr, "gzip-store: %s: %s\n", what, strerror(errno));
        return 4;
}

int main(int argc, char **argv)
{
        size_t size;
        uint8_t *bytes, *frame;

        for (int i = 1; i < argc; i++) {
                if (argv[i][0] != '-') {
                        fprintf(stderr,
                                "gzip-store: %s: only standard input is read\n",
                                argv[i]);
                        return 2;
                }
        }
        bytes = read_input(&size);
        if (!bytes)
                return fail("standard input");
        frame = make_frame(bytes, size, &size);
        free(bytes);
        if (!frame)
                return fail("no memory for the frame");
        fwrite(frame, 1, size, stdout);
        free(frame);
        if (fflush(stdout) || ferror(stdout))
                return fail("standard output");
        return 0;
}
