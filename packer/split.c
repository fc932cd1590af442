/* SPDX-License-Identifier: MIT */
/*
 * Cuts the regions of an image (regions.c) into fragments.  A region is cut
 *
 *   - where whole pages of one value begin and end: the frame folds them;
 *   - at every symbol, and at the end of a symbol that has a size;
 *   - in tables of records, at every record, among the names of exported symbols
 *     at each of these;
 *   - what has no symbol: into strings where it reads as such, else where
 *     something points to; without any symbols, by content.
 *
 * A fragment runs to the start of the next, so padding belongs to what it
 * follows.  Linker-made labels (__start_…, _etext) get empty fragments of their
 * own, since what follows a label is not the same in each variant.
 *
 * Each fragment gets a key, a name that is the same in every variant: symbol
 * and source file, a string's own bytes, the place behind a named one.  Keys
 * only help to find counterparts: whether two are equal is decided by content.
 */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split-parts.h"

/* Padding longer than this is not taken for part of what it follows. */
#define MAX_PADDING 64

/* Tables that the stub derives, by the symbol in front of them. */
static const struct {
        const char *name;
        uint8_t kind;
} derived_symbols[] = {
        { "kallsyms_offsets", ENTRY_SYMBOL_OFFSETS },
        { "kallsyms_names", ENTRY_SYMBOL_NAMES },
        { "kallsyms_markers", ENTRY_SYMBOL_MARKERS },
        { "kallsyms_seqs_of_names", ENTRY_SYMBOL_SEQS },
};

/* ---- fragments ---------------------------------------------------------- */

struct fragment *split_add(struct splitter *s, uint32_t region, uint8_t kind,
                           uint32_t key, uint64_t offset, uint64_t size)
{
        const struct region *r = &s->v->regions.at[region];
        struct fragment *f = VECTOR_ADD(&s->v->fragments);

        *f = (struct fragment){
                .kind = kind,
                .region = region,
                .key = key,
                .name = key,
                .number = 1,
                .addr = r->flags & SECTION_LOADED ? r->addr + offset : 0,
                .size = size,
                .bytes = r->bytes ? r->bytes + offset : NULL,
        };
        return f;
}

void split_add_pieces(struct splitter *s, uint32_t region, uint32_t key,
                       uint64_t start, uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        uint64_t piece;
        uint32_t n = 0;

        if (r->part == PART_NONE) {
                split_add(s, region, ENTRY_NOBITS, key, start, end - start);
                return;
        }
        for (; start < end; start += piece, n++) {
                piece = end - start < MULTI_IMAGE_MAX_BODY ?
                                end - start :
                                MULTI_IMAGE_MAX_BODY;
                split_add(s, region, ENTRY_BODY,
                    n ? intern_format(s->names, "%s~%u",
                                      interned(s->names, key, NULL), n) :
                        key,
                    start, piece);
        }
}

static void add_named(struct splitter *s, uint32_t region, uint32_t key,
                      uint64_t start, uint64_t end)
{
        s->last_key = key;
        s->behind = 0;
        if (start == end)
                split_add(s, region, s->v->regions.at[region].part == PART_NONE ?
                                       ENTRY_NOBITS :
                                       ENTRY_BODY,
                    key, start, 0);
        else
                split_add_pieces(s, region, key, start, end);
}

/* ---- with symbols ------------------------------------------------------- */

static bool is_padding(const struct region *r, uint64_t start, uint64_t end)
{
        uint64_t i;

        if (end - start > MAX_PADDING)
                return false;
        if (r->flags & SECTION_CODE || !r->bytes)
                return true;
        for (i = start; i < end; i++)
                if (r->bytes[i])
                        return false;
        return true;
}

/* A static symbol's number differs from build to build: foo.123 is foo. */
static int stem_size(const char *name)
{
        size_t n = strlen(name);
        size_t digits = n;

        while (digits && isdigit((unsigned char)name[digits - 1]))
                digits--;
        return (int)(digits > 1 && digits < n && name[digits - 1] == '.' ?
                             digits - 1 :
                             n);
}

static uint32_t symbol_key(struct splitter *s, uint32_t symbol)
{
        const struct linked_symbol *y = &s->linked->symbols[symbol];

        if (y->binding != STB_LOCAL)
                return intern_format(s->names, "%s", y->name);
        return intern_format(s->names, "%.*s@%s", stem_size(y->name), y->name,
                             y->file);
}

