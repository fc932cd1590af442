/* SPDX-License-Identifier: MIT */
/*
 * ingot diff: what differs between two variants, function by function, in the
 * manner of the kernel's scripts/bloat-o-meter.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "diff.h"
#include "image-parts.h"
#include "inputs.h"
#include "json.h"
#include "message.h"
#include "parallel.h"
#include "progress.h"
#include "store.h"

#define TOP_ROWS 40 /* without --rows */

struct diff_options {
        struct string_list classes;
        struct string_list vmlinuxes;
        unsigned rows;
        bool all;
        bool data;
        bool json;
};

static const struct option_row options[] = {
        { .name = "class",
          .letter = 'c',
          .kind = OPTION_LIST,
          .offset = offsetof(struct diff_options, classes),
          .argument = "CLASS",
          .help = "list equal, near, different or only (in one of them); "
                  "may be given more than once (default: all but equal)" },
        { .name = "data",
          .letter = 'd',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct diff_options, data),
          .help = "compare objects instead of functions" },
        { .name = "rows",
          .letter = 'n',
          .kind = OPTION_NUMBER,
          .offset = offsetof(struct diff_options, rows),
          .argument = "N",
          .help = "list the N whose size differs most (default: 40)" },
        { .name = "all",
          .letter = 'a',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct diff_options, all),
          .help = "list all of them" },
        { .name = "vmlinux",
          .kind = OPTION_LIST,
          .offset = offsetof(struct diff_options, vmlinuxes),
          .argument = "NAME=ELF",
          .help = "linked kernel of variant NAME of FILE, with symbols" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct diff_options, json),
          .help = "print JSON (docs/json.md)" },
        { 0 },
};

/* One run of the command. */
struct diffing {
        struct diff_options values;
        struct input_set in; /* two */
        bool listed[DIFF_CLASS_COUNT];
        struct diff diff;
};

/* ---- input -------------------------------------------------------------- */

static int choose_classes(struct diffing *d)
{
        const struct string_list *classes = &d->values.classes;

        for (unsigned i = 0; i < DIFF_CLASS_COUNT; i++)
                d->listed[i] = !classes->count && i != DIFF_EQUAL;
        for (size_t i = 0; i < classes->count; i++) {
                bool known = false;

                for (unsigned j = 0; j < DIFF_CLASS_COUNT; j++)
                        if (!strcmp(classes->items[i], diff_class_name(j)))
                                known = d->listed[j] = true;
                if (!known)
                        return usage_error(d->in.command,
                                           "--class: '%s' is not equal, near, "
                                           "different or only",
                                           classes->items[i]);
        }
        return 0;
}

/* VALUE if text is NAME=VALUE with this name, or NULL. */
static const char *value_for(const char *text, const char *name)
{
        size_t size = strlen(name);

        return !strncmp(text, name, size) && text[size] == '=' ? text + size + 1
                                                               : NULL;
}

/* The linked kernel that --vmlinux gives for a variant, or NULL. */
static const char *vmlinux_of(const struct diffing *d, const char *name)
{
        const char *value = NULL;

        for (size_t i = 0; i < d->values.vmlinuxes.count && !value; i++)
                value = value_for(d->values.vmlinuxes.items[i], name);
        return value;
}

static int check_vmlinuxes(const struct diffing *d, const char *a,
                           const char *b)
{
        for (size_t i = 0; i < d->values.vmlinuxes.count; i++) {
                const char *text = d->values.vmlinuxes.items[i];

                if (!value_for(text, a) && !value_for(text, b))
                        return usage_error(
                                d->in.command,
                                "--vmlinux: '%s' is not NAME=ELF with "
                                "a NAME that is compared",
                                text);
        }
        return 0;
}

/* A variant of a multi-image as an input that is read already. */
static int add_variant(struct diffing *d, const struct store *store,
                       const char *name, char **ret_message)
{
        const char *vmlinux = vmlinux_of(d, name);
        struct rebuilt r;
        uint32_t index;
        size_t skip;
        char *path;
        int err;

        if ((err = store_find(store, name, &index, ret_message)) ||
            (err = store_rebuild(store, index, &r, ret_message)))
                return err;
        /* the set-up header kept beside an ELF kernel is no part of it */
        skip = variant_is_elf(&r.info) ? r.info.setup_size : 0;
        memmove(r.data, r.data + skip, r.size - skip);
        if (asprintf(&path, "%s, variant %s", store->path, name) < 0)
                path = NULL;
        err = inputs_add(&d->in, strdup(name), path,
                         vmlinux ? strdup(vmlinux) : NULL);
        if (err) {
                rebuilt_free(&r);
                *ret_message = NULL;
                return err;
        }
        return image_parse(path, r.data, r.size - skip,
                           &d->in.inputs[d->in.count - 1].image, ret_message);
}

