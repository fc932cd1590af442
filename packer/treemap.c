/* SPDX-License-Identifier: MIT */
/*
 * A picture of where the bytes of a multi-image go: a treemap, as SVG.
 *
 * The file is a rectangle, divided into its sections, these into memberships,
 * these into entries; areas are packed bytes, but for what a section's name
 * takes of its own.  Each division is a squarified one (Bruls, Huizing, van
 * Wijk: Squarified Treemaps, 2000): boxes go into rows along the shorter side
 * of what is left, as many into a row as make it no worse, which keeps them
 * near to squares.
 *
 * What is too small to be seen is told in one box.  A browser shows the titles
 * of boxes as it is pointed at them.
 */
#include "treemap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH         1600
#define HEIGHT        1000
#define MARGIN        8
#define HEADER        48   /* heading and legend above the map */
#define STRIP         15   /* of a section, for its name */
#define LETTER        6.03 /* width at the labels' size of 10 */
#define LINE          12
#define LEAST_LETTERS 5 /* that tell something of a longer name */

/* Less than these parts of the file are told together. */
#define SMALL_ENTRY   20000
#define SMALL_SECTION 1000

/* Colours that differ to the colour-blind too, light enough for black text
 * (Paul Tol's light scheme).  The first is what all variants share, the others
 * are taken by the largest memberships. */
static const char *const colours[] = { "#77aadd", "#ee8866", "#eedd88",
                                       "#44bb99", "#ffaabb", "#bbcc33",
                                       "#aaaa00", "#99ddff" };
#define COLOUR_COUNT (sizeof(colours) / sizeof(colours[0]))
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

static char *format(const char *text, ...)
        __attribute__((format(printf, 1, 2)));

static char *format(const char *text, ...)
{
        char buffer[2 * REASON_TEXT_SIZE];
        va_list arguments;
        char *copy;

        va_start(arguments, text);
        vsnprintf(buffer, sizeof(buffer), text, arguments);
        va_end(arguments);
        copy = allocate(strlen(buffer) + 1, 1);
        return strcpy(copy, buffer);
}

/* Invalidates pointers to the parent's other boxes. */
static struct box *box_add(struct box *parent, char *name)
{
        struct box *b = VECTOR_ADD(&parent->boxes);

        *b = (struct box){ .name = name };
        return b;
}

static void box_fill(struct box *b, const struct share *s)
{
        b->size += s->packed;
        b->raw += s->raw;
}

static void box_free(struct box *b)
{
        for (size_t i = 0; i < b->boxes.count; i++)
                box_free(&b->boxes.at[i]);
        free(b->boxes.at);
        free(b->name);
        free(b->why);
}

static int compare_boxes(const void *a, const void *b)
{
        const struct box *x = a, *y = b;

        if (!x->rest != !y->rest)
                return x->rest ? 1 : -1;
        return (x->size < y->size) - (x->size > y->size);
}

/* --- The boxes -------------------------------------------------------------- */

static int compare_legend(const void *a, const void *b)
{
        const struct legend_row *x = a, *y = b;

        return (x->size < y->size) - (x->size > y->size);
}

/* The memberships, each set of variants once. */
static void make_legend(struct treemap *t)
{
        const struct account *a = t->account;
        size_t taken = 1;

        for (uint32_t i = 0; i < a->membership_count; i++) {
                const struct membership_share *m = &a->memberships[i];
                size_t n = 0;

                while (n < t->legend.count &&
                       t->legend.at[n].members != m->members)
                        n++;
                if (n == t->legend.count)
                        *VECTOR_ADD(&t->legend) = (struct legend_row){
                                .members = m->members,
                        };
                t->legend.at[n].size += m->share.packed;
        }
        qsort(t->legend.at, t->legend.count, sizeof(*t->legend.at),
              compare_legend);
        for (size_t n = 0; n < t->legend.count; n++) {
                struct legend_row *row = &t->legend.at[n];

                row->colour = COLOUR_OTHER;
                if (row->members == a->everyone)
                        row->colour = colours[0];
                else if (taken < COLOUR_COUNT)
                        row->colour = colours[taken++];
        }
}

