/* SPDX-License-Identifier: MIT */
/*
 * Compresses streams chunk by chunk, several chunks at a time.
 *
 * deflate: libdeflate's level 12, which looks for the optimal parse.
 * xz: raw LZMA2, with the literal and position bits that serve each chunk best;
 * they travel with the stream.  The x86 filter is not needed, since branches
 * hold absolute pool addresses already.
 * zstd: level 22 with a window over the chunk and the one before.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include "compress.h"

#include <libdeflate.h>
#include <lzma.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LIBDEFLATE_BEST 12

/* Trying several settings on these would take most of the time, for 0.3 %. */
#define LARGE_CHUNK (512u << 10)

/*
 * One chunk of each body stream is in memory while a variant is rebuilt, and for
 * xz its dictionary besides: they have to fit into the window that the kernel
 * asks for anyway.  Deflate looks back 32 KiB, so half a MiB loses it 0.2 %;
 * the others lose more, most of all in the stream of code: 1 % against chunks of
 * twice the size.  zstd looks back into the chunk before, which is in memory as
 * well.
 */
uint32_t chunk_size(enum codec_id codec, enum group_stream stream)
{
        static const struct {
                uint32_t code, rest;
        } sizes[] = {
                [CODEC_DEFLATE] = { 512u << 10, 512u << 10 },
                [CODEC_XZ] = { 768u << 10, 384u << 10 },
                [CODEC_ZSTD] = { 512u << 10, 256u << 10 },
        };

        return stream == GROUP_BODY_CODE ? sizes[codec].code
                                         : sizes[codec].rest;
}

static void keep_if_smaller(struct packed_chunk *c, const uint8_t *packed,
                            size_t size)
{
        if (!size || size >= c->packed_size)
                return;
        memcpy(c->packed, packed, size);
        c->packed_size = (uint32_t)size;
}

static void pack_deflate(struct packed_chunk *c)
{
        struct libdeflate_compressor *d =
                libdeflate_alloc_compressor(LIBDEFLATE_BEST);
        uint8_t *packed = allocate(c->raw_size, 1);

        if (!d)
                abort();
        keep_if_smaller(c, packed,
                        libdeflate_deflate_compress(d, c->raw, c->raw_size,
                                                    packed, c->raw_size));
        libdeflate_free_compressor(d);
        free(packed);
}

static void pack_xz(struct packed_chunk *c)
{
        /* Literal context, literal position and position bits: for code, for
         * text, for numbers, for words of four bytes.  Large chunks are code. */
        static const uint8_t settings[][3] = {
                { 4, 0, 0 }, { 3, 0, 0 }, { 2, 0, 0 }, { 0, 2, 2 }
        };
        size_t tries = c->raw_size > LARGE_CHUNK
                               ? 1
                               : sizeof(settings) / sizeof(*settings);
        uint8_t *packed = allocate(c->raw_size, 1);
        size_t i;

        for (i = 0; i < tries; i++) {
                lzma_options_lzma options;
                const lzma_filter filters[] = {
                        { .id = LZMA_FILTER_LZMA2, .options = &options },
                        { .id = LZMA_VLI_UNKNOWN },
                };
                size_t size = 0;

                if (lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME))
                        abort();
                options.dict_size = c->raw_size < LZMA_DICT_SIZE_MIN
                                            ? LZMA_DICT_SIZE_MIN
                                            : c->raw_size;
                options.lc = settings[i][0];
                options.lp = settings[i][1];
                options.pb = settings[i][2];
                if (lzma_raw_buffer_encode(filters, NULL, c->raw, c->raw_size,
                                           packed, &size,
                                           c->raw_size) == LZMA_OK)
                        keep_if_smaller(c, packed, size);
        }
        free(packed);
}

/* Its best level, which chooses a window over chunk and history; other lengths of match or
 * strategies gain less than 0.1 % on any stream. */
static void pack_zstd(struct packed_chunk *c)
{
        ZSTD_CCtx *z = ZSTD_createCCtx();
        uint8_t *packed = allocate(c->raw_size, 1);
        size_t size;

        if (!z)
                abort();
        ZSTD_CCtx_setParameter(z, ZSTD_c_format, ZSTD_f_zstd1_magicless);
        ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
        ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_maxCLevel());
        ZSTD_CCtx_refPrefix_advanced(z, c->raw - c->history, c->history,
                                     ZSTD_dct_auto);
        size = ZSTD_compress2(z, packed, c->raw_size, c->raw, c->raw_size);
        if (!ZSTD_isError(size))
                keep_if_smaller(c, packed, size);
        ZSTD_freeCCtx(z);
        free(packed);
}

struct work {
        struct packed_streams *packed;
        enum codec_id codec;
        atomic_size_t next;
};

static void *run(void *context)
{
        struct work *w = context;
        size_t i;

        while ((i = atomic_fetch_add(&w->next, 1)) < w->packed->chunks.count) {
                struct packed_chunk *c = &w->packed->chunks.at[i];

                c->packed = allocate(c->raw_size, 1);
                memcpy(c->packed, c->raw, c->raw_size);
                c->packed_size = c->raw_size;
                if (w->codec == CODEC_XZ)
                        pack_xz(c);
                else if (w->codec == CODEC_ZSTD)
                        pack_zstd(c);
                else
                        pack_deflate(c);
        }
        return NULL;
}

static void add_chunks(struct packed_streams *p, const struct stream *s,
                       uint32_t *ret_count)
{
        uint64_t start = 0;
        size_t i;

        for (i = 0; i <= s->cuts.count; i++) {
                /* Only streams of bodies have cuts. */
                uint32_t before =
                        i ? p->chunks.at[p->chunks.count - 1].raw_size : 0;
                uint64_t end =
                        i < s->cuts.count ? s->cuts.at[i] : s->bytes.count;

                while (start < end) {
                        uint64_t size = end - start < MULTI_IMAGE_MAX_CHUNK
                                                ? end - start
                                                : MULTI_IMAGE_MAX_CHUNK;

                        *VECTOR_ADD(&p->chunks) = (struct packed_chunk){
                                .raw = s->bytes.at + start,
                                .history = before,
                                .raw_size = (uint32_t)size,
                        };
                        before = 0;
                        ++*ret_count;
                        start += size;
                }
        }
}

void streams_compress(const struct streams *streams, enum codec_id codec,
                      unsigned threads, struct packed_streams *ret_packed)
{
        struct work work = { .packed = ret_packed, .codec = codec };
        pthread_t *others = allocate(threads, sizeof(*others));
        unsigned started = 0;
        uint32_t i;

        memset(ret_packed, 0, sizeof(*ret_packed));
        ret_packed->stream_count = streams->count;
        for (i = 0; i < streams->count; i++)
                add_chunks(ret_packed, &streams->at[i],
                           &ret_packed->chunk_counts[i]);
        while (started + 1 < threads &&
               pthread_create(&others[started], NULL, run, &work) == 0)
                started++;
        run(&work);
        while (started)
                pthread_join(others[--started], NULL);
        free(others);
}

void packed_streams_free(struct packed_streams *packed)
{
        size_t i;

        for (i = 0; i < packed->chunks.count; i++)
                free(packed->chunks.at[i].packed);
        free(packed->chunks.at);
}
