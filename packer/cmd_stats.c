/* SPDX-License-Identifier: MIT */
/*
 * ingot stats: where the bytes of a multi-image go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "commands.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "treemap.h"

#define TOP_ROWS 20 /* without --rows */

struct stats_options {
        unsigned rows;
        bool all;
        const char *svg;
        bool json;
};

static const struct option_row options[] = {
        { .name = "rows",
          .letter = 'n',
          .kind = OPTION_NUMBER,
          .offset = offsetof(struct stats_options, rows),
          .argument = "N",
          .help = "show the N largest memberships, sections and entries "
                  "(default: 20)" },
        { .name = "all",
          .letter = 'a',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct stats_options, all),
          .help = "show all of them" },
        { .name = "svg",
          .kind = OPTION_STRING,
          .offset = offsetof(struct stats_options, svg),
          .argument = "OUT",
          .help = "write a picture of the file to OUT instead, a treemap for "
                  "browsers; - for standard output" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct stats_options, json),
          .help = "print JSON (docs/json.md)" },
        { 0 },
};

static const char *variant_name(const struct store *store, uint32_t index)
{
        return (const char *)store->mi.variants[index].name;
}

static void add_share_json(struct json_object *o, const struct share *s)
{
        json_add_number(o, "packed_size", s->packed);
        json_add_number(o, "raw_size", s->raw);
}

static void add_variants_json(struct json_object *array,
                              const struct store *store,
                              const struct account *a)
{
        for (uint32_t i = 0; i < store->mi.variant_count; i++) {
                struct json_object *o = json_append_object(array);

                json_add_string(o, "name", variant_name(store, i));
                json_add_number(o, "image_size",
                                get_le64(store->mi.variants[i].image_size));
                add_share_json(json_add_object(o, "alone"), &a->alone[i]);
                add_share_json(json_add_object(o, "held"), &a->held[i]);
                add_share_json(json_add_object(o, "read"), &a->read[i]);
        }
}

static void add_names_json(struct json_object *names,
                           const struct store *store, uint32_t members)
{
        for (uint32_t v = 0; v < store->mi.variant_count; v++)
                if (members >> v & 1)
                        json_object_array_add(
                                names, json_object_new_string(
                                               variant_name(store, v)));
}

static void add_memberships_json(struct json_object *array,
                                 const struct store *store,
                                 const struct account *a)
{
        for (uint32_t i = 0; i < a->membership_count; i++) {
                const struct membership_share *m = &a->memberships[i];
                struct json_object *o = json_append_object(array);

                add_names_json(json_add_array(o, "variants"), store,
                               m->members);
                json_add_number(o, "entries", m->share.entries);
                add_share_json(o, &m->share);
        }
}

static void add_entries_json(struct json_object *array,
                             const struct store *store,
                             const struct account *a, uint32_t limit)
{
        char name[NAME_TEXT_SIZE], why[REASON_TEXT_SIZE];

        for (size_t i = 0; i < a->entries.count && limit; i++) {
                const struct entry_share *e = &a->entries.at[a->largest[i]];
                struct json_object *o;

                if (e->reason == REASON_NONE)
                        continue;
                limit--;
                o = json_append_object(array);
                entry_name(a, e, name);
                json_add_string(o, "name", name);
                json_add_string(o, "section", a->sections[e->section].name);
                json_add_number(o, "number", e->number);
                add_names_json(json_add_array(o, "variants"), store,
                               e->members);
                json_add_string(o, "reason", reason_name(e->reason));
                entry_reason(a, store, e, why);
                json_add_string(o, "why", why);
                json_add_number(o, "size", e->size);
                add_share_json(o, &e->share);
        }
}

