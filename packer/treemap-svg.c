/* SPDX-License-Identifier: MIT */
/*
 * A treemap as an SVG document.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "treemap-parts.h"

/* Pixels, but for the last. */
#define LETTER        6.03 /* width at the labels' size of 10 */
#define LINE          12
#define LEAST_LETTERS 5 /* that tell something of a longer name */

/* Text for XML: names come out of the file, and may hold anything. */
static void put_text(FILE *out, const char *text, size_t size)
{
        for (size_t i = 0; i < size && text[i]; i++)
                switch (text[i]) {
                case '&':
                        fputs("&amp;", out);
                        break;
                case '<':
                        fputs("&lt;", out);
                        break;
                case '>':
                        fputs("&gt;", out);
                        break;
                default:
                        putc(text[i] < ' ' || text[i] > '~' ? '?' : text[i],
                             out);
                }
}

/* "1,234,567" */
static void put_number(FILE *out, uint64_t n)
{
        if (n >= 1000)
                put_number(out, n / 1000);
        fprintf(out, n >= 1000 ? ",%03u" : "%u", (unsigned)(n % 1000));
}

static double percent(const struct treemap *t, uint64_t size)
{
        return 100 * (double)size / (double)t->store->size;
}

static void put_size(const struct treemap *t, uint64_t size)
{
        put_number(t->out, size);
        fprintf(t->out, " bytes (%.2f %%)", percent(t, size));
}

static void put_title(const struct treemap *t, const struct box *b)
{
        fputs("<title>", t->out);
        put_text(t->out, b->name, SIZE_MAX);
        fputs(": ", t->out);
        put_size(t, b->size);
        fputs(", unpacked ", t->out);
        put_number(t->out, b->raw);
        if (b->why) {
                putc('\n', t->out);
                put_text(t->out, b->why, SIZE_MAX);
        }
        fputs("</title>", t->out);
}

static void put_line(const struct treemap *t, double x, double y,
                     const char *text, size_t size, const char *end)
{
        fprintf(t->out, "<text x=\"%.1f\" y=\"%.1f\">", x, y);
        put_text(t->out, text, size);
        fprintf(t->out, "%s</text>\n", end);
}

/* How much of text, which is longer, goes into a line of fits letters: up to
 * the end of a word if that is not near its start. */
static size_t line_size(const char *text, size_t fits)
{
        for (size_t size = fits; size > fits / 2; size--)
                if (strchr("_. +", text[size - 1]))
                        return size;
        return fits;
}

/* As much of text as fits into lines in a box of this size at x, y. */
static void put_label(const struct treemap *t, const struct rectangle *r,
                      const char *text)
{
        double width = (r->width - 5) / LETTER, y = r->y + LINE - 2;
        size_t fits = width > 0 ? (size_t)width : 0, left = strlen(text);

        if (fits < LEAST_LETTERS && fits < left)
                return;
        for (; left && y + 2 <= r->y + r->height; y += LINE) {
                bool is_last = y + 2 + LINE > r->y + r->height;
                size_t size = left;

                if (left > fits)
                        size = is_last ? fits - 1 : line_size(text, fits);
                put_line(t, r->x + 3, y, text, size,
                         is_last && size < left ? "…" : "");
                text += size;
                left -= size;
        }
}

static void put_rectangle(const struct treemap *t, const struct box *b)
{
        const struct rectangle *r = &b->at;

        fprintf(t->out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                "fill=\"%s\">",
                r->x, r->y, r->width, r->height,
                b->colour ? b->colour : "#ffffff");
        put_title(t, b);
        fputs("</rect>\n", t->out);
}

static void put_box(const struct treemap *t, const struct box *b)
{
        const struct rectangle *r = &b->at;

        if (!b->boxes.count || !b->colour)
                put_rectangle(t, b);
        if (treemap_has_strip(b)) {
                struct rectangle strip = { r->x, r->y + 1, r->width, LINE };
                char *text = treemap_format("%s %.1f %%", b->name,
                                            percent(t, b->size));

                put_label(t, &strip, text);
                free(text);
        } else if (!b->boxes.count) {
                put_label(t, r, b->name);
        }
        for (size_t i = 0; i < b->boxes.count; i++)
                put_box(t, &b->boxes.at[i]);
        if (b->colour && b->boxes.count)
                fprintf(t->out,
                        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                        "height=\"%.1f\" class=\"m\"/>\n",
                        r->x, r->y, r->width, r->height);
}

static double put_legend_row(const struct treemap *t, double x,
                             const char *colour, const char *name,
                             uint64_t size)
{
        char *text = treemap_format("%s %.1f %%", name, percent(t, size));
        size_t letters = strlen(text);

        fprintf(t->out,
                "<rect x=\"%.1f\" y=\"29\" width=\"12\" height=\"12\" "
                "fill=\"%s\"/>\n",
                x, colour);
        put_line(t, x + 16, 39, text, letters, "");
        free(text);
        return x + 32 + LETTER * (double)letters;
}

static void put_legend(const struct treemap *t)
{
        const struct account *a = t->account;
        char text[MEMBERS_TEXT_SIZE];
        uint64_t others = 0;
        double x = MARGIN;

        for (size_t i = 0; i < t->legend.count; i++) {
                const struct legend_row *row = &t->legend.at[i];

                if (!strcmp(row->colour, COLOUR_OTHER)) {
                        others += row->size;
                        continue;
                }
                members_text(t->store, row->members, text);
                if (row->size)
                        x = put_legend_row(t, x, row->colour, text, row->size);
        }
        if (others)
                x = put_legend_row(t, x, COLOUR_OTHER, "others", others);
        put_legend_row(t, x, COLOUR_NONE, "of no variant",
                       a->common.packed + a->tables_size + a->stub_size);
}

void treemap_put(const struct treemap *t)
{
        const char *slash = strrchr(t->store->path, '/');

        fprintf(t->out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
                "height=\"%d\" viewBox=\"0 0 %d %d\">\n"
                "<style>rect { stroke: #ffffff; stroke-width: 0.5 }\n"
                ".m { fill: none; stroke: #555555; stroke-width: 1; "
                "pointer-events: none }\n"
                "text { font: 10px \"DejaVu Sans Mono\", monospace; "
                "pointer-events: none }\n"
                ".h { font-size: 14px }</style>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
                "<text x=\"%d\" y=\"19\" class=\"h\">",
                WIDTH, HEIGHT, WIDTH, HEIGHT, MARGIN);
        put_text(t->out, slash ? slash + 1 : t->store->path, SIZE_MAX);
        fputs(": ", t->out);
        put_number(t->out, t->store->size);
        fputs(" bytes by section, variants that hold them, and entry; areas "
              "are packed bytes</text>\n",
              t->out);
        put_legend(t);
        put_box(t, &t->root);
        fputs("</svg>\n", t->out);
}
