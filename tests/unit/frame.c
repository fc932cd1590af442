/* SPDX-License-Identifier: MIT */
/*
 * The stored frame: zlib unpacks what frame_write() writes, for folds of every
 * value and of lengths around the writer's rounds, and in place.
 *
 * A fold's first round begins with bits that its value left pending, its other
 * rounds do not: a writer that repeated the first one gave damaged streams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "format.h"
#include "frame.h"

#define COMPACT \
        5000u /* bytes beside the folds: more than a page, no whole ones */
#define POSITION 1234u /* the fold's */

static uint8_t compact[COMPACT];

/* The payload that the frame stands for. */
static uint8_t *payload_of(const struct fold *fold, size_t *ret_size)
{
        size_t run = (size_t)fold->page_count * PAGE;
        uint8_t *payload = malloc(COMPACT + run);

        assert_non_null(payload);
        memcpy(payload, compact, POSITION);
        memset(payload + POSITION, (int)fold->value, run);
        memcpy(payload + POSITION + run, compact + POSITION,
               COMPACT - POSITION);
        *ret_size = COMPACT + run;
        return payload;
}

static void check_inflates(const uint8_t *frame, size_t frame_bytes,
                           const uint8_t *payload, size_t size)
{
        z_stream z = { 0 };
        uint8_t *out = malloc(size + 1);

        assert_non_null(out);
        z.next_in = (Bytef *)frame;
        z.avail_in = (uInt)frame_bytes;
        z.next_out = out;
        z.avail_out = (uInt)size + 1;
        assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(z.total_out, size);
        assert_int_equal(z.avail_in, 0);
        assert_memory_equal(out, payload, size);
        inflateEnd(&z);
        free(out);
}

/* Written to a buffer of its own, then over its own input at the buffer's end. */
static void check(const struct fold *fold)
{
        uint64_t room = frame_size(fold, 1, COMPACT);
        uint8_t *frame = malloc(room), *in_place = malloc(room);
        size_t size;
        uint8_t *payload = payload_of(fold, &size);
        uint32_t crc = (uint32_t)crc32(0, payload, (uInt)size);

        assert_non_null(frame);
        assert_non_null(in_place);
        frame_write(frame, compact, COMPACT, fold, 1, crc, size);
        check_inflates(frame, room, payload, size);

        memcpy(in_place + room - COMPACT, compact, COMPACT);
        frame_write(in_place, in_place + room - COMPACT, COMPACT, fold, 1, crc,
                    size);
        assert_memory_equal(in_place, frame, room);
        free(frame);
        free(in_place);
        free(payload);
}

static void test_values(void **state)
{
        (void)state;
        for (uint32_t value = 0; value < 256; value++)
                check(&(struct fold){ POSITION, 3, value });
}

static void test_lengths(void **state)
{
        (void)state;
        for (uint32_t pages = 1; pages < 70; pages++) {
                check(&(struct fold){ POSITION, pages, 0 });
                check(&(struct fold){ POSITION, pages, 0xcc });
        }
        check(&(struct fold){ POSITION, 1000, 0 });
}

static void test_no_folds(void **state)
{
        uint64_t room = frame_size(NULL, 0, COMPACT);
        uint8_t *frame = malloc(room);

        (void)state;
        assert_non_null(frame);
        frame_write(frame, compact, COMPACT, NULL, 0,
                    (uint32_t)crc32(0, compact, COMPACT), COMPACT);
        check_inflates(frame, room, compact, COMPACT);
        free(frame);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_no_folds),
        };

        for (size_t i = 0; i < COMPACT; i++)
                compact[i] = (uint8_t)(i * 7 + i / 256);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