/* Boxes for the sections, and in each for the memberships, empty as yet;
 * the small sections have one box.  Returns that box of each section. */
static uint32_t *make_sections(struct treemap *t)
{
        const struct account *a = t->account;
        uint32_t *boxes = allocate(a->section_count, sizeof(*boxes));
        char text[MEMBERS_TEXT_SIZE];

        for (uint32_t i = 0; i < a->section_count; i++) {
                const struct section_share *s = &a->sections[i];
                uint32_t left = a->section_count - i;
                bool is_small =
                        s->share.packed < t->store->size / SMALL_SECTION;
                struct box *b;

                boxes[i] = (uint32_t)t->root.boxes.count;
                b = box_add(&t->root,
                            is_small && left > 1
                                    ? format("%" PRIu32 " sections", left)
                                    : format("%s", s->name));
                for (size_t n = 0; n < t->legend.count; n++) {
                        members_text(t->store, t->legend.at[n].members, text);
                        box_add(b, format("%s", text))->colour =
                                t->legend.at[n].colour;
                }
                for (; is_small && i + 1 < a->section_count; i++)
                        boxes[i + 1] = boxes[i];
        }
        return boxes;
}

static struct box *membership_box(struct treemap *t, const uint32_t *sections,
                                  const struct entry_share *e)
{
        size_t n = 0;

        while (t->legend.at[n].members != e->members)
                n++;
        return &t->root.boxes.at[sections[e->section]].boxes.at[n];
}

static void add_entry(struct treemap *t, struct box *membership,
                      const struct entry_share *e)
{
        const struct account *a = t->account;
        char name[NAME_TEXT_SIZE], why[REASON_TEXT_SIZE];
        struct box *b;

        entry_name(a, e, name);
        entry_reason(a, t->store, e, why);
        b = box_add(membership, format("%s", name));
        b->why = format("%s, %s", a->sections[e->section].name, why);
        b->colour = membership->colour;
        box_fill(b, &e->share);
}

/* Entries come largest first, so the small ones follow all others of their
 * membership. */
static void add_small_entry(struct box *membership, const struct entry_share *e)
{
        size_t count = membership->boxes.count;
        struct box *b = count ? &membership->boxes.at[count - 1] : NULL;

        if (!b || !b->rest) {
                b = box_add(membership, NULL);
                b->colour = membership->colour;
        }
        free(b->name);
        b->name = format("%" PRIu64 " smaller in %s", ++b->rest,
                         membership->name);
        box_fill(b, &e->share);
}

static void add_common(struct treemap *t)
{
        const struct account *a = t->account;
        struct share tables = { .packed = a->tables_size,
                                .raw = a->tables_size };
        struct share stub = { .packed = a->stub_size, .raw = a->stub_size };
        struct box *b = box_add(&t->root, format("common"));

        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++) {
                struct box *stream = box_add(b, format("%s", stream_name(i)));

                stream->colour = COLOUR_NONE;
                box_fill(stream, &a->common_streams[i]);
        }
        b = box_add(b, format("tables: header, variants, rules, chunks"));
        b->colour = COLOUR_NONE;
        box_fill(b, &tables);
        b = box_add(&t->root, format("stub, frame, padding"));
        b->colour = COLOUR_NONE;
        box_fill(b, &stub);
}

/* Sizes from the innermost boxes outwards; drops what is empty. */
static void sum_up(struct box *b)
{
        size_t kept = 0;

        for (size_t i = 0; i < b->boxes.count; i++) {
                struct box *inner = &b->boxes.at[i];

                sum_up(inner);
                b->size += inner->size;
                b->raw += inner->raw;
                if (inner->size)
                        b->boxes.at[kept++] = *inner;
                else
                        box_free(inner);
        }
        b->boxes.count = kept;
        if (kept)
                qsort(b->boxes.at, kept, sizeof(*b->boxes.at), compare_boxes);
}

