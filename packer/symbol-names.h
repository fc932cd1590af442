/* SPDX-License-Identifier: MIT */
/* The names of symbols, which the store has anyway. */
#ifndef PACKER_SYMBOL_NAMES_H
#define PACKER_SYMBOL_NAMES_H

#include "encode.h"

struct symbol_names;

/* The names of m's symbols, without their types; m and names are used until
 * symbol_names_free(). */
struct symbol_names *symbol_names_new(const struct master *m,
                                      const struct interner *names);
void symbol_names_free(struct symbol_names *s);
/* The number of the first symbol with this name (size: bytes of text), or
 * NONE. */
uint32_t symbol_names_find(struct symbol_names *s, const char *text, size_t size);
/* That of the next one with the same name, or NONE. */
uint32_t symbol_names_next(const struct symbol_names *s, uint32_t symbol);

/* Bytes up to the next NUL, that included, or to the end. */
uint32_t string_size(const uint8_t *bytes, uint32_t size);
/* Whether most of size bytes are such names, each with a NUL behind it, and none
 * is STRING_SYMBOL. */
bool strings_are_names(struct symbol_names *s, const uint8_t *bytes, uint32_t size);

#endif
