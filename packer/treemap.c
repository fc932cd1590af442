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
#include "treemap-parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

char *treemap_format(const char *text, ...)
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
                b = box_add(
                        &t->root,
                        is_small && left > 1
                                ? treemap_format("%" PRIu32 " sections", left)
                                : treemap_format("%s", s->name));
                for (size_t n = 0; n < t->legend.count; n++) {
                        members_text(t->store, t->legend.at[n].members, text);
                        box_add(b, treemap_format("%s", text))->colour =
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
        b = box_add(membership, treemap_format("%s", name));
        b->why = treemap_format("%s, %s", a->sections[e->section].name, why);
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
        b->name = treemap_format("%" PRIu64 " smaller in %s", ++b->rest,
                                 membership->name);
        box_fill(b, &e->share);
}

static void add_common(struct treemap *t)
{
        const struct account *a = t->account;
        struct share tables = { .packed = a->tables_size,
                                .raw = a->tables_size };
        struct share stub = { .packed = a->stub_size, .raw = a->stub_size };
        struct box *b = box_add(&t->root, treemap_format("common"));

        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++) {
                struct box *stream =
                        box_add(b, treemap_format("%s", stream_name(i)));

                stream->colour = COLOUR_NONE;
                box_fill(stream, &a->common_streams[i]);
        }
        b = box_add(b,
                    treemap_format("tables: header, variants, rules, chunks"));
        b->colour = COLOUR_NONE;
        box_fill(b, &tables);
        b = box_add(&t->root, treemap_format("stub, frame, padding"));
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

bool treemap_has_strip(const struct box *b)
{
        return !b->colour && b->at.height > 3 * STRIP &&
               b->at.width > 3 * STRIP;
}

/* Places what is in b. */
static void place_boxes(struct box *b)
{
        struct rectangle r = b->at;
        double area;

        if (treemap_has_strip(b)) {
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

void treemap_make(const struct store *store, const struct account *a,
                  char **ret_text, size_t *ret_size)
{
        struct treemap t = { .store = store, .account = a };

        t.out = open_memstream(ret_text, ret_size);
        t.root.name = treemap_format("file");
        t.root.colour = COLOUR_NONE;
        t.root.at = (struct rectangle){ MARGIN, HEADER, WIDTH - 2 * MARGIN,
                                        HEIGHT - HEADER - MARGIN };
        make_boxes(&t);
        place_boxes(&t.root);
        treemap_put(&t);
        fclose(t.out);
        box_free(&t.root);
        free(t.legend.at);
}