/* Linker scripts make labels without a type or a size. */
static bool is_label(const struct linked_symbol *y)
{
        return y->type == STT_NOTYPE && !y->size && y->binding == STB_GLOBAL;
}

/* The kind of entry of a derived table that y begins; ENTRY_BODY: none. */
static uint8_t derived_kind(const struct variant *v,
                            const struct linked_symbol *y)
{
        size_t i;

        if (!v->derived.kallsyms)
                return ENTRY_BODY;
        for (i = 0; i < sizeof(derived_symbols) / sizeof(*derived_symbols); i++)
                if (strcmp(derived_symbols[i].name, y->name) == 0)
                        return derived_symbols[i].kind;
        return ENTRY_BODY;
}

/* Of symbols at one address the one that names the fragment: with a size, then
 * global, then the first by name. */
static bool names_better(const struct linked_symbol *a,
                         const struct linked_symbol *b)
{
        if (!a->size != !b->size)
                return a->size;
        if ((a->binding == STB_LOCAL) != (b->binding == STB_LOCAL))
                return a->binding != STB_LOCAL;
        return strcmp(a->name, b->name) < 0;
}

/*
 * An array of nothing but pointers is cut at each: code reaches for a member by
 * its distance from the start, and who has more members in front of it than
 * another (pv_ops is such a one) is to look the same.  Members are called after
 * what they point to, like records.
 */
#define MIN_POINTERS 8

static uint64_t pointer_size(const struct splitter *s)
{
        return s->v->input->image.elf64 ? 8 : 4;
}

static bool is_pointer_array(const struct splitter *s, uint32_t region,
                             uint64_t start, uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        const struct linked *linked = s->linked;
        uint64_t size = pointer_size(s);
        size_t next = linked_first_relocation(linked, r->addr + start);

        if (!r->bytes || r->flags & (SECTION_CODE | SECTION_RECORD) ||
            end - start < MIN_POINTERS * size || (end - start) % size)
                return false;
        for (; start < end; start += size, next++)
                if (next == linked->relocation_count ||
                    linked->relocations[next].offset != r->addr + start ||
                    linked->relocations[next].type !=
                            (size == 8 ? R_X86_64_64 : R_X86_64_32))
                        return false;
        return true;
}

static void add_pointers(struct splitter *s, uint32_t region, uint32_t key,
                         uint64_t start, uint64_t end)
{
        for (; start < end; start += pointer_size(s))
                split_add(s, region, ENTRY_BODY, key, start, pointer_size(s))
                        ->is_pointer = true;
        s->last_key = key;
        s->behind = 0;
}

/* The symbols [first, last) of one address at offset start; the next symbol is
 * at end.  Fragments are made within [start, end) only. */
static void split_at_symbols(struct splitter *s, uint32_t region, size_t first,
                             size_t last, uint64_t start, uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        const struct linked_symbol *y = s->linked->symbols;
        uint32_t best = s->by_value[first];
        uint64_t stop;
        size_t i;

        for (i = first; i < last; i++) {
                uint8_t kind = derived_kind(s->v, &y[s->by_value[i]]);

                if (kind != ENTRY_BODY && start != end) {
                        s->v->symbol_fragment[s->by_value[i]] =
                                (uint32_t)s->v->fragments.count;
                        split_add(s, region, kind, symbol_key(s, s->by_value[i]),
                            start, end - start);
                        return;
                }
        }
        for (i = first + 1; i < last; i++)
                if (names_better(&y[s->by_value[i]], &y[best]))
                        best = s->by_value[i];
        for (i = first; i < last; i++) {
                uint32_t symbol = s->by_value[i];

                if (!is_label(&y[symbol]) ||
                    (symbol == best && r->flags & SECTION_CODE && start != end))
                        continue;
                s->v->symbol_fragment[symbol] = (uint32_t)s->v->fragments.count;
                add_named(s, region, symbol_key(s, symbol), start, start);
        }
        if (is_label(&y[best]) && !(r->flags & SECTION_CODE)) {
                /* Only labels: what follows has no name of its own. */
                if (start != end)
                        split_unnamed(s, region, start, end);
                return;
        }
        stop = y[best].size && y[best].size < end - start ?
                       start + y[best].size :
                       end;
        for (i = first; i < last; i++)
                if (s->v->symbol_fragment[s->by_value[i]] == NONE)
                        s->v->symbol_fragment[s->by_value[i]] =
                                (uint32_t)s->v->fragments.count;
        if (is_pointer_array(s, region, start, stop)) {
                add_pointers(s, region, symbol_key(s, best), start, stop);
        } else {
                if (is_padding(r, stop, end))
                        stop = end;
                add_named(s, region, symbol_key(s, best), start, stop);
        }
        if (stop != end)
                split_unnamed(s, region, stop, end);
}

