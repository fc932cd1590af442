/* SPDX-License-Identifier: MIT */
/* Strings that name symbols, and which symbols are exported; private to the stage
 * (strings.c, exports.c) and to those who count what it reads. */
#ifndef STUB_MULTI_IMAGE_EXPORTS_H
#define STUB_MULTI_IMAGE_EXPORTS_H

#include "unpack.h"

struct string_reader {
        struct reader *text, *symbols;
        uint32_t symbol; /* behind the last one named */
};

/* A byte, or the name of a symbol with its NUL. */
struct string_piece {
        const uint8_t *text;
        uint32_t size;
        const struct symbol_name *symbol; /* or NULL */
        uint8_t byte;
};

int string_next(struct string_reader *s, const struct unpacker *u,
                struct string_piece *ret);

struct export_reader {
        struct reader *told, *places;
        struct slot_place space; /* of the last export */
        uint32_t slot;           /* told last */
};

/* What a byte tells of a string. */
struct export_telling {
        uint8_t told;     /* EXPORT_... */
        uint32_t tail;    /* bytes of the string in front of the name */
        uint32_t members; /* in these variants */
        struct slot_place value, space;
};

/* symbol: that the string was told by, or NULL. */
int export_next(struct export_reader *r, const struct symbol_name *symbol,
                struct export_telling *ret);

/* An exported symbol of this variant. */
struct export {
        struct slot_place value, space;
        uint32_t string; /* address of its name */
        uint8_t table;
};

/* Those of this variant. */
struct exports {
        struct export_reader reader;
        bool is_told; /* of each string */
        struct export *at;
        struct symbol *names; /* to be sorted */
        uint32_t count, max;
};

int exports_open(struct unpacker *u, struct exports *ret);
/* What is told of the string of size bytes at addr; text: where it is, or NULL. */
int export_take(struct unpacker *u, struct exports *e,
                const struct symbol_name *symbol, const uint8_t *text,
                uint32_t addr, uint32_t size);
int exports_derive(struct unpacker *u, struct exports *e);

#endif