static int print_json(const struct store *store, const struct account *a,
                      uint32_t limit)
{
        struct json_object *root = json_object_new_object(), *array, *o;

        json_add_string(root, "file", store->path);
        json_add_number(root, "file_size", store->size);
        json_add_number(root, "stub_size", a->stub_size);
        json_add_number(root, "tables_size", a->tables_size);
        add_share_json(json_add_object(root, "common"), &a->common);
        add_variants_json(json_add_array(root, "variants"), store, a);
        add_share_json(json_add_object(root, "several"), &a->several);
        add_memberships_json(json_add_array(root, "memberships"), store, a);
        array = json_add_array(root, "sections");
        for (uint32_t i = 0; i < a->section_count; i++) {
                o = json_append_object(array);
                json_add_string(o, "name", a->sections[i].name);
                json_add_number(o, "entries", a->sections[i].share.entries);
                add_share_json(o, &a->sections[i].share);
        }
        array = json_add_array(root, "reasons");
        for (unsigned i = 0; i < REASON_COUNT; i++) {
                o = json_append_object(array);
                json_add_string(o, "name", reason_name(i));
                json_add_number(o, "entries", a->reasons[i].entries);
                add_share_json(o, &a->reasons[i]);
        }
        add_entries_json(json_add_array(root, "entries"), store, a, limit);
        array = json_add_array(root, "streams");
        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++) {
                o = json_append_object(array);
                json_add_string(o, "name", stream_name(i));
                json_add_number(o, "chunks", a->streams[i].entries);
                add_share_json(o, &a->streams[i]);
        }
        return json_print(root);
}

static void print_row(const char *name, const struct share *s, size_t file_size)
{
        printf("  %11" PRIu64 "  %5.1f %%  %12" PRIu64 "  %s\n", s->packed,
               100 * (double)s->packed / (double)file_size, s->raw, name);
}

static void print_head(const char *what)
{
        printf("\n  %11s  %7s  %12s  %s\n", "bytes", "of file", "unpacked",
               what);
}

/* The rows behind the largest ones, in one. */
static void print_rest(uint32_t count, const struct share *rest,
                       size_t file_size)
{
        char name[40];

        snprintf(name, sizeof(name), "(%" PRIu32 " more)", count);
        if (count)
                print_row(name, rest, file_size);
}

/* What belongs to no stream. */
static void print_frame(const struct store *store, const struct account *a)
{
        struct share tables = { .packed = a->tables_size,
                                .raw = a->tables_size };
        struct share stub = { .packed = a->stub_size, .raw = a->stub_size };

        print_row("(tables: header, variants, rules, chunks)", &tables,
                  store->size);
        print_row("(stub, frame, padding)", &stub, store->size);
}

/* What belongs to no entry, so that the table's rows are the whole file. */
static void print_remainder(const struct store *store, const struct account *a)
{
        print_row("(common: names of symbols, palettes, sections)", &a->common,
                  store->size);
        print_frame(store, a);
}

static void print_variants(const struct store *store, const struct account *a)
{
        print_head("variant: what it alone holds (its marginal cost)");
        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                print_row(variant_name(store, i), &a->alone[i], store->size);
        print_row("(held by more than one)", &a->several, store->size);
        print_remainder(store, a);
        print_head("variant: all that it holds");
        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                print_row(variant_name(store, i), &a->held[i], store->size);
        print_head("variant: streams that are unpacked to rebuild it");
        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                print_row(variant_name(store, i), &a->read[i], store->size);
}

static void print_memberships(const struct store *store,
                              const struct account *a, uint32_t limit)
{
        struct share rest = { 0 };
        char text[MEMBERS_TEXT_SIZE];
        uint32_t i;

        print_head("membership");
        for (i = 0; i < a->membership_count && i < limit; i++) {
                members_text(store, a->memberships[i].members, text);
                print_row(text, &a->memberships[i].share, store->size);
        }
        for (uint32_t j = i; j < a->membership_count; j++)
                share_add(&rest, &a->memberships[j].share);
        print_rest(a->membership_count - i, &rest, store->size);
        print_remainder(store, a);
}

static void print_sections(const struct store *store, const struct account *a,
                           uint32_t limit)
{
        struct share rest = { 0 };
        uint32_t i;

        print_head("section");
        for (i = 0; i < a->section_count && i < limit; i++)
                print_row(a->sections[i].name, &a->sections[i].share,
                          store->size);
        for (uint32_t j = i; j < a->section_count; j++)
                share_add(&rest, &a->sections[j].share);
        print_rest(a->section_count - i, &rest, store->size);
        print_remainder(store, a);
}

