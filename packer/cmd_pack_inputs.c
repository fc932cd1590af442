/* SPDX-License-Identifier: MIT */
/*
 * ingot pack: which images go in, under which names, by which rules they boot.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_pack.h"
#include "message.h"
#include "parallel.h"
#include "progress.h"

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

int collect_inputs(struct packing *p, const struct string_list *texts)
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

int choose_default(struct packing *p)
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

/* A backend's rules for one level of processors. */
static int add_rules(struct packing *p, uint32_t variant,
                     const struct backend *b, unsigned level)
{
        for (unsigned i = 0; i < PLATFORM_COUNT; i++) {
                if (!(b->platforms[level] >> i & 1))
                        continue;
                if (p->options.rule_count == MULTI_IMAGE_MAX_RULES)
                        return usage_error(p->command, "more than %d rules",
                                           MULTI_IMAGE_MAX_RULES);
                p->rules[p->options.rule_count++] = (struct pack_rule){
                        .platform = i,
                        .level = level,
                        .variant = variant,
                        .priority = b->priority,
                };
        }
        return 0;
}

int make_rules(struct packing *p)
{
        int err = 0;

        p->options.rules = p->rules;
        for (size_t i = 0; i < p->count; i++) {
                const struct backend *b = table_find(&p->table, p->names[i]);

                for (unsigned j = 0; b && j < LEVEL_COUNT && !err; j++)
                        err = add_rules(p, (uint32_t)i, b, j);
        }
        return err;
}

static void read_input(void *context, size_t i)
{
        struct packing *p = context;
        struct pack_input *input = &p->inputs[i];
        struct outcome *o = &p->outcomes[i];

        o->code = image_read(p->images[i], &input->image, &o->message);
        input->name = p->names[i];
        if (o->code)
                return;
        if (!p->vmlinuxes[i]) {
                input->has_linked =
                        linked_from_payload(&input->image, &input->linked);
                return;
        }
        o->code = linked_read(p->vmlinuxes[i], &input->image, &input->linked,
                              &o->message);
        input->has_linked = !o->code;
}

int for_each_input(struct packing *p, void (*work)(void *, size_t))
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

int read_inputs(struct packing *p)
{
        progress_show("reading", 0, 0);
        return for_each_input(p, read_input);
}

void inputs_free(struct packing *p)
{
        for (size_t i = 0; i < p->count; i++) {
                image_free(&p->inputs[i].image);
                if (p->inputs[i].has_linked)
                        linked_free(&p->inputs[i].linked);
                free(p->names[i]);
                free(p->images[i]);
                free(p->vmlinuxes[i]);
        }
}