static void make_boxes(struct treemap *t)
{
        const struct account *a = t->account;
        uint32_t *sections;

        make_legend(t);
        sections = make_sections(t);
        for (size_t i = 0; i < a->entries.count; i++) {
                const struct entry_share *e = &a->entries.at[a->largest[i]];

                if (e->share.packed < t->store->size / SMALL_ENTRY)
                        add_small_entry(membership_box(t, sections, e), e);
                else
                        add_entry(t, membership_box(t, sections, e), e);
        }
        free(sections);
        add_common(t);
        sum_up(&t->root);
}

/* --- Their places ----------------------------------------------------------- */

static double ratio(double a, double b)
{
        return a > b ? a / b : b / a;
}

/* The worst side ratio of count boxes in a row along side; area: of a byte. */
static double row_ratio(const struct box *boxes, size_t count, double area,
                        double side)
{
        double sum = 0, worst = 1;

        for (size_t i = 0; i < count; i++)
                sum += (double)boxes[i].size * area;
        for (size_t i = 0; i < count; i++) {
                double r = ratio((double)boxes[i].size * area / (sum / side),
                                 sum / side);

                worst = r > worst ? r : worst;
        }
        return worst;
}

/* Places count boxes as a row; *r is what is left. */
static void place_row(struct box *boxes, size_t count, double area,
                      struct rectangle *r)
{
        bool is_column = r->width >= r->height;
        double sum = 0, along = 0, depth;

        for (size_t i = 0; i < count; i++)
                sum += (double)boxes[i].size * area;
        depth = sum / (is_column ? r->height : r->width);
        for (size_t i = 0; i < count; i++) {
                double length = (double)boxes[i].size * area / depth;

                boxes[i].at = is_column
                                      ? (struct rectangle){ r->x, r->y + along,
                                                            depth, length }
                                      : (struct rectangle){ r->x + along, r->y,
                                                            length, depth };
                along += length;
        }
        if (is_column) {
                r->x += depth;
                r->width -= depth;
        } else {
                r->y += depth;
                r->height -= depth;
        }
}

static bool has_strip(const struct box *b)
{
        return !b->colour && b->at.height > 3 * STRIP &&
               b->at.width > 3 * STRIP;
}

/* Places what is in b. */
static void place_boxes(struct box *b)
{
        struct rectangle r = b->at;
        double area;

        if (has_strip(b)) {
                r = (struct rectangle){ r.x + 2, r.y + STRIP, r.width - 4,
                                        r.height - STRIP - 2 };
        }
        area = r.width * r.height / (double)b->size;
        for (size_t i = 0, n; i < b->boxes.count; i += n) {
                struct box *row = b->boxes.at + i;
                double side = r.width < r.height ? r.width : r.height;
                double worst = row_ratio(row, 1, area, side);

                for (n = 1; i + n < b->boxes.count; n++) {
                        double next = row_ratio(row, n + 1, area, side);

                        if (next > worst)
                                break;
                        worst = next;
                }
                place_row(row, n, area, &r);
        }
        for (size_t i = 0; i < b->boxes.count; i++)
                place_boxes(&b->boxes.at[i]);
}

/* --- The document ----------------------------------------------------------- */

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
        if (has_strip(b)) {
                struct rectangle strip = { r->x, r->y + 1, r->width, LINE };
                char *text = format("%s %.1f %%", b->name, percent(t, b->size));

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
        char *text = format("%s %.1f %%", name, percent(t, size));
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

static void put_document(const struct treemap *t)
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

void treemap_make(const struct store *store, const struct account *a,
                  char **ret_text, size_t *ret_size)
{
        struct treemap t = { .store = store, .account = a };

        t.out = open_memstream(ret_text, ret_size);
        t.root.name = format("file");
        t.root.colour = COLOUR_NONE;
        t.root.at = (struct rectangle){ MARGIN, HEADER, WIDTH - 2 * MARGIN,
                                        HEIGHT - HEADER - MARGIN };
        make_boxes(&t);
        place_boxes(&t.root);
        put_document(&t);
        fclose(t.out);
        box_free(&t.root);
        free(t.legend.at);
}
