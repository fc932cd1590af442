/* SPDX-License-Identifier: MIT */
/*
 * Opens multi-image files and rebuilds variants with the stub's own reader.
 */
#define _GNU_SOURCE
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image-parts.h"
#include "message.h"

/* Most work memory that a file may ask for; a kernel of 65 MB takes 40 MB. */
#define MAX_WORK_SIZE (2048ull << 20)

const struct codec *const multi_image_codecs[] = { &codec_deflate, &codec_xz,
                                                   &codec_zstd, NULL };

const char *codec_name(unsigned id)
{
        for (size_t i = 0; multi_image_codecs[i]; i++)
                if (multi_image_codecs[i]->id == id)
                        return multi_image_codecs[i]->name;
        return "?";
}

void hex_digest(const uint8_t digest[32], char ret_hex[HEX_DIGEST_SIZE])
{
        for (size_t i = 0; i < 32; i++) {
                ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
                ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
        }
        ret_hex[HEX_DIGEST_SIZE - 1] = '\0';
}

/* Finds the store in the file and opens it. */
static int open_store(struct store *s, char **ret_message)
{
        size_t size = s->size;
        int fault = multi_image_open(s->data, size, &s->mi);

        s->bare = fault != MULTI_IMAGE_NOT_OURS;
        if (!s->bare) {
                fault = compose_open(s->data, s->size, &s->composed);
                if (fault)
                        return fail(ret_message, EXIT_BAD_INPUT, "%s: %s",
                                    s->path, compose_strerror(fault));
                size = s->composed.store_size;
                fault = multi_image_open(s->composed.store, size, &s->mi);
        }
        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: store of %zu bytes: %s", s->path, size,
                            multi_image_strerror(fault));
        return 0;
}

int store_parse(const char *path, uint8_t *data, size_t size,
                struct store *ret_store, char **ret_message)
{
        struct store store = { .path = strdup(path),
                               .data = data,
                               .size = size };
        int err;

        if (!store.path)
                err = fail_errno(ret_message, path, "memory");
        else
                err = open_store(&store, ret_message);
        if (err) {
                store_close(&store);
                return err;
        }
        *ret_store = store;
        return 0;
}

int store_open(const char *path, struct store *ret_store, char **ret_message)
{
        uint8_t *data;
        size_t size;
        int err = file_read(path, &data, &size, ret_message);

        if (err)
                return err;
        return store_parse(path, data, size, ret_store, ret_message);
}

void store_close(struct store *store)
{
        if (store->composed.elf)
                compose_close(&store->composed);
        free(store->data);
        free(store->path);
        memset(store, 0, sizeof(*store));
}

size_t store_work_size(const struct store *store)
{
        uint64_t size = 0;

        for (uint32_t i = 0; i < store->mi.variant_count; i++) {
                uint64_t n = get_le64(store->mi.variants[i].work_size);

                size = n > size ? n : size;
        }
        return size < MAX_WORK_SIZE ? (size_t)size : (size_t)MAX_WORK_SIZE;
}

int store_find(const struct store *store, const char *name, uint32_t *ret_index,
               char **ret_message)
{
        char names[MULTI_IMAGE_MAX_VARIANTS * (MULTI_IMAGE_NAME_SIZE + 2)] = "";
        struct variant_info info;

        if (!multi_image_find(&store->mi, name, strlen(name), ret_index))
                return 0;
        for (uint32_t i = 0; i < store->mi.variant_count; i++) {
                multi_image_variant(&store->mi, i, &info);
                if (i)
                        strcat(names, ", ");
                strcat(names, info.name);
        }
        return fail(ret_message, EXIT_BAD_INPUT,
                    "%s: there is no variant '%s' (there are: %s)", store->path,
                    name, names);
}

int store_rebuild(const struct store *store, uint32_t variant,
                  struct rebuilt *ret_rebuilt, char **ret_message)
{
        struct rebuilt r = { 0 };
        struct unpack_memory memory = { .ret_work_used = &r.work_used };
        int fault = multi_image_variant(&store->mi, variant, &r.info);

        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: variant %" PRIu32 ": %s", store->path, variant,
                            multi_image_strerror(fault));
        if (r.info.work_size > MAX_WORK_SIZE)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: variant %s: work memory of %" PRIu64
                            " bytes is more than the limit of %llu",
                            store->path, r.info.name, r.info.work_size,
                            MAX_WORK_SIZE);
        memory.body_room = multi_image_body_room(&r.info);
        memory.work_size = r.info.work_size;
        r.size = r.info.setup_size + memory.body_room;
        r.data = malloc(r.size + 1);
        memory.work = malloc(memory.work_size + 1);
        if (!r.data || !memory.work) {
                free(r.data);
                free(memory.work);
                errno = ENOMEM;
                return fail_errno(ret_message, store->path, r.info.name);
        }
        memory.setup = r.data;
        memory.body = r.data + r.info.setup_size;
        fault = multi_image_unpack(&store->mi, variant, &memory);
        free(memory.work);
        if (fault) {
                free(r.data);
                return fail(ret_message, EXIT_BAD_INPUT, "%s: variant %s: %s",
                            store->path, r.info.name,
                            multi_image_strerror(fault));
        }
        *ret_rebuilt = r;
        return 0;
}

int store_check_load(const struct store *store, uint32_t variant,
                     char **ret_message)
{
        struct unpack_memory memory = { 0 };
        struct variant_info info;
        uint64_t entry;
        int fault;

        multi_image_variant(&store->mi, variant, &info);
        if (!info.load_room)
                return 0;
        memory.body_room = info.load_room;
        memory.body = malloc(memory.body_room);
        memory.work_size = info.work_size;
        memory.work = malloc(memory.work_size + 1);
        if (!memory.body || !memory.work) {
                free(memory.body);
                free(memory.work);
                errno = ENOMEM;
                return fail_errno(ret_message, store->path, info.name);
        }
        fault = multi_image_load(&store->mi, variant, &memory, &entry);
        free(memory.body);
        free(memory.work);
        if (!fault)
                return 0;
        return fail(ret_message, EXIT_BAD_INPUT, "%s: variant %s: as ELF: %s",
                    store->path, info.name, multi_image_strerror(fault));
}

void rebuilt_free(struct rebuilt *rebuilt)
{
        free(rebuilt->data);
        memset(rebuilt, 0, sizeof(*rebuilt));
}

int store_elf(const struct store *store, uint8_t **ret_elf, size_t *ret_size,
              char **ret_message)
{
        uint8_t *elf;

        if (store->bare)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: a store without stub holds no ELF",
                            store->path);
        elf = malloc(store->composed.elf_size);
        if (!elf)
                return fail_errno(ret_message, store->path, "memory");
        memcpy(elf, store->composed.elf, store->composed.elf_size);
        *ret_elf = elf;
        *ret_size = store->composed.elf_size;
        return 0;
}

int store_check_stub(const struct store *store, char **ret_message)
{
        int fault = store->bare ? COMPOSE_OK
                                : compose_verify(store->data, store->size,
                                                 &store->composed);

        if (!fault)
                return 0;
        return fail(ret_message, EXIT_DIFFERS, "%s: stub: %s", store->path,
                    compose_strerror(fault));
}
