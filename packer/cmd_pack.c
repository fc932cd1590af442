/* SPDX-License-Identifier: MIT */
/*
 * ingot pack: images in, one multi-image out.
 *
 *   inputs    from the command line, or from the table of backends
 *   rules     from the table, for the variants that it names
 *             (both in cmd_pack_inputs.c)
 *   pack      pack.c: the store
 *   compose   compose.c: stub and store as one bootable file
 *   check     the file opened again as a reader does, every variant compared
 *             with its input
 *   write     whole or not at all
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_pack.h"
#include "commands.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "parallel.h"
#include "progress.h"

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
          .help = "deflate (default), xz or zstd" },
        { .name = "for",
          .letter = 'F',
          .kind = OPTION_STRING,
          AT(aim),
          .argument = "AIM",
          .help = "speed: a variant does not unpack what only others hold "
                  "(default with deflate), or size: the smallest file "
                  "(default with xz and zstd)" },
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
        { .name = "multiboot",
          .letter = 'm',
          .kind = OPTION_FLAG,
          AT(multiboot),
          .help = "let multiboot loaders enter Linux variants as well; "
                  "a file with ELF kernels has that anyway" },
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
        { "zstd", CODEC_ZSTD },
};

static int choose_codec(struct packing *p)
{
        const char *name = p->values.codec ? p->values.codec : codecs[0].name;

        for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
                if (!strcmp(codecs[i].name, name)) {
                        p->options.codec = codecs[i].id;
                        return 0;
                }
        return usage_error(p->in.command,
                           "--codec: '%s' is not deflate, xz or zstd", name);
}

static int check_multiboot(struct packing *p)
{
        for (size_t i = 0; p->values.multiboot && multi_image_codecs[i]; i++)
                if (multi_image_codecs[i]->id == p->options.codec &&
                    !compose_has_32(multi_image_codecs[i]))
                        return usage_error(
                                p->in.command,
                                "--multiboot: there is no 32-bit stub with %s",
                                multi_image_codecs[i]->name);
        return 0;
}

/* Who chooses deflate wants a fast boot; with others it is slower anyway. */
static int choose_aim(struct packing *p)
{
        const char *name = p->values.aim;
        bool is_fast = p->options.codec == CODEC_DEFLATE;

        if (name && strcmp(name, "size") && strcmp(name, "speed"))
                return usage_error(p->in.command,
                                   "--for: '%s' is not size or speed", name);
        if (name)
                is_fast = !strcmp(name, "speed");
        p->options.aim = is_fast ? AIM_SPEED : AIM_SIZE;
        return 0;
}

/* The bytes of an input that its variant must give back. */
static bool equals_input(const struct pack_input *input,
                         const struct rebuilt *r)
{
        const struct image *image = &input->image;
        size_t setup = r->info.setup_size;

        if (variant_is_elf(&r->info))
                return setup == image->setup_size &&
                       r->size - setup == image->unpacked_size &&
                       !memcmp(r->data, image->data, setup) &&
                       !memcmp(r->data + setup, image->payload,
                               image->unpacked_size);
        return r->size == image->size && !memcmp(r->data, image->data, r->size);
}