static int from_file(struct diffing *d, const struct string_list *texts)
{
        struct store store;
        char *message;
        int err = check_vmlinuxes(d, texts->items[1], texts->items[2]);

        if (err)
                return err;
        if (!strcmp(texts->items[1], texts->items[2]))
                return usage_error(d->in.command,
                                   "'%s' is compared with itself",
                                   texts->items[1]);
        progress_show("rebuilding", 0, 0);
        err = store_open(texts->items[0], &store, &message);
        if (err)
                return report_failure(err, message);
        err = add_variant(d, &store, texts->items[1], &message);
        if (!err)
                err = add_variant(d, &store, texts->items[2], &message);
        store_close(&store);
        return err ? report_failure(err, message) : 0;
}

static int from_images(struct diffing *d, const struct string_list *texts)
{
        int err;

        if (d->values.vmlinuxes.count)
                return usage_error(d->in.command,
                                   "--vmlinux is for variants of FILE: give "
                                   "NAME=IMAGE,vmlinux=ELF");
        if ((err = inputs_parse(&d->in, texts->items[0])) ||
            (err = inputs_parse(&d->in, texts->items[1])))
                return err;
        return 0;
}

/* Functions have no names in a kernel without symbols. */
static int check_symbols(const struct diffing *d)
{
        char *message;
        int err;

        for (size_t i = 0; i < d->in.count; i++) {
                if (d->in.inputs[i].has_linked)
                        continue;
                err = fail(&message, EXIT_BAD_INPUT,
                           "%s: no symbols: it has no kallsyms, and no vmlinux "
                           "was given",
                           d->in.images[i]);
                return report_failure(err, message);
        }
        return 0;
}

/* ---- output ------------------------------------------------------------- */

static const char *things(const struct diffing *d)
{
        return d->values.data ? "objects" : "functions";
}

/* "only native", "near" */
static void class_text(const struct diffing *d, enum diff_class class,
                       char *out, size_t room)
{
        snprintf(out, room, "%s%s%s", diff_class_name(class),
                 class >= DIFF_ONLY_A ? " " : "",
                 class >= DIFF_ONLY_A ? d->in.names[class - DIFF_ONLY_A] : "");
}

#define CLASS_TEXT_SIZE (8 + MULTI_IMAGE_NAME_SIZE)

/* Of the longest class's text. */
static int class_width(const struct diffing *d)
{
        size_t width = strlen(diff_class_name(DIFF_DIFFERENT));

        for (size_t i = 0; i < d->in.count; i++)
                if (strlen("only ") + strlen(d->in.names[i]) > width)
                        width = strlen("only ") + strlen(d->in.names[i]);
        return (int)width;
}

static void print_sums(const struct diffing *d)
{
        struct diff_sum total = { 0 };
        char text[CLASS_TEXT_SIZE];

        printf("%12s %12s %12s %12s\n", things(d), d->in.names[0],
               d->in.names[1], "changed");
        for (unsigned i = 0; i < DIFF_CLASS_COUNT; i++) {
                const struct diff_sum *s = &d->diff.sums[i];

                class_text(d, i, text, sizeof(text));
                printf("%12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
                       "  %s\n",
                       s->items, s->size[0], s->size[1], s->changed, text);
                total.items += s->items;
                total.size[0] += s->size[0];
                total.size[1] += s->size[1];
                total.changed += s->changed;
        }
        printf("%12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
               "  in all, %+.2f %%\n",
               total.items, total.size[0], total.size[1], total.changed,
               total.size[0]
                       ? 100.0 * (double)total.size[1] / (double)total.size[0] -
                                 100.0
                       : 0.0);
}

/* bloat-o-meter's first line. */
static void print_growth(const struct diffing *d)
{
        uint64_t grown = 0, shrunk = 0, up = 0, down = 0;

        for (size_t i = 0; i < d->diff.items.count; i++) {
                const struct diff_item *item = &d->diff.items.at[i];

                if (item->size[1] > item->size[0]) {
                        up += item->size[1] - item->size[0];
                        grown += item->class < DIFF_ONLY_A;
                } else if (item->size[1] < item->size[0]) {
                        down += item->size[0] - item->size[1];
                        shrunk += item->class < DIFF_ONLY_A;
                }
        }
        printf("add/remove: %" PRIu64 "/%" PRIu64 " grow/shrink: %" PRIu64
               "/%" PRIu64 " up/down: %" PRIu64 "/%" PRIu64 " (%+" PRId64 ")\n",
               d->diff.sums[DIFF_ONLY_B].items, d->diff.sums[DIFF_ONLY_A].items,
               grown, shrunk, up, down, (int64_t)(up - down));
}

/* A size, or - where there is none. */
static void print_size(uint64_t size)
{
        if (size)
                printf(" %10" PRIu64, size);
        else
                printf(" %10s", "-");
}

static void print_item(const struct diffing *d, const struct diff_item *item)
{
        char text[CLASS_TEXT_SIZE];

        print_size(item->size[0]);
        print_size(item->size[1]);
        printf(" %+10" PRId64, (int64_t)(item->size[1] - item->size[0]));
        print_size(item->changed);
        class_text(d, item->class, text, sizeof(text));
        printf("  %-*s  %s", class_width(d), text, item->name);
        if (item->number > 1)
                printf(" #%" PRIu32, item->number);
        if (item->is_ambiguous && *item->file)
                printf(" (%s)", item->file);
        else if (item->is_ambiguous)
                printf(" in %s", item->section);
        putchar('\n');
}

