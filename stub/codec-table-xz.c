/* SPDX-License-Identifier: MIT */
/* The stub with the xz decoder. */
#include "multi-image/multi-image.h"

extern const struct codec codec_xz;
const struct codec *const multi_image_codecs[] = { &codec_xz, NULL };