static void check_input(void *context, size_t i)
{
        struct packing *p = context;
        struct outcome *o = &p->in.outcomes[i];
        struct rebuilt r;

        o->code = store_rebuild(&p->written, (uint32_t)i, &r, &o->message);
        if (o->code) {
                o->code = EXIT_DIFFERS;
                return;
        }
        if (!equals_input(&p->in.inputs[i], &r))
                o->code =
                        fail(&o->message, EXIT_DIFFERS,
                             "%s: variant %s: rebuilt bytes differ from %s",
                             p->values.output, p->in.names[i], p->in.images[i]);
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
        err = inputs_for_each(&p->in, check_input, p);
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
        for (uint32_t i = 0; i < p->in.count; i++) {
                const struct image *image = &p->in.inputs[i].image;

                multi_image_variant(&mi, i, &info);
                fault = compose_add_variant(
                        &input, &info, image->setup_size ? image->data : NULL);
                if (fault)
                        return fail(ret_message, EXIT_BAD_INPUT,
                                    "%s: variant %s: %s", p->in.images[i],
                                    p->in.names[i], compose_strerror(fault));
        }
        input.store = p->store;
        input.store_size = p->store_size;
        for (size_t i = 0; multi_image_codecs[i]; i++)
                if (multi_image_codecs[i]->id == p->options.codec)
                        input.codec = multi_image_codecs[i];
        input.in_32 |= p->values.multiboot;
        p->without_32 = input.in_32 && !compose_has_32(input.codec);
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
        err = pack(p->in.inputs, p->in.count, &p->options, &p->store,
                   &p->store_size, &p->report, &message);
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

        for (size_t i = 0; i < p->in.count; i++) {
                const struct image *image = &p->in.inputs[i].image;

                sum += image->size;
                printf("%-12s %11zu  %s", p->in.names[i], image->size,
                       storage(&p->in.inputs[i]));
                if (image->payload_codec && !image->stored)
                        printf(" (%s unpacked to %zu bytes)",
                               image->payload_codec, image->unpacked_size);
                printf(", vmlinux: %s", yes(p->in.vmlinuxes[i]));
                if (p->in.inputs[i].has_linked)
                        printf(", tables: orc %s, kallsyms %s, kaslr %s, sites %s, btf %s, exports %s",
                               yes(p->report.orc[i]),
                               yes(p->report.kallsyms[i]),
                               yes(p->report.slide[i]), yes(p->report.sites[i]),
                               yes(p->report.btf[i]), yes(p->report.exports[i]));
                putchar('\n');
        }
        printf("%s: %zu bytes, %.3f of its images' %" PRIu64 " (%" PRIu64
               " fragments, %" PRIu64 " versions)\n",
               p->values.output, p->file_size,
               (double)p->file_size / (double)sum, sum,
               p->report.fragment_count, p->report.version_count);
        if (p->without_32)
                printf("there is no 32-bit stub with %s: only PVH and Xen enter "
                       "the ELF kernels\n",
                       codec_name(p->options.codec));
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int print_json(const struct packing *p)
{
        struct json_object *root = json_object_new_object(), *array;

        json_add_string(root, "file", p->values.output);
        json_add_number(root, "file_size", p->file_size);
        json_add_number(root, "store_size", p->store_size);
        json_add_string(root, "codec", codec_name(p->options.codec));
        json_add_string(root, "default",
                        p->in.names[p->options.default_variant]);
        json_add_number(root, "fragments", p->report.fragment_count);
        json_add_number(root, "versions", p->report.version_count);
        array = json_add_array(root, "variants");
        for (size_t i = 0; i < p->in.count; i++) {
                const struct pack_input *input = &p->in.inputs[i];
                struct json_object *o = json_append_object(array);

                json_add_string(o, "name", p->in.names[i]);
                json_add_string(o, "image", p->in.images[i]);
                json_add_string(o, "vmlinux", p->in.vmlinuxes[i]);
                json_add_number(o, "image_size", input->image.size);
                json_add_number(o, "payload_size", input->image.unpacked_size);
                json_add_string(o, "payload_codec", input->image.payload_codec);
                json_add_bool(o, "wrapped_anew",
                              input->image.kind == IMAGE_BZIMAGE &&
                                      !input->image.stored);
                json_add_bool(o, "orc_modelled", p->report.orc[i]);
                json_add_bool(o, "kallsyms_modelled", p->report.kallsyms[i]);
                json_add_bool(o, "kaslr_modelled", p->report.slide[i]);
                json_add_bool(o, "sites_modelled", p->report.sites[i]);
                json_add_bool(o, "btf_modelled", p->report.btf[i]);
                json_add_bool(o, "exports_modelled", p->report.exports[i]);
        }
        return json_print(root);
}

static void packing_free(struct packing *p)
{
        inputs_free(&p->in);
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
                return usage_error(p->in.command, "--output FILE is missing");
        if (p->values.json && !strcmp(p->values.output, "-"))
                return usage_error(p->in.command,
                                   "--json and --output - would mix up");
        p->options.threads =
                p->values.threads ? p->values.threads : processor_count();
        p->in.threads = p->options.threads;
        err = table_read(p->values.table, &p->table, &message);
        if (err)
                return report_failure(err, message);
        if ((err = choose_codec(p)) || (err = check_multiboot(p)) ||
            (err = choose_aim(p)) || (err = collect_inputs(p, texts)) ||
            (err = choose_default(p)) || (err = make_rules(p)) ||
            (err = inputs_read(&p->in)) || (err = make_file(p)))
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
        p->in.command = command;
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
