/* SPDX-License-Identifier: MIT */
/*
 * ingot pack: images in, one multi-image out.
 *
 *   inputs    from the command line, or from the table of backends
 *   rules     from the table, for the variants that it names
 *   pack      pack.c: the store
 *   compose   compose.c: stub and store as one bootable file
 *   check     the file opened again as a reader does, every variant compared
 *             with its input
 *   write     whole or not at all
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "pack.h"
#include "parallel.h"
#include "progress.h"
#include "store.h"
#include "table.h"

struct pack_command_options {
        const char *output;
        const char *codec;
        const char *default_name;
        const char *table;
        const char *from;
        unsigned threads;
        bool bare;
        bool json;
        bool quiet;
};

#define AT(field) .offset = offsetof(struct pack_command_options, field)

static const struct option_row options[] = {
        { .name = "output",
          .letter = 'o',
          .kind = OPTION_STRING,
          AT(output),
          .argument = "FILE",
          .help = "write the multi-image to FILE (needed)" },
        { .name = "codec",
          .letter = 'c',
          .kind = OPTION_STRING,
          AT(codec),
          .argument = "CODEC",
          .help = "deflate (default) or xz" },
        { .name = "default",
          .letter = 'd',
          .kind = OPTION_STRING,
          AT(default_name),
          .argument = "NAME",
          .help = "variant that boots where no rule matches" },
        { .name = "table",
          .letter = 't',
          .kind = OPTION_STRING,
          AT(table),
          .argument = "TABLE",
          .help = "table of backends instead of the built-in one" },
        { .name = "from",
          .letter = 'f',
          .kind = OPTION_STRING,
          AT(from),
          .argument = "DIR",
          .help = "pack the table's variants that DIR/NAME/vmlinuz holds" },
        { .name = "threads",
          .letter = 'j',
          .kind = OPTION_NUMBER,
          AT(threads),
          .argument = "N",
          .help = "threads to use; as many as processors without it" },
        { .name = "bare",
          .kind = OPTION_FLAG,
          AT(bare),
          .help = "write the store without a stub: for tests and studies" },
        { .name = "quiet",
          .letter = 'q',
          .kind = OPTION_FLAG,
          AT(quiet),
          .help = "print nothing but errors" },
        { .name = "json",
          .kind = OPTION_FLAG,
          AT(json),
          .help = "report as JSON (docs/json.md)" },
        { 0 },
};

static const struct {
        const char *name;
        enum codec_id id;
} codecs[] = {
        { "deflate", CODEC_DEFLATE },
        { "xz", CODEC_XZ },
};

/* What became of one input's step. */
struct outcome {
        int code; /* exit code; 0: well */
        char *message;
};

/* Everything that one run of the command holds. */
struct packing {
        const struct command *command;
        struct pack_command_options values;
        struct backend_table table;
        char *names[MULTI_IMAGE_MAX_VARIANTS];
        char *images[MULTI_IMAGE_MAX_VARIANTS];
        char *vmlinuxes[MULTI_IMAGE_MAX_VARIANTS]; /* NULL: none */
        size_t count;
        struct pack_input inputs[MULTI_IMAGE_MAX_VARIANTS];
        struct outcome outcomes[MULTI_IMAGE_MAX_VARIANTS];
        struct pack_rule rules[MULTI_IMAGE_MAX_RULES];
        struct pack_options options;
        struct pack_report report;
        uint8_t *store;
        size_t store_size;
        uint8_t *file;
        size_t file_size;
        struct store written; /* the file, opened again */
};

static int add_input(struct packing *p, char *name, char *image, char *vmlinux)
{
        size_t i = p->count;

        if (!name || !image || i == MULTI_IMAGE_MAX_VARIANTS) {
                free(name);
                free(image);
                free(vmlinux);
                if (i == MULTI_IMAGE_MAX_VARIANTS)
                        return usage_error(p->command, "more than %d variants",
                                           MULTI_IMAGE_MAX_VARIANTS);
                return report_failure(EXIT_IO, NULL);
        }
        p->names[i] = name;
        p->images[i] = image;
        p->vmlinuxes[i] = vmlinux;
        p->count++;
        return 0;
}