static size_t first_symbol(const struct splitter *s, uint32_t section,
                           uint64_t value)
{
        size_t low = 0, high = s->symbol_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                const struct linked_symbol *y =
                        &s->linked->symbols[s->by_value[middle]];

                if (y->section < section ||
                    (y->section == section && y->value < value))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* Offsets [start, end) of a section: no folds within. */
static void split_range(struct splitter *s, uint32_t region, uint32_t section,
                        uint64_t start, uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        uint64_t region_end = r->size;
        size_t first;

        if (section == NONE) {
                split_unnamed(s, region, start, end);
                return;
        }
        first = first_symbol(s, section, r->addr + start);
        for (;;) {
                const struct linked_symbol *y = NULL;
                uint64_t at = end;
                size_t last = first;

                if (first < s->symbol_count) {
                        y = &s->linked->symbols[s->by_value[first]];
                        if (y->section == section && y->value - r->addr < end)
                                at = y->value - r->addr;
                        else if (y->section == section && end == region_end &&
                                 y->value - r->addr == end)
                                at = end; /* labels at the section's end */
                        else
                                y = NULL;
                }
                if (at > start)
                        split_unnamed(s, region, start, at);
                if (!y)
                        break;
                while (last < s->symbol_count &&
                       s->linked->symbols[s->by_value[last]].section == section &&
                       s->linked->symbols[s->by_value[last]].value == y->value)
                        last++;
                start = end;
                if (last < s->symbol_count &&
                    s->linked->symbols[s->by_value[last]].section == section &&
                    s->linked->symbols[s->by_value[last]].value - r->addr < end)
                        start = s->linked->symbols[s->by_value[last]].value -
                                r->addr;
                split_at_symbols(s, region, first, last, at, start);
                first = last;
        }
}

/* Regions that are a derived table as a whole. */
static uint8_t whole_kind(const struct variant *v, const char *name)
{
        if (v->derived.orc && strcmp(name, ".orc_unwind_ip") == 0)
                return ENTRY_ORC_IP;
        if (v->derived.orc && strcmp(name, ".orc_unwind") == 0)
                return ENTRY_ORC;
        if (v->derived.slide && strcmp(name, "(slide)") == 0)
                return ENTRY_SLIDE;
        if (v->derived.btf && strcmp(name, ".BTF") == 0)
                return ENTRY_BTF;
        if (v->derived.sites[SITE_RETURN] && strcmp(name, ".return_sites") == 0)
                return ENTRY_SITES + SITE_RETURN;
        if (v->derived.sites[SITE_RETPOLINE] &&
            strcmp(name, ".retpoline_sites") == 0)
                return ENTRY_SITES + SITE_RETPOLINE;
        return ENTRY_BODY;
}

/* A region, cut first at the folds that begin in it.  The last one may reach
 * beyond its end, where the next section does not begin on a page:
 * skip_folded() lets that section begin behind it. */
static void split_region(struct splitter *s, uint32_t region, uint32_t section)
{
        struct region *r = &s->v->regions.at[region];
        uint64_t start = 0;
        size_t i;

        r->fragment_first = (uint32_t)s->v->fragments.count;
        s->last_key = intern_format(s->names, "[%s]", r->name);
        s->behind = 0;
        if (whole_kind(s->v, r->name) != ENTRY_BODY) {
                split_add(s, region, whole_kind(s->v, r->name), s->last_key, 0,
                    r->size);
                r->fragment_count = 1;
                return;
        }
        if (split_export_kind(s, r) != ENTRY_BODY) {
                split_exports(s, region, split_export_kind(s, r));
                r = &s->v->regions.at[region];
                r->fragment_count = (uint32_t)s->v->fragments.count -
                                    r->fragment_first;
                return;
        }
        for (i = 0; i < s->v->pieces.count && r->part == PART_PAYLOAD; i++) {
                const struct run *run = &s->v->pieces.at[i];
                uint64_t from = run->offset - r->payload_offset;
                struct fragment *f;

                if (run->offset < r->payload_offset || from >= r->size)
                        continue;
                if (from > start)
                        split_range(s, region, section, start, from);
                f = split_add(s, region, ENTRY_FOLD,
                        intern_format(s->names, "%s+%u",
                                      interned(s->names, s->last_key, NULL),
                                      ++s->behind),
                        from, run->size);
                f->value = run->value;
                f->bytes = NULL;
                start = from + run->size < r->size ? from + run->size : r->size;
        }
        if (start < r->size && !strcmp(r->name, EXPORT_STRINGS))
                split_strings(s, region, start, r->size); /* whatever cuts them */
        else if (start < r->size || (r->size == 0 && section != NONE))
                split_range(s, region, section, start, r->size);
        r->fragment_count =
                (uint32_t)s->v->fragments.count - r->fragment_first;
}

/* ---- one image ---------------------------------------------------------- */

static const struct linked_symbol *sorted_symbols; /* qsort takes no context */

static int by_section_and_value(const void *a, const void *b)
{
        const struct linked_symbol *x = &sorted_symbols[*(const uint32_t *)a];
        const struct linked_symbol *y = &sorted_symbols[*(const uint32_t *)b];

        if (x->section != y->section)
                return x->section < y->section ? -1 : 1;
        if (x->value != y->value)
                return x->value < y->value ? -1 : 1;
        return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static void sort_symbols(struct splitter *s)
{
        const struct linked *linked = s->linked;
        size_t i;

        s->by_value = allocate(linked->symbol_count, sizeof(*s->by_value));
        for (i = 0; i < linked->symbol_count; i++) {
                const struct linked_symbol *y = &linked->symbols[i];

                if (y->type != STT_FILE && y->type != STT_SECTION &&
                    y->section && y->section < linked->section_count &&
                    linked->sections[y->section].flags & SHF_ALLOC)
                        s->by_value[s->symbol_count++] = (uint32_t)i;
        }
        sorted_symbols = linked->symbols;
        qsort(s->by_value, s->symbol_count, sizeof(*s->by_value),
              by_section_and_value);
}

static int by_u64(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

/* Addresses that relocations refer to: unnamed data is cut there. */
static uint64_t *find_targets(const struct linked *linked, size_t *ret_count)
{
        uint64_t *targets = allocate(linked->relocation_count, sizeof(*targets));
        size_t i, n = 0;

        for (i = 0; i < linked->relocation_count; i++) {
                const struct linked_relocation *r = &linked->relocations[i];

                /* An operand's PC32 counts from 4 bytes on, or a little more:
                 * then it points into data that has a name. */
                if (r->symbol < linked->symbol_count)
                        targets[n++] = linked->symbols[r->symbol].value +
                                       (uint64_t)r->addend +
                                       (r->type == R_X86_64_PC32 ? 4 : 0);
        }
        qsort(targets, n, sizeof(*targets), by_u64);
        for (*ret_count = 0, i = 0; i < n; i++)
                if (!i || targets[i] != targets[i - 1])
                        targets[(*ret_count)++] = targets[i];
        return targets;
}

void variant_split(struct variant *v, struct interner *names)
{
        struct splitter s = { .v = v, .names = names };
        uint64_t *targets = NULL;
        uint32_t i;

        variant_regions(v, names);
        if (v->input->has_linked) {
                s.linked = &v->input->linked;
                sort_symbols(&s);
                targets = find_targets(s.linked, &s.target_count);
                s.targets = targets;
                v->symbol_fragment = allocate(s.linked->symbol_count,
                                              sizeof(*v->symbol_fragment));
                memset(v->symbol_fragment, 0xff,
                       s.linked->symbol_count * sizeof(*v->symbol_fragment));
        }
        for (i = 0; i < v->regions.count; i++)
                split_region(&s, i, v->regions.at[i].linked);
        variant_sort(v);
        free(s.by_value);
        free(targets);
}
