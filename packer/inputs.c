/* SPDX-License-Identifier: MIT */
/*
 * Images under names: names and paths from the command line, then the files.
 */
#define _GNU_SOURCE
#include "inputs.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "parallel.h"
#include "progress.h"

int inputs_add(struct input_set *set, char *name, char *image, char *vmlinux)
{
        size_t i = set->count;

        if (!name || !image || i == MULTI_IMAGE_MAX_VARIANTS) {
                free(name);
                free(image);
                free(vmlinux);
                if (i == MULTI_IMAGE_MAX_VARIANTS)
                        return usage_error(set->command,
                                           "more than %d variants",
                                           MULTI_IMAGE_MAX_VARIANTS);
                return report_failure(EXIT_IO, NULL);
        }
        set->names[i] = name;
        set->images[i] = image;
        set->vmlinuxes[i] = vmlinux;
        set->count++;
        return 0;
}

/* NAME=IMAGE[,vmlinux=ELF] */
int inputs_parse(struct input_set *set, const char *text)
{
        static const char key[] = ",vmlinux=";
        const char *equals = strchr(text, '=');
        const char *vmlinux = strstr(text, key);
        size_t name_size = equals ? (size_t)(equals - text) : 0;

        if (!equals || name_size == 0 || name_size >= MULTI_IMAGE_NAME_SIZE ||
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789-_.") != name_size)
                return usage_error(set->command,
                                   "'%s' is not NAME=IMAGE[,vmlinux=ELF] with "
                                   "a NAME of 1 to 31 letters, digits, - _ .",
                                   text);
        for (size_t i = 0; i < set->count; i++)
                if (strlen(set->names[i]) == name_size &&
                    !memcmp(set->names[i], text, name_size))
                        return usage_error(set->command, "two variants '%s'",
                                           set->names[i]);
        if (!vmlinux)
                return inputs_add(set, strndup(text, name_size),
                                  strdup(equals + 1), NULL);
        return inputs_add(set, strndup(text, name_size),
                          strndup(equals + 1, (size_t)(vmlinux - equals - 1)),
                          strdup(vmlinux + strlen(key)));
}

static void read_input(void *context, size_t i)
{
        struct input_set *set = context;
        struct pack_input *input = &set->inputs[i];
        struct outcome *o = &set->outcomes[i];

        input->name = set->names[i];
        if (!input->image.data)
                o->code =
                        image_read(set->images[i], &input->image, &o->message);
        if (o->code)
                return;
        if (!set->vmlinuxes[i]) {
                input->has_linked =
                        linked_from_payload(&input->image, &input->linked);
                return;
        }
        o->code = linked_read(set->vmlinuxes[i], &input->image, &input->linked,
                              &o->message);
        input->has_linked = !o->code;
}

int inputs_for_each(struct input_set *set,
                    void (*work)(void *context, size_t index), void *context)
{
        int code = 0;

        parallel(set->threads, set->count, work, context);
        for (size_t i = 0; i < set->count; i++) {
                struct outcome *o = &set->outcomes[i];

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

int inputs_read(struct input_set *set)
{
        progress_show("reading", 0, 0);
        return inputs_for_each(set, read_input, set);
}

void inputs_free(struct input_set *set)
{
        for (size_t i = 0; i < set->count; i++) {
                image_free(&set->inputs[i].image);
                if (set->inputs[i].has_linked)
                        linked_free(&set->inputs[i].linked);
                free(set->names[i]);
                free(set->images[i]);
                free(set->vmlinuxes[i]);
        }
}
