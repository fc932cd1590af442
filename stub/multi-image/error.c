/* SPDX-License-Identifier: MIT */
/* The errors' texts, for people. */
#include "error.h"

static const char *const texts[MULTI_IMAGE_ERROR_COUNT] = {
        [MULTI_IMAGE_OK] = "no error",
        [MULTI_IMAGE_NOT_OURS] = "not a multi-image",
        [MULTI_IMAGE_UNKNOWN_VERSION] = "unknown format version",
        [MULTI_IMAGE_UNKNOWN_CODEC] = "codec is not part of this program",
        [MULTI_IMAGE_TRUNCATED] = "store is cut off",
        [MULTI_IMAGE_BAD_TABLE] = "a table breaks the format's rules",
        [MULTI_IMAGE_BAD_TABLE_DIGEST] = "tables' SHA-256 differs",
        [MULTI_IMAGE_BAD_STREAM] = "a stream is corrupt",
        [MULTI_IMAGE_BAD_LAYOUT] = "fragments do not add up to the image",
        [MULTI_IMAGE_BAD_FIELD] = "a relocated field has no target",
        [MULTI_IMAGE_BAD_PATCH] = "a patch reaches out of its base or body",
        [MULTI_IMAGE_BAD_DERIVED] = "a derived table breaks its model",
        [MULTI_IMAGE_BAD_ELF] = "payload is no loadable ELF",
        [MULTI_IMAGE_BAD_DIGEST] = "rebuilt image's SHA-256 differs",
        [MULTI_IMAGE_NO_MEMORY] = "too little memory",
        [MULTI_IMAGE_NO_VARIANT] = "no such variant",
        [MULTI_IMAGE_BAD_ARGUMENT] = "bad argument",
};

const char *multi_image_strerror(int error)
{
        if (error < 0 || error >= MULTI_IMAGE_ERROR_COUNT)
                return "unknown error";
        return texts[error];
}
