/* SPDX-License-Identifier: MIT */
/* The stub with the deflate decoder. */
#include "multi-image/multi-image.h"

extern const struct codec codec_deflate;
const struct codec *const multi_image_codecs[] = { &codec_deflate, NULL };
