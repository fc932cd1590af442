/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `ingot pack` share.
 */
#ifndef PACKER_CMD_PACK_H
#define PACKER_CMD_PACK_H

#include "inputs.h"
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

/* Everything that one run of the command holds. */
struct packing {
        struct pack_command_options values;
        struct backend_table table;
        struct input_set in;
        struct pack_rule rules[MULTI_IMAGE_MAX_RULES];
        struct pack_options options;
        struct pack_report report;
        uint8_t *store;
        size_t store_size;
        uint8_t *file;
        size_t file_size;
        bool without_32;      /* the codec has no 32-bit stub, which ELF kernels
                          * would need for most entries */
        struct store written; /* the file, opened again */
};

/* Each returns 0, or an exit code after telling what is wrong. */

/* Names and paths, from the command line or from the table. */
int collect_inputs(struct packing *p, const struct string_list *texts);
int choose_default(struct packing *p);
int make_rules(struct packing *p);

#endif
