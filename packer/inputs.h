/* SPDX-License-Identifier: MIT */
/*
 * Images under names, as the command line gives them: NAME=IMAGE[,vmlinux=ELF].
 */
#ifndef PACKER_INPUTS_H
#define PACKER_INPUTS_H

#include "options.h"
#include "pack.h"

/* What became of one input's step. */
struct outcome {
        int code; /* exit code; 0: well */
        char *message;
};

struct input_set {
        const struct command *command; /* that usage errors are about */
        char *names[MULTI_IMAGE_MAX_VARIANTS];
        char *images[MULTI_IMAGE_MAX_VARIANTS];
        char *vmlinuxes[MULTI_IMAGE_MAX_VARIANTS]; /* NULL: none */
        size_t count;
        unsigned threads;
        struct pack_input inputs[MULTI_IMAGE_MAX_VARIANTS];
        struct outcome outcomes[MULTI_IMAGE_MAX_VARIANTS];
};

/* Each returns 0, or an exit code after telling what is wrong. */

/* One more; takes the strings over, of which vmlinux may be NULL. */
int inputs_add(struct input_set *set, char *name, char *image, char *vmlinux);
/* Out of NAME=IMAGE[,vmlinux=ELF]. */
int inputs_parse(struct input_set *set, const char *text);
/* Reads images and linked kernels; images that are there already are kept. */
int inputs_read(struct input_set *set);

/* Does work for each input, on several threads, each with an outcome of its own
 * (set->outcomes[index]), and tells of the first that failed. */
int inputs_for_each(struct input_set *set,
                    void (*work)(void *context, size_t index), void *context);

void inputs_free(struct input_set *set);

#endif
