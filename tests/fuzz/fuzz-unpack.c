/* SPDX-License-Identifier: MIT */
/*
 * Opens a store of any bytes and rebuilds and loads each variant.
 *
 * Digests do not stop it: that of the tables is made right first, and what
 * a rebuild gave is thrown away whether its digest matches or not.  All memory
 * is allocated to the byte, so that the sanitizer sees a step beyond it.
 */
#include <stdlib.h>
#include <string.h>

#include "multi-image/multi-image.h"
#include "multi-image/sha256.h"

/* Memory lent: more than the seeds need, less than hostile tables ask for. */
#define BODY_ROOM  (1u << 20)
#define WORK_SIZE  (4u << 20)
#define SETUP_ROOM (64u << 10)

extern const struct codec codec_deflate, codec_xz, codec_zstd;
const struct codec *const multi_image_codecs[] = { &codec_deflate, &codec_xz,
                                                   &codec_zstd, NULL };

static void fix_table_digest(uint8_t *store, size_t size)
{
        struct multi_image_header *h = (void *)store;
        struct sha256 s;

        if (size < sizeof(*h) || get_le32(h->tables_size) > size ||
            get_le32(h->tables_size) < sizeof(*h))
                return;
        memset(h->table_digest, 0, sizeof(h->table_digest));
        sha256_init(&s);
        sha256_update(&s, store, get_le32(h->tables_size));
        sha256_final(&s, h->table_digest);
}

static void rebuild(const struct multi_image *mi, uint32_t index,
                    const struct variant_info *info)
{
        struct unpack_memory memory = { .body_room = BODY_ROOM,
                                        .work_size = WORK_SIZE };
        uint64_t entry;

        if (info->setup_size > SETUP_ROOM)
                return;
        memory.setup = malloc(info->setup_size);
        memory.body = malloc(BODY_ROOM);
        memory.work = aligned_alloc(16, WORK_SIZE);
        multi_image_unpack(mi, index, &memory);
        multi_image_load(mi, index, &memory, &entry);
        free(memory.setup);
        free(memory.body);
        free(memory.work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *store = malloc(size);
        struct multi_image mi;
        struct variant_info info;
        uint32_t found;
        int rule;

        if (size)
                memcpy(store, data, size);
        fix_table_digest(store, size);
        if (!multi_image_open(store, size, &mi)) {
                for (uint32_t i = 0; i < mi.variant_count; i++)
                        if (!multi_image_variant(&mi, i, &info))
                                rebuild(&mi, i, &info);
                multi_image_find(&mi, "native", 6, &found);
                for (uint32_t bit = 0; bit < 32; bit++)
                        multi_image_choose(&mi, 1u << bit, bit % LEVEL_COUNT,
                                           UINT32_MAX, &rule);
        }
        free(store);
        return 0;
}