static void print_reasons(const struct store *store, const struct account *a)
{
        print_head("shared, or why not");
        for (unsigned i = 0; i < REASON_COUNT; i++)
                if (a->reasons[i].entries)
                        print_row(reason_name(i), &a->reasons[i], store->size);
        print_remainder(store, a);
}

/* What is stored in several versions, or is not in all variants. */
static void print_entries(const struct store *store, const struct account *a,
                          uint32_t limit)
{
        char name[NAME_TEXT_SIZE], why[REASON_TEXT_SIZE];
        char text[NAME_TEXT_SIZE + REASON_TEXT_SIZE + 2];
        struct share rest = { 0 };

        print_head("not shared by all (bytes: as shares of compressed chunks)");
        for (size_t i = 0; i < a->entries.count; i++) {
                const struct entry_share *e = &a->entries.at[a->largest[i]];

                if (e->reason == REASON_NONE)
                        continue;
                if (!limit) {
                        share_add(&rest, &e->share);
                        continue;
                }
                limit--;
                entry_name(a, e, name);
                entry_reason(a, store, e, why);
                snprintf(text, sizeof(text), "%-32s  %s", name, why);
                print_row(text, &e->share, store->size);
        }
        print_rest((uint32_t)rest.entries, &rest, store->size);
        print_row("(shared by all)", &a->reasons[REASON_NONE], store->size);
        print_remainder(store, a);
}

static void print_streams(const struct store *store, const struct account *a)
{
        print_head("stream");
        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++)
                if (a->streams[i].raw)
                        print_row(stream_name(i), &a->streams[i], store->size);
        print_frame(store, a);
}

static int print_text(const struct store *store, const struct account *a,
                      uint32_t limit)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                sum += get_le64(store->mi.variants[i].image_size);
        printf("%s: %zu bytes, %.3f of its images' %" PRIu64 "\n", store->path,
               store->size, (double)store->size / (double)sum, sum);
        print_variants(store, a);
        print_memberships(store, a, limit);
        print_sections(store, a, limit);
        print_reasons(store, a);
        print_entries(store, a, limit);
        print_streams(store, a);
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int write_picture(const struct store *store, const struct account *a,
                         const char *path)
{
        char *text, *message;
        size_t size;
        int err;

        treemap_make(store, a, &text, &size);
        err = output_write(path, (const uint8_t *)text, size, &message);
        free(text);
        return err ? report_failure(err, message) : EXIT_FINE;
}

static int show(const struct store *store, const struct account *a,
                const struct stats_options *values)
{
        uint32_t limit = values->rows ? values->rows : TOP_ROWS;
        int err = EXIT_FINE;

        if (values->all)
                limit = UINT32_MAX;
        if (values->svg)
                err = write_picture(store, a, values->svg);
        if (err || (values->svg && !values->json))
                return err;
        return values->json ? print_json(store, a, limit)
                            : print_text(store, a, limit);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct stats_options values = { 0 };
        struct string_list files = { 0 };
        struct account account;
        struct store store;
        char *message;
        int err;

        if (options_parse(command, argc, argv, &values, &files, &err))
                return err;
        if (values.rows && values.all)
                err = usage_error(command, "--rows and --all contradict");
        else if (values.json && values.svg && !strcmp(values.svg, "-"))
                err = usage_error(command, "--json and --svg - would mix up");
        else if ((err = store_open(files.items[0], &store, &message)))
                report_failure(err, message);
        else {
                err = account_make(&store, &account, &message);
                if (err) {
                        report_failure(err, message);
                } else {
                        err = show(&store, &account, &values);
                        account_free(&account);
                }
                store_close(&store);
        }
        free(files.items);
        return err;
}

const struct command command_stats = {
        .name = "stats",
        .arguments = "FILE",
        .summary = "show where the bytes of a multi-image go",
        .detail =
                "Shows where the bytes of the multi-image FILE go: by "
                "variant, by membership (which\nvariants hold it), by section "
                "of the kernel, by what could not be shared and why, by\n"
                "stream. Streams' sizes are exact; the others share each "
                "compressed chunk out by\nunpacked bytes. But for what each "
                "variant holds and reads, each table's bytes add up to\nthe "
                "file's size.",
        .options = options,
        .least = 1,
        .most = 1,
        .run = run,
};
