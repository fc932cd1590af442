/* SPDX-License-Identifier: MIT */
/*
 * The boxes of a treemap, which treemap.c makes and places and treemap-svg.c
 * draws.
 */
#ifndef PACKER_TREEMAP_PARTS_H
#define PACKER_TREEMAP_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "treemap.h"
#include "vector.h"

/* Pixels. */
#define WIDTH  1600
#define HEIGHT 1000
#define MARGIN 8
#define HEADER 48 /* heading and legend above the map */
#define STRIP  15 /* of a section, for its name */

#define COLOUR_OTHER "#bbbbbb" /* further memberships */
#define COLOUR_NONE  "#dddddd" /* belongs to no membership */

struct rectangle {
        double x, y, width, height;
};

struct box {
        char *name;
        char *why; /* more for the title; or NULL */
        uint64_t size, raw;
        const char *colour; /* NULL: it has a frame and a strip */
        uint64_t rest;      /* entries that are told together: such a box comes
                             * last, though it may be large */
        VECTOR(struct box) boxes;
        struct rectangle at;
};

/* A set of variants over all sections, with its colour. */
struct legend_row {
        uint32_t members;
        uint64_t size;
        const char *colour;
};

struct treemap {
        const struct store *store;
        const struct account *account;
        VECTOR(struct legend_row) legend; /* largest first */
        struct box root;
        FILE *out;
};

/* As printf() does, to be freed. */
char *treemap_format(const char *text, ...)
        __attribute__((format(printf, 1, 2)));

/* Whether there is room for b's name above what is in it. */
bool treemap_has_strip(const struct box *b);

/* Writes the document to t->out. */
void treemap_put(const struct treemap *t);

#endif
