/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong with a multi-image, as a reader tells it.  0 is success;
 * "not ours", "unsupported" and "corrupt" are different answers.
 */
#ifndef STUB_MULTI_IMAGE_ERROR_H
#define STUB_MULTI_IMAGE_ERROR_H

enum multi_image_error {
        MULTI_IMAGE_OK = 0,
        MULTI_IMAGE_NOT_OURS,         /* no magic number */
        MULTI_IMAGE_UNKNOWN_VERSION,  /* another format version */
        MULTI_IMAGE_UNKNOWN_CODEC,    /* codec not linked into this program */
        MULTI_IMAGE_TRUNCATED,        /* a size reaches beyond the store */
        MULTI_IMAGE_BAD_TABLE,        /* a table breaks a rule of the format */
        MULTI_IMAGE_BAD_TABLE_DIGEST, /* tables' SHA-256 differs */
        MULTI_IMAGE_BAD_STREAM,       /* a decoder refused its input */
        MULTI_IMAGE_BAD_LAYOUT,       /* fragments do not add up to the image */
        MULTI_IMAGE_BAD_FIELD,        /* a relocated field has no target here */
        MULTI_IMAGE_BAD_PATCH,        /* a patch reaches out of its base or body */
        MULTI_IMAGE_BAD_DERIVED,      /* a derived table breaks its model */
        MULTI_IMAGE_BAD_ELF,          /* the payload is no ELF that can be loaded */
        MULTI_IMAGE_BAD_DIGEST,       /* the rebuilt image's SHA-256 differs */
        MULTI_IMAGE_NO_MEMORY,        /* less memory was lent than is needed */
        MULTI_IMAGE_NO_VARIANT,       /* no variant of that name or number */
        MULTI_IMAGE_BAD_ARGUMENT,     /* the caller's mistake */
        MULTI_IMAGE_ERROR_COUNT
};

/* A short sentence without full stop; never NULL. */
const char *multi_image_strerror(int error);

/* Leaves the function when the input breaks a rule of the format:
 * REQUIRE(get_le32(h->version) == MULTI_IMAGE_VERSION, MULTI_IMAGE_UNKNOWN_VERSION); */
#define REQUIRE(rule, error)                                                   \
        do {                                                                   \
                if (!(rule))                                                   \
                        return (error);                                        \
        } while (0)

#endif
