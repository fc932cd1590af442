/* SPDX-License-Identifier: MIT */
/*
 * A multi-image file as the reading commands use it: the store found in the
 * file and opened, variants rebuilt into allocated memory.
 */
#ifndef PACKER_STORE_H
#define PACKER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose.h"
#include "../stub/multi-image/multi-image.h"

struct store {
        char *path;
        uint8_t *data; /* the whole file */
        size_t size;
        bool bare; /* the file is a store without stub, as tests write */
        struct composed composed; /* unless bare */
        struct multi_image mi;
};

/* One variant as its image was: set-up, then the rest. */
struct rebuilt {
        struct variant_info info;
        uint8_t *data; /* setup_size + body_size bytes */
        size_t size;
        size_t work_used; /* bytes of work memory that it took */
};

/* All return 0, or an exit code and a message.  store_parse() takes data over:
 * store_close() frees it, and so does a failure. */
int store_open(const char *path, struct store *ret_store, char **ret_message);
int store_parse(const char *path, uint8_t *data, size_t size,
                struct store *ret_store, char **ret_message);
int store_rebuild(const struct store *store, uint32_t variant,
                  struct rebuilt *ret_rebuilt, char **ret_message);

/* Loads a variant that store_rebuild() could rebuild, as the entries do that take
 * the kernel proper: by its segments, with the SHA-256 of the payload. */
int store_check_load(const struct store *store, uint32_t variant,
                     char **ret_message);

/* Work memory that any variant's rebuild takes; never more than a limit. */
size_t store_work_size(const struct store *store);

void store_close(struct store *store);
void rebuilt_free(struct rebuilt *rebuilt);

/* Index of the variant called name, or an exit code and a message that lists
 * the names there are. */
int store_find(const struct store *store, const char *name, uint32_t *ret_index,
               char **ret_message);

/* The ELF inside the file, in one piece, to be freed. */
int store_elf(const struct store *store, uint8_t **ret_elf, size_t *ret_size,
              char **ret_message);

/* Checks what surrounds the store, by its digest: EXIT_DIFFERS and a message if
 * it was changed. */
int store_check_stub(const struct store *store, char **ret_message);

/* "deflate", "xz"; "?" for a number without name. */
const char *codec_name(unsigned id);

#define HEX_DIGEST_SIZE 65 /* 32 bytes in hexadecimal, NUL-terminated */

/* Lower-case hexadecimal. */
void hex_digest(const uint8_t digest[32], char ret_hex[HEX_DIGEST_SIZE]);

#endif
