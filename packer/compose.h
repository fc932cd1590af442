/* SPDX-License-Identifier: MIT */
/*
 * From a store to a multi-image that every loader takes, and back.
 */
#ifndef PACKER_COMPOSE_H
#define PACKER_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stub/multi-image/multi-image.h"

/* What the variants ask of the file around them.  Start with COMPOSE_INPUT,
 * call compose_add_variant() for each variant, then set store and codec. */
struct compose_input {
        const uint8_t *store;
        size_t store_size;
        const struct codec *codec; /* which stub */
        uint64_t body_room;        /* largest room from the load address on
                                      * that rebuilding takes, bytes */
        uint64_t work_size;        /* largest variant_info.work_size */
        uint64_t chunk_size;       /* largest variant_info.chunk_size */
        uint64_t init_size;        /* largest init_size of a bzImage */
        uint64_t pref_address;     /* largest, 0: none asks */
        uint32_t kernel_alignment; /* largest, a power of two */
        uint8_t min_alignment;     /* largest, as power of two */
        bool relocatable;          /* all are */
        uint16_t xloadflags;       /* what all of them have */
        uint32_t cmdline_size;     /* smallest */
        uint32_t initrd_addr_max;  /* smallest */
        uint64_t hole_addr;        /* where ELF entries load; 0: no variant
                                      * can be entered that way */
        uint64_t hole_room;        /* most bytes that loading there takes */
        uint64_t xen_virt_base;    /* of the Xen PV variants */
        bool has_pvh, has_xen;     /* some variant has such an entry */
        bool in_32;                /* the 32-bit stub program is wanted: some
                                    * variant is an ELF file that came as no
                                    * bzImage, or multiboot was asked for */
};

#define COMPOSE_INPUT                                                      \
        {                                                                  \
                .kernel_alignment = 4096, .min_alignment = 12,             \
                .relocatable = true, .xloadflags = 0xffff,                 \
                .cmdline_size = UINT32_MAX, .initrd_addr_max = UINT32_MAX, \
        }

enum compose_error {
        COMPOSE_OK = 0,
        COMPOSE_NO_MEMORY,
        COMPOSE_NO_STUB,      /* no stub for this codec */
        COMPOSE_BAD_VARIANTS, /* variants contradict each other */
        COMPOSE_LOW_KERNEL,   /* a bare ELF below LOAD_ADDR */
        COMPOSE_LARGE_SETUP,  /* set-up too large for the stub */
        COMPOSE_TOO_LARGE,    /* more than the boot protocol can say */
        COMPOSE_NOT_OURS,     /* no multi-image */
        COMPOSE_TRUNCATED,    /* the file ends too early */
        COMPOSE_BAD_FRAME,    /* what surrounds the store breaks a rule */
        COMPOSE_BAD_DIGEST,   /* what surrounds the store was changed */
        COMPOSE_ERROR_COUNT
};

/* A short sentence without full stop; never NULL. */
const char *compose_strerror(int error);

/* Takes one variant's demands into account.  setup: the image's first
 * setup_size bytes, or NULL where it is no bzImage and came from none.
 * COMPOSE_BAD_VARIANTS: it can not be loaded where the ones before are. */
int compose_add_variant(struct compose_input *input,
                        const struct variant_info *info, const uint8_t *setup);

/* Whether compose() has a 32-bit stub program with this codec. */
bool compose_has_32(const struct codec *codec);

/* The whole file; *ret_file is the caller's to free. */
int compose(const struct compose_input *input, uint8_t **ret_file,
            size_t *ret_size);

/* A multi-image taken apart. */
struct composed {
        uint8_t *elf; /* E, closed up; freed by compose_close() */
        size_t elf_size;
        const uint8_t *store; /* in elf */
        size_t store_size;
        size_t stub_size;   /* bytes of the file that are stub: set-up, head,
                               * stub program, frame */
        bool is_bzimage;    /* else the file was E alone */
        uint32_t init_size; /* of the multi-image, from its stub */
};

/* Finds E and the store in a bzImage or a bare E.  Checks every bound; the
 * store itself is multi_image_open()'s to check. */
int compose_open(const uint8_t *file, size_t size, struct composed *ret);
void compose_close(struct composed *composed);

/* Checks what compose_open() need not: the digest over set-up, head and stub
 * program, and the gzip checksum.  With the store's own digests every byte of
 * the file is covered. */
int compose_verify(const uint8_t *file, size_t size,
                   const struct composed *composed);

#endif
