/* SPDX-License-Identifier: MIT */
/*
 * The steps of linked_read(), for each other.
 */
#ifndef PACKER_LINKED_PARTS_H
#define PACKER_LINKED_PARTS_H

#include <libelf.h>

#include "image.h"

/* Everything that one call works on. */
struct linker_output {
        struct linked *linked;
        const struct image *image;
        Elf *elf;
        char **ret_message;
};

/* "FILE: PLACE: fault and values", as EXIT_BAD_INPUT */
int linked_bad(struct linker_output *o, const char *place, const char *format,
               ...) __attribute__((format(printf, 3, 4)));

int linked_out_of_memory(struct linker_output *o);

/* The bytes of section index, which must be as many as its header says;
 * NULL after a failure, whose message is set. */
Elf_Data *linked_section_data(struct linker_output *o, size_t index);

/* An address as image.h has them. */
uint64_t linked_addr(const struct linker_output *o, uint64_t addr);

/* Section headers, and the comparison of their bytes with the payload's. */
int linked_read_sections(struct linker_output *o);
int linked_compare_sections(struct linker_output *o);

void linked_sort_relocations(struct linked *l);

/* Appends the relocations of every allocated section, and sorts them. */
int linked_read_relocations(struct linker_output *o);

#endif
