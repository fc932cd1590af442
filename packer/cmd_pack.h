/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `ingot pack` share.
 */
#ifndef PACKER_CMD_PACK_H
#define PACKER_CMD_PACK_H

#include "options.h"
#include "pack.h"
#include "store.h"
#include "table.h"

/* Values of the command line; NULL or 0 where an option was not given. */
struct pack_command_options {
        const char *output;
        const char *codec;
        const char *aim;
        const char *default_name;
        const char *table;
        const char *from;
        unsigned threads;
        bool multiboot;
        bool bare;
        bool json;
        bool quiet;
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
        bool without_32; /* the codec has no 32-bit stub, which ELF kernels
                          * would need for most entries */
        struct store written; /* the file, opened again */
};

/* Each returns 0, or an exit code after telling what is wrong. */

/* Names and paths, from the command line or from the table. */
int collect_inputs(struct packing *p, const struct string_list *texts);
int choose_default(struct packing *p);
int make_rules(struct packing *p);
/* Reads images and linked kernels. */
int read_inputs(struct packing *p);

/* Does work for each input, on several threads, each with an outcome of its
 * own, and tells of the first that failed. */
int for_each_input(struct packing *p,
                   void (*work)(void *packing, size_t index));

void inputs_free(struct packing *p);

#endif
