/* SPDX-License-Identifier: MIT */
/*
 * ingot extract: one variant as a file again, or the ELF inside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "store.h"
#include "../stub/multi-image/sha256.h"

struct extract_options {
        const char *output;
        bool elf;
        bool json;
};

static const struct option_row options[] = {
        { .name = "output",
          .letter = 'o',
          .kind = OPTION_STRING,
          .offset = offsetof(struct extract_options, output),
          .argument = "OUT",
          .help = "write to OUT instead of NAME; - for standard output" },
        { .name = "elf",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct extract_options, elf),
          .help = "write the bare ELF inside instead of a variant" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct extract_options, json),
          .help = "say as JSON what was written (docs/json.md)" },
        { 0 },
};

/* What is written. */
struct piece {
        const char *name; /* of the variant; NULL: the ELF inside */
        const uint8_t *data;
        size_t size;
};

static int write_piece(const struct store *store, const struct piece *piece,
                       const struct extract_options *values)
{
        const char *path = values->output ? values->output : piece->name;
        uint8_t digest[SHA256_SIZE];
        struct json_object *root;
        struct sha256 sha256;
        char *message;
        int err = output_write(path, piece->data, piece->size, &message);

        if (err)
                return report_failure(err, message);
        if (!values->json)
                return EXIT_FINE;
        root = json_object_new_object();
        json_add_string(root, "file", store->path);
        json_add_string(root, "variant", piece->name);
        json_add_string(root, "output", path);
        json_add_number(root, "size", piece->size);
        sha256_init(&sha256);
        sha256_update(&sha256, piece->data, piece->size);
        sha256_final(&sha256, digest);
        json_add_digest(root, "sha256", digest);
        return json_print(root);
}

static int extract_variant(const struct store *store, const char *name,
                           const struct extract_options *values)
{
        struct piece piece = { 0 };
        struct rebuilt r;
        uint32_t index;
        char *message;
        int err;

        if ((err = store_find(store, name, &index, &message)) ||
            (err = store_rebuild(store, index, &r, &message)))
                return report_failure(err, message);
        piece.name = r.info.name;
        piece.data = r.data;
        piece.size = r.size;
        if (variant_is_elf(&r.info)) {
                /* the set-up header kept beside it is no part of the image */
                piece.data += r.info.setup_size;
                piece.size -= r.info.setup_size;
        }
        err = write_piece(store, &piece, values);
        rebuilt_free(&r);
        return err;
}

static int extract_elf(const struct store *store,
                       const struct extract_options *values)
{
        struct piece piece = { 0 };
        uint8_t *elf;
        char *message;
        int err = store_elf(store, &elf, &piece.size, &message);

        if (err)
                return report_failure(err, message);
        piece.data = elf;
        err = write_piece(store, &piece, values);
        free(elf);
        return err;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct extract_options values = { 0 };
        struct string_list arguments = { 0 };
        struct store store;
        char *message;
        int err;

        if (options_parse(command, argc, argv, &values, &arguments, &err))
                return err;
        if (values.elf == (arguments.count == 2))
                err = usage_error(command,
                                  values.elf ? "--elf takes no variant's name"
                                             : "the variant's NAME is missing");
        else if (values.elf && !values.output)
                err = usage_error(command, "--elf needs --output");
        else if (values.json && values.output && !strcmp(values.output, "-"))
                err = usage_error(command,
                                  "--json and --output - would mix up");
        else if ((err = store_open(arguments.items[0], &store, &message)))
                report_failure(err, message);
        else {
                err = values.elf ? extract_elf(&store, &values)
                                 : extract_variant(&store, arguments.items[1],
                                                   &values);
                store_close(&store);
        }
        free(arguments.items);
        return err;
}

const struct command command_extract = {
        .name = "extract",
        .arguments = "FILE [NAME]",
        .summary = "write one variant as the image that it was",
        .detail = "Rebuilds the variant NAME of the multi-image FILE, byte for "
                  "byte, checks its\nSHA-256 and writes it to a file.",
        .options = options,
        .least = 1,
        .most = 2,
        .run = run,
};
