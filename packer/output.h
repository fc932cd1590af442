/* SPDX-License-Identifier: MIT */
/*
 * Writes a file so that it appears whole or not at all.
 */
#ifndef PACKER_OUTPUT_H
#define PACKER_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Writes size bytes to path, replacing an older file only once the new one is
 * complete and on the disk.  A device or pipe at path, or "-" for standard
 * output, is written to directly.  Returns 0, or an exit code and a message. */
int output_write(const char *path, const uint8_t *data, size_t size,
                 char **ret_message);

#endif
