/* SPDX-License-Identifier: MIT */
/*
 * ingot verify: is a multi-image whole, and does it hold these images?
 *
 * Each variant is rebuilt by the stub's own decoder, which compares SHA-256, as
 * the image that it was and as an ELF loader would have it; --against compares
 * its bytes with a file beside that.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "image.h"
#include "json.h"
#include "message.h"
#include "parallel.h"
#include "progress.h"
#include "store.h"

struct verify_options {
        struct string_list against;
        bool json;
};

static const struct option_row options[] = {
        { .name = "against",
          .kind = OPTION_LIST,
          .offset = offsetof(struct verify_options, against),
          .argument = "NAME=IMAGE",
          .help = "compare variant NAME with the file IMAGE" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct verify_options, json),
          .help = "print JSON (docs/json.md)" },
        { 0 },
};

/* What was found of one variant. */
struct finding {
        int code; /* not 0: could not be examined, for message */
        char *message;
        char *fault;         /* NULL: rebuilt, SHA-256 equal */
        const char *against; /* file that it was compared with, NULL: none */
        char *difference;    /* NULL: equal, or not compared */
};

struct verification {
        const struct command *command;
        struct verify_options values;
        struct store store;
        char *stub_fault;  /* NULL: digest equal, or a bare store */
        char *store_fault; /* NULL: digest equal */
        atomic_uint done;  /* variants begun, for the progress line */
        struct finding findings[MULTI_IMAGE_MAX_VARIANTS];
};

static bool is_fine(const struct verification *v)
{
        bool fine = !v->stub_fault && !v->store_fault;

        for (uint32_t i = 0; i < v->store.mi.variant_count; i++)
                fine &= !v->findings[i].fault && !v->findings[i].difference;
        return fine;
}

/* Notes the first difference between two runs of bytes. */
static void compare_part(const struct verification *v, const struct rebuilt *r,
                         struct finding *finding, const char *part,
                         const uint8_t *have, size_t have_size,
                         const uint8_t *want, size_t want_size)
{
        size_t at = 0;

        if (finding->difference)
                return;
        while (at < have_size && at < want_size && have[at] == want[at])
                at++;
        if (at < have_size && at < want_size)
                fail(&finding->difference, 0,
                     "%s: variant %s: %s: byte at %#zx is %#x, but %#x in %s",
                     v->store.path, r->info.name, part, at, have[at], want[at],
                     finding->against);
        else if (have_size != want_size)
                fail(&finding->difference, 0,
                     "%s: variant %s: %s: %zu bytes, but %zu in %s",
                     v->store.path, r->info.name, part, have_size, want_size,
                     finding->against);
}

/* Compares a variant with the image that it shall be: of a stock kernel that
 * was wrapped anew set-up and unpacked payload, else the whole file. */
static int compare(const struct verification *v, const struct rebuilt *r,
                   struct finding *finding, char **ret_message)
{
        size_t setup_size = r->info.setup_size;
        struct image image;
        int err = image_read(finding->against, &image, ret_message);

        if (err)
                return err;
        if (variant_is_elf(&r->info)) {
                compare_part(v, r, finding, "set-up", r->data, setup_size,
                             image.data, image.setup_size);
                compare_part(v, r, finding, "payload", r->data + setup_size,
                             r->size - setup_size, image.payload,
                             image.unpacked_size);
        } else {
                compare_part(v, r, finding, "image", r->data, r->size,
                             image.data, image.size);
        }
        image_free(&image);
        return 0;
}

/* Input/output errors end the command later, faults of the file are findings.
 * Called from several threads, each with variants of its own. */
static void verify_variant(void *context, size_t index)
{
        struct verification *v = context;
        struct finding *finding = &v->findings[index];
        struct rebuilt r;
        char *message;
        int err;

        progress_show("verify", atomic_fetch_add(&v->done, 1),
                      v->store.mi.variant_count);
        err = store_rebuild(&v->store, (uint32_t)index, &r, &message);
        if (!err) {
                err = store_check_load(&v->store, (uint32_t)index, &message);
                if (err)
                        rebuilt_free(&r);
        }
        if (err == EXIT_BAD_INPUT) {
                finding->fault = message;
                return;
        }
        if (!err) {
                if (finding->against)
                        err = compare(v, &r, finding, &message);
                rebuilt_free(&r);
        }
        finding->code = err;
        finding->message = err ? message : NULL;
}