/* NAME=IMAGE[,vmlinux=ELF] */
static int parse_input(struct packing *p, const char *text)
{
        static const char key[] = ",vmlinux=";
        const char *equals = strchr(text, '=');
        const char *vmlinux = strstr(text, key);
        size_t name_size = equals ? (size_t)(equals - text) : 0;

        if (!equals || name_size == 0 || name_size >= MULTI_IMAGE_NAME_SIZE ||
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789-_.") != name_size)
                return usage_error(p->command,
                                   "'%s' is not NAME=IMAGE[,vmlinux=ELF] with "
                                   "a NAME of 1 to 31 letters, digits, - _ .",
                                   text);
        for (size_t i = 0; i < p->count; i++)
                if (strlen(p->names[i]) == name_size &&
                    !memcmp(p->names[i], text, name_size))
                        return usage_error(p->command, "two variants '%s'",
                                           p->names[i]);
        if (!vmlinux)
                return add_input(p, strndup(text, name_size),
                                 strdup(equals + 1), NULL);
        return add_input(p, strndup(text, name_size),
                         strndup(equals + 1, (size_t)(vmlinux - equals - 1)),
                         strdup(vmlinux + strlen(key)));
}

static char *join(const char *folder, const char *name, const char *file)
{
        char *path;

        return asprintf(&path, "%s/%s/%s", folder, name, file) < 0 ? NULL
                                                                   : path;
}

/* The table's rows whose image exists under --from. */
static int inputs_from_table(struct packing *p)
{
        int err;

        for (size_t i = 0; i < p->table.count; i++) {
                const struct backend *b = &p->table.backends[i];
                char *image = join(p->values.from, b->name, "vmlinuz");
                char *vmlinux = join(p->values.from, b->name, "vmlinux");

                if (b->role == BACKEND_COMPARATOR || !image ||
                    access(image, F_OK) < 0) {
                        free(image);
                        free(vmlinux);
                        continue;
                }
                if (vmlinux && access(vmlinux, F_OK) < 0) {
                        free(vmlinux);
                        vmlinux = NULL;
                }
                if ((err = add_input(p, strdup(b->name), image, vmlinux)))
                        return err;
        }
        if (p->count == 0) {
                fprintf(stderr,
                        "ingot: %s: no image of a backend of %s "
                        "(DIR/NAME/vmlinuz)\n",
                        p->values.from, p->table.path);
                return EXIT_BAD_INPUT;
        }
        return 0;
}

static int collect_inputs(struct packing *p, const struct string_list *texts)
{
        int err = 0;

        if (p->values.from && texts->count)
                return usage_error(p->command,
                                   "--from and NAME=IMAGE exclude each other");
        if (!p->values.from && !texts->count)
                return usage_error(p->command,
                                   "give NAME=IMAGE, or --from DIR");
        if (p->values.from)
                return inputs_from_table(p);
        for (size_t i = 0; i < texts->count && !err; i++)
                err = parse_input(p, texts->items[i]);
        return err;
}

static int choose_codec(struct packing *p)
{
        const char *name = p->values.codec ? p->values.codec : codecs[0].name;

        for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
                if (!strcmp(codecs[i].name, name)) {
                        p->options.codec = codecs[i].id;
                        return 0;
                }
        return usage_error(p->command, "--codec: '%s' is not deflate or xz",
                           name);
}

static int choose_default(struct packing *p)
{
        for (size_t i = 0; i < p->count; i++) {
                const struct backend *b = table_find(&p->table, p->names[i]);

                if (p->values.default_name
                            ? !strcmp(p->names[i], p->values.default_name)
                            : b && b->role == BACKEND_DEFAULT) {
                        p->options.default_variant = (uint32_t)i;
                        return 0;
                }
        }
        if (p->values.default_name)
                return usage_error(p->command,
                                   "--default: there is no variant '%s'",
                                   p->values.default_name);
        return usage_error(p->command,
                           "no variant is the default of %s: give --default",
                           p->table.path);
}

static int make_rules(struct packing *p)
{
        size_t count = 0;

        for (size_t i = 0; i < p->count; i++) {
                const struct backend *b = table_find(&p->table, p->names[i]);

                for (unsigned j = 0; b && j < PLATFORM_COUNT; j++) {
                        if (!(b->platforms >> j & 1))
                                continue;
                        if (count == MULTI_IMAGE_MAX_RULES)
                                return usage_error(p->command,
                                                   "more than %d rules",
                                                   MULTI_IMAGE_MAX_RULES);
                        p->rules[count++] = (struct pack_rule){
                                .platform = j,
                                .variant = (uint32_t)i,
                                .priority = b->priority,
                        };
                }
        }
        p->options.rules = p->rules;
        p->options.rule_count = count;
        return 0;
}

static void read_input(void *context, size_t i)
{
        struct packing *p = context;
        struct pack_input *input = &p->inputs[i];
        struct outcome *o = &p->outcomes[i];

        o->code = image_read(p->images[i], &input->image, &o->message);
        input->name = p->names[i];
        if (o->code || !p->vmlinuxes[i])
                return;
        o->code = linked_read(p->vmlinuxes[i], &input->image, &input->linked,
                              &o->message);
        input->has_linked = !o->code;
}

/* Does work for each input, on several threads, and tells of the first that
 * failed. */
static int for_each_input(struct packing *p, void (*work)(void *, size_t))
{
        int code = 0;

        parallel(p->options.threads, p->count, work, p);
        for (size_t i = 0; i < p->count; i++) {
                struct outcome *o = &p->outcomes[i];

                if (o->code && !code) {
                        report_failure(o->code, o->message);
                        code = o->code;
                } else if (o->code) {
                        free(o->message);
                }
                *o = (struct outcome){ 0 };
        }
        return code;
}

static int read_inputs(struct packing *p)
{
        progress_show("reading", 0, 0);
        return for_each_input(p, read_input);
}

/* The bytes of an input that its variant must give back. */
static bool equals_input(const struct pack_input *input,
                         const struct rebuilt *r)
{
        size_t setup = r->info.setup_size;

        if (r->info.kind == VARIANT_ELF)
                return r->size - setup == input->image.unpacked_size &&
                       !memcmp(r->data + setup, input->image.payload,
                               input->image.unpacked_size);
        return r->size == input->image.size &&
               !memcmp(r->data, input->image.data, r->size);
}

static void check_input(void *context, size_t i)
{
        struct packing *p = context;
        struct outcome *o = &p->outcomes[i];
        struct rebuilt r;

        o->code = store_rebuild(&p->written, (uint32_t)i, &r, &o->message);
        if (o->code) {
                o->code = EXIT_DIFFERS;
                return;
        }
        if (!equals_input(&p->inputs[i], &r))
                o->code = fail(&o->message, EXIT_DIFFERS,
                               "%s: variant %s: rebuilt bytes differ from %s",
                               p->values.output, p->names[i], p->images[i]);
        rebuilt_free(&r);
}

/* Opens the file that is about to be written as any reader would. */
static int check_file(struct packing *p)
{
        uint8_t *copy = malloc(p->file_size);
        char *message;
        int err;

        if (!copy)
                return report_failure(EXIT_IO, NULL);
        progress_show("checking the file", 0, 0);
        memcpy(copy, p->file, p->file_size);
        if (store_parse(p->values.output, copy, p->file_size, &p->written,
                        &message))
                return report_failure(EXIT_DIFFERS, message);
        err = for_each_input(p, check_input);
        store_close(&p->written);
        return err;
}

/* Puts the stub in front of the store. */
static int compose_file(struct packing *p, char **ret_message)
{
        struct compose_input input = COMPOSE_INPUT;
        struct multi_image mi;
        struct variant_info info;
        int fault = multi_image_open(p->store, p->store_size, &mi);

        if (fault)
                return fail(ret_message, EXIT_DIFFERS, "%s: new store: %s",
                            p->values.output, multi_image_strerror(fault));
        for (uint32_t i = 0; i < p->count; i++) {
                const struct image *image = &p->inputs[i].image;

                multi_image_variant(&mi, i, &info);
                fault = compose_add_variant(
                        &input, &info, image->setup_size ? image->data : NULL);
                if (fault)
                        return fail(ret_message, EXIT_BAD_INPUT,
                                    "%s: variant %s: %s", p->images[i],
                                    p->names[i], compose_strerror(fault));
        }
        input.store = p->store;
        input.store_size = p->store_size;
        for (size_t i = 0; multi_image_codecs[i]; i++)
                if (multi_image_codecs[i]->id == p->options.codec)
                        input.codec = multi_image_codecs[i];
        fault = compose(&input, &p->file, &p->file_size);
        if (fault)
                return fail(ret_message, EXIT_BAD_INPUT, "%s: %s",
                            p->values.output, compose_strerror(fault));
        return 0;
}

static void show_step(void *context, const char *step)
{
        (void)context;
        progress_show(step, 0, 0);
}

static int make_file(struct packing *p)
{
        char *message;
        int err;

        p->options.progress = show_step;
        err = pack(p->inputs, p->count, &p->options, &p->store, &p->store_size,
                   &p->report, &message);
        if (err)
                return report_failure(err, message);
        if (p->values.bare) {
                p->file = p->store;
                p->file_size = p->store_size;
        } else {
                err = compose_file(p, &message);
                if (err)
                        return report_failure(err, message);
        }
        if ((err = check_file(p)))
                return err;
        progress_show("writing", 0, 0);
        err = output_write(p->values.output, p->file, p->file_size, &message);
        if (err)
                return report_failure(err, message);
        progress_clear();
        return 0;
}

/* How an input is stored, for people. */
static const char *storage(const struct pack_input *input)
{
        if (input->image.kind == IMAGE_ELF)
                return "ELF";
        return input->image.stored ? "stored payload" : "wrapped anew";
}

static const char *yes(bool flag)
{
        return flag ? "yes" : "no";
}

static int print_text(const struct packing *p)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < p->count; i++) {
                const struct image *image = &p->inputs[i].image;

                sum += image->size;
                printf("%-12s %11zu  %s", p->names[i], image->size,
                       storage(&p->inputs[i]));
                if (image->payload_codec && !image->stored)
                        printf(" (%s unpacked to %zu bytes)",
                               image->payload_codec, image->unpacked_size);
                printf(", vmlinux: %s", yes(p->inputs[i].has_linked));
                if (p->inputs[i].has_linked)
                        printf(", tables: orc %s, kallsyms %s, kaslr %s",
                               yes(p->report.orc[i]),
                               yes(p->report.kallsyms[i]),
                               yes(p->report.slide[i]));
                putchar('\n');
        }
        printf("%s: %zu bytes, %.3f of its images' %" PRIu64 " (%" PRIu64
               " fragments, %" PRIu64 " versions)\n",
               p->values.output, p->file_size,
               (double)p->file_size / (double)sum, sum,
               p->report.fragment_count, p->report.version_count);
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int print_json(const struct packing *p)
{
        struct json_object *root = json_object_new_object(), *array;

        json_add_string(root, "file", p->values.output);
        json_add_number(root, "file_size", p->file_size);
        json_add_number(root, "store_size", p->store_size);
        json_add_string(root, "codec", codec_name(p->options.codec));
        json_add_string(root, "default", p->names[p->options.default_variant]);
        json_add_number(root, "fragments", p->report.fragment_count);
        json_add_number(root, "versions", p->report.version_count);
        array = json_add_array(root, "variants");
        for (size_t i = 0; i < p->count; i++) {
                const struct pack_input *input = &p->inputs[i];
                struct json_object *o = json_append_object(array);

                json_add_string(o, "name", p->names[i]);
                json_add_string(o, "image", p->images[i]);
                json_add_string(o, "vmlinux", p->vmlinuxes[i]);
                json_add_number(o, "image_size", input->image.size);
                json_add_number(o, "payload_size", input->image.unpacked_size);
                json_add_string(o, "payload_codec", input->image.payload_codec);
                json_add_bool(o, "wrapped_anew",
                              input->image.kind == IMAGE_BZIMAGE &&
                                      !input->image.stored);
                json_add_bool(o, "orc_modelled", p->report.orc[i]);
                json_add_bool(o, "kallsyms_modelled", p->report.kallsyms[i]);
                json_add_bool(o, "kaslr_modelled", p->report.slide[i]);
        }
        return json_print(root);
}