static int print_text(const struct diffing *d, uint32_t limit)
{
        uint32_t rows = 0, left_out = 0;

        print_sums(d);
        print_growth(d);
        for (size_t i = 0; i < d->diff.items.count; i++) {
                const struct diff_item *item = &d->diff.items.at[i];

                if (!d->listed[item->class])
                        continue;
                if (rows == limit) {
                        left_out++;
                        continue;
                }
                if (!rows++)
                        printf("\n %10s %10s %10s %10s\n", d->in.names[0],
                               d->in.names[1], "delta", "changed");
                print_item(d, item);
        }
        if (left_out)
                printf("… and %" PRIu32 " more (--rows, --all)\n", left_out);
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static void add_items_json(const struct diffing *d, struct json_object *array,
                           uint32_t limit)
{
        char text[CLASS_TEXT_SIZE];

        for (size_t i = 0; i < d->diff.items.count && limit; i++) {
                const struct diff_item *item = &d->diff.items.at[i];
                struct json_object *o;

                if (!d->listed[item->class])
                        continue;
                limit--;
                class_text(d, item->class, text, sizeof(text));
                o = json_append_object(array);
                json_add_string(o, "name", item->name);
                json_add_string(o, "file", *item->file ? item->file : NULL);
                json_add_string(o, "section", item->section);
                json_add_number(o, "number", item->number);
                json_add_string(o, "class", text);
                json_add_number(o, "size_a", item->size[0]);
                json_add_number(o, "size_b", item->size[1]);
                json_add_number(o, "changed", item->changed);
        }
}

static int print_json(const struct diffing *d, uint32_t limit)
{
        struct json_object *root = json_object_new_object(), *array, *o;
        char text[CLASS_TEXT_SIZE];

        json_add_string(root, "a", d->in.names[0]);
        json_add_string(root, "b", d->in.names[1]);
        json_add_string(root, "what", things(d));
        array = json_add_array(root, "classes");
        for (unsigned i = 0; i < DIFF_CLASS_COUNT; i++) {
                class_text(d, i, text, sizeof(text));
                o = json_append_object(array);
                json_add_string(o, "class", text);
                json_add_number(o, "items", d->diff.sums[i].items);
                json_add_number(o, "size_a", d->diff.sums[i].size[0]);
                json_add_number(o, "size_b", d->diff.sums[i].size[1]);
                json_add_number(o, "changed", d->diff.sums[i].changed);
        }
        add_items_json(d, json_add_array(root, "items"), limit);
        return json_print(root);
}

/* ---- the command -------------------------------------------------------- */

static int show(const struct diffing *d)
{
        uint32_t limit = d->values.all    ? UINT32_MAX
                         : d->values.rows ? d->values.rows
                                          : TOP_ROWS;
        int err = d->values.json ? print_json(d, limit) : print_text(d, limit);

        for (unsigned i = DIFF_NEAR; i < DIFF_CLASS_COUNT && !err; i++)
                if (d->diff.sums[i].items)
                        err = EXIT_DIFFERS;
        return err;
}

static int diff_all(struct diffing *d, const struct string_list *texts)
{
        int err;

        if (d->values.rows && d->values.all)
                return usage_error(d->in.command,
                                   "--rows and --all contradict");
        d->in.threads = processor_count();
        if ((err = choose_classes(d)) ||
            (err = texts->count == 3 ? from_file(d, texts)
                                     : from_images(d, texts)) ||
            (err = inputs_read(&d->in)) || (err = check_symbols(d))) {
                progress_clear();
                return err;
        }
        progress_show("comparing", 0, 0);
        diff_make(d->in.inputs, d->values.data ? DIFF_DATA : DIFF_CODE,
                  &d->diff);
        progress_clear();
        err = show(d);
        diff_free(&d->diff);
        return err;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct diffing *d = calloc(1, sizeof(*d));
        struct string_list texts = { 0 };
        int err;

        if (!d)
                return report_failure(EXIT_IO, NULL);
        d->in.command = command;
        if (!options_parse(command, argc, argv, &d->values, &texts, &err))
                err = diff_all(d, &texts);
        inputs_free(&d->in);
        free(d->values.classes.items);
        free(d->values.vmlinuxes.items);
        free(d);
        free(texts.items);
        return err;
}

const struct command command_diff = {
        .name = "diff",
        .arguments = "FILE A B | A=IMAGE[,vmlinux=ELF] B=IMAGE[,vmlinux=ELF]",
        .summary =
                "show function by function what differs between two variants",
        .detail =
                "Compares two variants A and B of the multi-image FILE, or two "
                "images, function by\nfunction: equal but for where things are; "
                "near (one is told as a patch of the\nother); different; only "
                "in one. The exit status is 1 if anything is not equal.",
        .options = options,
        .least = 2,
        .most = 3,
        .run = run,
};
