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
                if ((err = inputs_add(&p->in, strdup(b->name), image, vmlinux)))
                        return err;
        }
        if (p->in.count == 0) {
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
                return usage_error(p->in.command,
                                   "--from and NAME=IMAGE exclude each other");
        if (!p->values.from && !texts->count)
                return usage_error(p->in.command,
                                   "give NAME=IMAGE, or --from DIR");
        if (p->values.from)
                return inputs_from_table(p);
        for (size_t i = 0; i < texts->count && !err; i++)
                err = inputs_parse(&p->in, texts->items[i]);
        return err;
}

int choose_default(struct packing *p)
{
        for (size_t i = 0; i < p->in.count; i++) {
                const struct backend *b = table_find(&p->table, p->in.names[i]);

                if (p->values.default_name
                            ? !strcmp(p->in.names[i], p->values.default_name)
                            : b && b->role == BACKEND_DEFAULT) {
                        p->options.default_variant = (uint32_t)i;
                        return 0;
                }
        }
        if (p->values.default_name)
                return usage_error(p->in.command,
                                   "--default: there is no variant '%s'",
                                   p->values.default_name);
        return usage_error(p->in.command,
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
                        return usage_error(p->in.command, "more than %d rules",
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
        for (size_t i = 0; i < p->in.count; i++) {
                const struct backend *b = table_find(&p->table, p->in.names[i]);

                for (unsigned j = 0; b && j < LEVEL_COUNT && !err; j++)
                        err = add_rules(p, (uint32_t)i, b, j);
        }
        return err;
}