static void packing_free(struct packing *p)
{
        for (size_t i = 0; i < p->count; i++) {
                image_free(&p->inputs[i].image);
                if (p->inputs[i].has_linked)
                        linked_free(&p->inputs[i].linked);
                free(p->names[i]);
                free(p->images[i]);
                free(p->vmlinuxes[i]);
        }
        if (p->file != p->store)
                free(p->file);
        free(p->store);
        table_free(&p->table);
        free(p);
}

static int pack_all(struct packing *p, const struct string_list *texts)
{
        char *message;
        int err;

        if (!p->values.output)
                return usage_error(p->command, "--output FILE is missing");
        if (p->values.json && !strcmp(p->values.output, "-"))
                return usage_error(p->command,
                                   "--json and --output - would mix up");
        p->options.threads =
                p->values.threads ? p->values.threads : processor_count();
        err = table_read(p->values.table, &p->table, &message);
        if (err)
                return report_failure(err, message);
        if ((err = choose_codec(p)) || (err = collect_inputs(p, texts)) ||
            (err = choose_default(p)) || (err = make_rules(p)) ||
            (err = read_inputs(p)) || (err = make_file(p)))
                return err;
        if (p->values.json)
                return print_json(p);
        if (p->values.quiet || !strcmp(p->values.output, "-"))
                return EXIT_FINE;
        return print_text(p);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct string_list texts = { 0 };
        struct packing *p = calloc(1, sizeof(*p));
        int err;

        if (!p)
                return report_failure(EXIT_IO, NULL);
        p->command = command;
        if (!options_parse(command, argc, argv, &p->values, &texts, &err))
                err = pack_all(p, &texts);
        packing_free(p);
        free(texts.items);
        return err;
}

const struct command command_pack = {
        .name = "pack",
        .arguments = "-o FILE NAME=IMAGE[,vmlinux=ELF]... | --from DIR",
        .summary = "pack images into one multi-image",
        .detail =
                "Packs kernel images, each under a NAME, into the multi-image "
                "FILE. An IMAGE is a\nbzImage or an ELF kernel; its vmlinux "
                "(linked with --emit-relocs) lets the packer\nfind what the "
                "images share. The table of backends says on which platforms a "
                "NAME\nboots. Every variant is rebuilt and compared before FILE "
                "appears.",
        .options = options,
        .least = 0,
        .most = MULTI_IMAGE_MAX_VARIANTS,
        .run = run,
};
