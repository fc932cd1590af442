/* SPDX-License-Identifier: MIT */
/*
 * From images to a store.  The stages, in order:
 *
 *   split      each image into fragments, their fields resolved
 *              (regions.c, split.c, fields.c)
 *   tables     ORC, kallsyms and the KASLR table recognised         (tables.c)
 *   merge      one master sequence of all variants' fragments       (merge.c)
 *   encode     the sequence as streams                              (encode.c)
 *   compress   the streams in chunks                                (compress.c)
 *   check      every variant rebuilt by the stub's reader, compared (pack.c)
 */
#ifndef PACKER_PACK_H
#define PACKER_PACK_H

#include "image.h"
#include "multi-image.h"

struct pack_input {
        const char *name; /* of the variant, 1 to 31 characters */
        struct image image;
        struct linked linked; /* if has_linked */
        bool has_linked;
};

struct pack_rule {
        enum platform platform;
        unsigned level;   /* that the processor must have; 0: any */
        uint32_t variant; /* index of the input */
        uint32_t priority;
};

/* What a multi-image is to be good at. */
enum aim {
        AIM_SIZE,  /* a small file: what is alike stands together, code is told in
                    * parts; a variant unpacks all */
        AIM_SPEED, /* few instructions until the kernel runs: what only some
                    * variants read no other unpacks, code is told as it is */
};

struct pack_options {
        enum codec_id codec;
        enum aim aim;
        unsigned threads; /* at least 1 */
        uint32_t default_variant;
        const struct pack_rule *rules;
        size_t rule_count;
        /* Called before each step with what it is; may be NULL. */
        void (*progress)(void *context, const char *step);
        void *progress_context;
};

/* What `ingot stats` tells beside what a reader can count. */
struct pack_report {
        bool orc[MULTI_IMAGE_MAX_VARIANTS];      /* table modelled */
        bool kallsyms[MULTI_IMAGE_MAX_VARIANTS]; /* likewise */
        bool slide[MULTI_IMAGE_MAX_VARIANTS];    /* likewise */
        bool btf[MULTI_IMAGE_MAX_VARIANTS];      /* likewise */
        bool exports[MULTI_IMAGE_MAX_VARIANTS];  /* likewise */
        bool sites[MULTI_IMAGE_MAX_VARIANTS];    /* likewise, all of them */
        uint64_t fragment_count, version_count;
};

/* On failure returns an exit code (3 bad input, 1 the rebuilt image differs)
 * and sets *ret_message, to be freed.  *ret_store is to be freed. */
int pack(const struct pack_input *inputs, size_t count,
         const struct pack_options *options, uint8_t **ret_store,
         size_t *ret_size, struct pack_report *ret_report, char **ret_message);

#endif
