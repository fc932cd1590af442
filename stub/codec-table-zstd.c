/* SPDX-License-Identifier: MIT */
/* The stub with the zstd decoder. */
#include "multi-image/multi-image.h"

extern const struct codec codec_zstd;
const struct codec *const multi_image_codecs[] = { &codec_zstd, NULL };