static int verify_all(struct verification *v)
{
        uint32_t count = v->store.mi.variant_count;

        store_check_stub(&v->store, &v->stub_fault);
        if (multi_image_verify_store(&v->store.mi))
                fail(&v->store_fault, 0, "%s: store: %s", v->store.path,
                     multi_image_strerror(MULTI_IMAGE_BAD_DIGEST));
        parallel(processor_count(), count, verify_variant, v);
        progress_clear();
        for (uint32_t i = 0; i < count; i++) {
                struct finding *f = &v->findings[i];

                if (f->code) {
                        report_failure(f->code, f->message);
                        f->message = NULL;
                        return f->code;
                }
        }
        return 0;
}

static int print_text(const struct verification *v)
{
        if (v->stub_fault)
                fprintf(stderr, "ingot: %s\n", v->stub_fault);
        if (v->store_fault)
                fprintf(stderr, "ingot: %s\n", v->store_fault);
        for (uint32_t i = 0; i < v->store.mi.variant_count; i++) {
                const struct finding *f = &v->findings[i];
                char hex[HEX_DIGEST_SIZE];
                struct variant_info info;

                multi_image_variant(&v->store.mi, i, &info);
                hex_digest(info.image_digest, hex);
                if (f->fault || f->difference)
                        fprintf(stderr, "ingot: %s\n",
                                f->fault ? f->fault : f->difference);
                printf("%-12s %-8s %.16s  %" PRIu64 " bytes%s%s\n", info.name,
                       f->fault        ? "corrupt"
                       : f->difference ? "differs"
                                       : "ok",
                       hex, info.image_size,
                       f->against && !f->fault && !f->difference ? ", equal to "
                                                                 : "",
                       f->against && !f->fault && !f->difference ? f->against
                                                                 : "");
        }
        printf("%s: %s\n", v->store.path, is_fine(v) ? "ok" : "not ok");
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int print_json(const struct verification *v)
{
        struct json_object *root = json_object_new_object(), *array;

        json_add_string(root, "file", v->store.path);
        json_add_number(root, "file_size", v->store.size);
        json_add_bool(root, "ok", is_fine(v));
        json_add_string(root, "stub_error", v->stub_fault);
        json_add_string(root, "store_error", v->store_fault);
        array = json_add_array(root, "variants");
        for (uint32_t i = 0; i < v->store.mi.variant_count; i++) {
                const struct finding *f = &v->findings[i];
                struct json_object *o = json_append_object(array);
                struct variant_info info;

                multi_image_variant(&v->store.mi, i, &info);
                json_add_string(o, "name", info.name);
                json_add_bool(o, "ok", !f->fault && !f->difference);
                json_add_string(o, "error", f->fault);
                json_add_string(o, "against", f->against);
                json_add_string(o, "difference", f->difference);
                json_add_number(o, "image_size", info.image_size);
                json_add_digest(o, "sha256", info.image_digest);
        }
        return json_print(root);
}

/* NAME=IMAGE of each --against */
static int read_against(struct verification *v)
{
        for (size_t i = 0; i < v->values.against.count; i++) {
                const char *text = v->values.against.items[i];
                const char *equals = strchr(text, '=');
                uint32_t index;

                if (!equals || equals == text || !equals[1])
                        return usage_error(v->command,
                                           "--against: '%s' is not NAME=IMAGE",
                                           text);
                if (multi_image_find(&v->store.mi, text,
                                     (size_t)(equals - text), &index))
                        return usage_error(v->command,
                                           "--against: %s holds no variant "
                                           "'%.*s'",
                                           v->store.path, (int)(equals - text),
                                           text);
                v->findings[index].against = equals + 1;
        }
        return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct verification v = { .command = command };
        struct string_list files = { 0 };
        char *message;
        int err;

        if (options_parse(command, argc, argv, &v.values, &files, &err))
                return err;
        err = store_open(files.items[0], &v.store, &message);
        if (err) {
                err = report_failure(err, message);
        } else {
                if (!(err = read_against(&v)) && !(err = verify_all(&v))) {
                        err = v.values.json ? print_json(&v) : print_text(&v);
                        if (!err && !is_fine(&v))
                                err = EXIT_DIFFERS;
                }
                for (uint32_t i = 0; i < v.store.mi.variant_count; i++) {
                        free(v.findings[i].message);
                        free(v.findings[i].fault);
                        free(v.findings[i].difference);
                }
                store_close(&v.store);
        }
        free(v.stub_fault);
        free(v.store_fault);
        free(v.values.against.items);
        free(files.items);
        return err;
}

const struct command command_verify = {
        .name = "verify",
        .arguments = "FILE",
        .summary = "check a multi-image, and compare it with images",
        .detail = "Checks the digests of the multi-image FILE, rebuilds each "
                  "variant with the stub's\nown decoder and compares SHA-256. "
                  "Exit code 1: a check failed or an image differs;\n3: FILE "
                  "can not be opened as a multi-image at all.",
        .options = options,
        .least = 1,
        .most = 1,
        .run = run,
};
