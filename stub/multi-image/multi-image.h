/* SPDX-License-Identifier: MIT */
/*
 * The reader of multi-images: open a store, look at its variants and rules,
 * rebuild one variant byte for byte.
 *
 * The same sources are compiled into the stub (freestanding) and into the
 * command line, the unit tests and the fuzz targets (hosted).  They call
 * memcpy, memmove, memset, memcmp and a codec's decode function, nothing else;
 * the caller lends all memory.  docs/format.md describes the bytes.
 */
#ifndef STUB_MULTI_IMAGE_MULTI_IMAGE_H
#define STUB_MULTI_IMAGE_MULTI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "format.h"

/* What a loader needs to know of a variant, in host byte order. */
struct variant_info {
        char name[MULTI_IMAGE_NAME_SIZE]; /* NUL-terminated */
        uint32_t kind;                    /* enum variant_kind */
        uint64_t image_size;              /* bytes of the image file */
        uint64_t setup_size;              /* leading bytes that are the real-mode
                                           * set-up; 0 unless kind is a bzImage */
        uint64_t init_size;               /* the image's own init_size, or the
                                           * extent of its PT_LOAD segments */
        uint64_t payload_size;            /* unpacked payload (the ELF and what
                                           * follows it), bytes */
        uint64_t load_addr;               /* lowest p_paddr of the payload ELF */
        uint64_t load_size;               /* from there to the highest end, bss
                                           * and brk included */
        uint64_t load_room;               /* bytes that loading takes there, at
                                           * least load_size */
        uint64_t pvh_entry;               /* PHYS32_ENTRY note, 0: none */
        uint64_t xen_entry;               /* Xen ENTRY note (virtual), 0: none */
        uint64_t xen_virt_base;           /* Xen VIRT_BASE note */
        uint64_t work_size;               /* bytes of work memory to lend */
        uint64_t chunk_size;              /* largest unpacked chunk, bytes: what
                                           * a decoder's dictionary may take */
        uint8_t image_digest[32];         /* SHA-256 of the image file */
};

/* An opened store; every pointer points into the caller's bytes, only the
 * variants' rows had to be put together. */
struct multi_image {
        const uint8_t *store;
        size_t store_size;
        const struct multi_image_header *header;
        const struct format_rule *rules;
        const struct format_stream *streams;
        const struct format_chunk *chunks;
        uint32_t variant_count;
        uint32_t rule_count;
        uint32_t stream_count;
        uint32_t chunk_count;
        uint32_t default_variant;
        struct format_variant variants[MULTI_IMAGE_MAX_VARIANTS];
};

/* The image is an ELF file, no bzImage. */
static inline bool variant_is_elf(const struct variant_info *info)
{
        return info->kind != VARIANT_BZIMAGE;
}

/* One decoder, as linked into this program. */
struct codec {
        uint8_t id;       /* enum codec_id */
        const char *name; /* "deflate", "xz", "zstd" */
        /* Decodes exactly out_size bytes from exactly in_size bytes; 0, or
         * a multi_image_error.  out still holds the chunk before, history
         * bytes; a codec that looks back has as many bytes of room in front of
         * out.  May call the embedder's malloc and free. */
        int (*decode)(const void *in, size_t in_size, void *out,
                      size_t out_size, size_t history);
        uint32_t memory_size; /* most that decode allocates, bytes; xz adds a
                               * dictionary as large as the chunk */
};

extern const struct codec codec_deflate;
extern const struct codec codec_xz;
extern const struct codec codec_zstd;

/* The codecs of this program, NULL-terminated: the embedder's choice. */
extern const struct codec *const multi_image_codecs[];

/* Memory lent for one rebuild. */
struct unpack_memory {
        uint8_t *setup;   /* receives the first setup_size bytes of the image */
        uint8_t *body;    /* receives the rest of the image */
        size_t body_room; /* bytes that may be written from body on; at least
                           * what multi_image_body_room() asks for */
        uint8_t *work;    /* scratch, 16-byte aligned */
        size_t work_size; /* at least variant_info.work_size */
        size_t *ret_work_used; /* if not NULL: what was used of it */
};

/* Checks header and tables (magic, version, bounds, table digest).  On success
 * *ret_mi refers to store, which must stay readable. */
int multi_image_open(const void *store, size_t store_size,
                     struct multi_image *ret_mi);

/* Checks the SHA-256 over all packed streams, which booting does not need: a
 * variant has a digest of its own.  MULTI_IMAGE_BAD_DIGEST if it differs. */
int multi_image_verify_store(const struct multi_image *mi);

/* index < variant_count, else MULTI_IMAGE_BAD_ARGUMENT. */
int multi_image_variant(const struct multi_image *mi, uint32_t index,
                        struct variant_info *ret_info);

/* Index of the variant called name (name_size bytes, no NUL needed);
 * MULTI_IMAGE_NO_VARIANT if there is none. */
int multi_image_find(const struct multi_image *mi, const char *name,
                     size_t name_size, uint32_t *ret_index);

/* The rule that decides: among the rules whose platform bit is set in
 * platforms (1 << enum platform), whose level is at most the processor's, and
 * whose variant's bit is in usable (1 << index), the one of highest priority; on
 * a tie the higher level wins, then the earlier row.  Gives the declared default
 * and -1 where none matches. */
uint32_t multi_image_choose(const struct multi_image *mi, uint32_t platforms,
                            unsigned level, uint32_t usable, int *ret_rule);

/* Bytes that multi_image_unpack() may touch from memory.body on. */
uint64_t multi_image_body_room(const struct variant_info *info);

/* Rebuilds the whole image file: its first setup_size bytes at memory->setup,
 * the rest at memory->body, and checks its SHA-256.  On any error the memory's
 * content is undefined and must not be used. */
int multi_image_unpack(const struct multi_image *mi, uint32_t variant,
                       const struct unpack_memory *memory);

/* Rebuilds the variant's unpacked payload and loads it as an ELF loader would:
 * each PT_LOAD at memory->body + (p_paddr - load_addr), the rest up to
 * load_size zeroed.  memory->body_room is at least variant_info.load_room; what
 * lies behind load_size is scratch afterwards.  The payload's SHA-256 is
 * checked before its segments are spread.  With VARIANT_ELF the set-up header
 * that the image came with goes to memory->setup unless that is NULL. */
int multi_image_load(const struct multi_image *mi, uint32_t variant,
                     const struct unpack_memory *memory, uint64_t *ret_entry);

#endif
