/* SPDX-License-Identifier: MIT */
/*
 * Processor time of what a boot unpacks, on this processor and in user space:
 *
 *      unpack MULTI-IMAGE      each variant as the stub rebuilds it
 *      unpack IMAGE            the payload by zlib, liblzma or libzstd, of which the
 *                              kernel's boot code has copies; without its relocations
 *
 * A line each: name, microseconds, how many of them the hash takes, and how many it
 * takes a processor without instructions for it.  Least of RUNS, which take turns.
 */
#include <err.h>
#include <lzma.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include "../../packer/image.h"
#include "../../packer/store.h"
#include "../../stub/multi-image/sha256.h"

#define RUNS 7

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void keep_least(double *least, double began)
{
        double spent = now() - began;

        if (*least == 0 || spent < *least)
                *least = spent;
}

/* ---- a multi-image ------------------------------------------------------ */

/* Least times, microseconds. */
struct times {
        double whole, hash, plain_hash;
};

static void time_hash(const struct store *store, const struct rebuilt *r,
                      sha256_compress *compress, double *least)
{
        uint8_t digest[SHA256_SIZE];
        double began = now();
        struct sha256 s;

        sha256_init_with(&s, compress);
        /* what is kept beside an ELF kernel, too */
        sha256_update(&s, r->data,
                      (variant_is_elf(&r->info) ? r->info.setup_size : 0) +
                              r->info.image_size);
        sha256_final(&s, digest);
        keep_least(least, began);
        if (memcmp(digest, r->info.image_digest, sizeof(digest)))
                errx(1, "%s: %s: hash differs", store->path, r->info.name);
}

static void time_variant(const struct store *store, uint32_t variant,
                         struct times *times)
{
        struct rebuilt r;
        char *message;
        double began = now();

        if (store_rebuild(store, variant, &r, &message))
                errx(1, "%s", message);
        keep_least(&times->whole, began);
        time_hash(store, &r, sha256_compress_fast(), &times->hash);
        time_hash(store, &r, sha256_compress_portable, &times->plain_hash);
        rebuilt_free(&r);
}

static void time_store(const struct store *store)
{
        struct times times[MULTI_IMAGE_MAX_VARIANTS] = { 0 };
        struct variant_info info;
        uint32_t i;
        int run;

        for (run = 0; run < RUNS; run++)
                for (i = 0; i < store->mi.variant_count; i++)
                        time_variant(store, i, &times[i]);
        for (i = 0; i < store->mi.variant_count; i++) {
                multi_image_variant(&store->mi, i, &info);
                printf("%s %.0f %.0f %.0f\n", info.name, times[i].whole,
                       times[i].hash, times[i].plain_hash);
        }
}

/* ---- a kernel alone ----------------------------------------------------- */

static bool unpack_gzip(uint8_t *in, size_t in_size, uint8_t *out, size_t size)
{
        z_stream z = { .next_in = in,
                       .avail_in = (uInt)in_size,
                       .next_out = out,
                       .avail_out = (uInt)size };
        bool ok = inflateInit2(&z, 16 + MAX_WBITS) == Z_OK &&
                  inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_out;

        inflateEnd(&z);
        return ok;
}

/* Behind an xz or zstd frame the image has the unpacked size, 4 bytes. */
static bool unpack(const struct image *image, uint8_t *out)
{
        uint8_t *in = image->data + image->payload_offset;
        size_t size = image->payload_size - 4, in_at = 0, out_at = 0;
        uint64_t limit = UINT64_MAX;

        if (!strcmp(image->payload_codec, "gzip"))
                return unpack_gzip(in, image->payload_size, out,
                                   image->unpacked_size);
        if (!strcmp(image->payload_codec, "xz"))
                return lzma_stream_buffer_decode(
                               &limit, 0, NULL, in, &in_at, size, out, &out_at,
                               image->unpacked_size) == LZMA_OK;
        return ZSTD_decompress(out, image->unpacked_size, in, size) ==
               image->unpacked_size;
}

static void time_image(const struct image *image)
{
        double least = 0, began;
        uint8_t *out;
        int run;

        for (run = 0; run < RUNS; run++) {
                began = now();
                out = malloc(image->unpacked_size);
                if (!out || !unpack(image, out))
                        errx(1, "%s: can't be unpacked", image->path);
                keep_least(&least, began);
                if (memcmp(out, image->payload, image->unpacked_size))
                        errx(1, "%s: unpacks to something else", image->path);
                free(out);
        }
        printf("- %.0f 0 0\n", least);
}

int main(int argc, char **argv)
{
        struct image image;
        struct store store;
        char *message;

        if (argc != 2)
                errx(2, "usage: unpack FILE");
        /* Memory that was freed is used again, and is there: the stub's is. */
        mallopt(M_MMAP_THRESHOLD, 1 << 30);
        mallopt(M_TRIM_THRESHOLD, -1);
        if (!store_open(argv[1], &store, &message)) {
                time_store(&store);
                store_close(&store);
                return 0;
        }
        free(message);
        if (image_read(argv[1], &image, &message))
                errx(1, "%s", message);
        time_image(&image);
        image_free(&image);
        return 0;
}
