/* SPDX-License-Identifier: MIT */
/*
 * The steps of image_read(), for each other and for the fuzz targets.
 */
#ifndef PACKER_IMAGE_PARTS_H
#define PACKER_IMAGE_PARTS_H

#include "image.h"

/* Reads the file at path whole into *ret_data (to be freed), which has room for
 * one byte more. */
int file_read(const char *path, uint8_t **ret_data, size_t *ret_size,
              char **ret_message);

/* As image_read(), of bytes in memory.  Takes data over: image_free() frees
 * it, and so does a failure. */
int image_parse(const char *path, uint8_t *data, size_t size,
                struct image *ret_image, char **ret_message);

/* Unpacks image's payload (payload_offset, payload_size): sets payload,
 * unpacked_size, payload_codec and stored. */
int payload_unpack(struct image *image, char **ret_message);

/* Reads the ELF header, program headers and notes of image->payload. */
int kernel_elf_read(struct image *image, char **ret_message);

#endif
