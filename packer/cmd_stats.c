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

#define TOP_ROWS 20 /* memberships and sections shown without --all */

struct stats_options {
        bool all;
        bool json;
};

static const struct option_row options[] = {
        { .name = "all",
          .letter = 'a',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct stats_options, all),
          .help = "show every membership and section, not the largest 20" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct stats_options, json),
          .help = "print JSON (docs/json.md); holds every row" },
        { 0 },
};

static int compare_packed(const struct share *a, const struct share *b)
{
        return a->packed < b->packed ? 1 : a->packed > b->packed ? -1 : 0;
}

static int compare_memberships(const void *a, const void *b)
{
        const struct membership_share *x = a, *y = b;
        int order = compare_packed(&x->share, &y->share);

        return order ? order
                     : (x->members > y->members) - (x->members < y->members);
}

static int compare_sections(const void *a, const void *b)
{
        const struct section_share *x = a, *y = b;
        int order = compare_packed(&x->share, &y->share);

        return order ? order : strcmp(x->name, y->name);
}

static const char *variant_name(const struct store *store, uint32_t index)
{
        return (const char *)store->mi.variants[index].name;
}

/* "native+kvm", or "all" */
static void members_text(const struct store *store, uint32_t members,
                         char *text, size_t room)
{
        uint32_t count = store->mi.variant_count;
        size_t at = 0;

        *text = '\0';
        if (count > 1 &&
            members == (count == 32 ? UINT32_MAX : (1u << count) - 1)) {
                snprintf(text, room, "all");
                return;
        }
        for (uint32_t i = 0; i < count && at < room; i++)
                if (members >> i & 1)
                        at += (size_t)snprintf(text + at, room - at, "%s%s",
                                               at ? "+" : "",
                                               variant_name(store, i));
}

static void add_share_json(struct json_object *o, const struct share *s)
{
        json_add_number(o, "packed_size", (uint64_t)(s->packed + 0.5));
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
        }
}

static void add_memberships_json(struct json_object *array,
                                 const struct store *store,
                                 const struct account *a)
{
        for (uint32_t i = 0; i < a->membership_count; i++) {
                const struct membership_share *m = &a->memberships[i];
                struct json_object *o = json_append_object(array);
                struct json_object *names = json_add_array(o, "variants");

                for (uint32_t v = 0; v < store->mi.variant_count; v++)
                        if (m->members >> v & 1)
                                json_object_array_add(
                                        names, json_object_new_string(
                                                       variant_name(store, v)));
                json_add_number(o, "entries", m->share.entries);
                add_share_json(o, &m->share);
        }
}

static int print_json(const struct store *store, const struct account *a)
{
        struct json_object *root = json_object_new_object(), *array, *o;

        json_add_string(root, "file", store->path);
        json_add_number(root, "file_size", store->size);
        json_add_number(root, "stub_size", a->stub_size);
        json_add_number(root, "tables_size", a->tables_size);
        add_share_json(json_add_object(root, "common"), &a->common);
        add_variants_json(json_add_array(root, "variants"), store, a);
        add_memberships_json(json_add_array(root, "memberships"), store, a);
        array = json_add_array(root, "sections");
        for (uint32_t i = 0; i < a->section_count; i++) {
                o = json_append_object(array);
                json_add_string(o, "name", a->sections[i].name);
                json_add_number(o, "entries", a->sections[i].share.entries);
                add_share_json(o, &a->sections[i].share);
        }
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
        printf("  %11.0f  %5.1f %%  %12" PRIu64 "  %s\n", s->packed,
               100 * s->packed / (double)file_size, s->raw, name);
}

static void print_exact(const char *name, uint64_t size, size_t file_size)
{
        struct share s = { .packed = (double)size, .raw = size };

        print_row(name, &s, file_size);
}

static void print_head(const char *what)
{
        printf("\n  %11s  %7s  %12s  %s\n", "bytes", "of file", "unpacked",
               what);
}

static void print_variants(const struct store *store, const struct account *a)
{
        print_head("variant: what it alone holds (its marginal cost)");
        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                print_row(variant_name(store, i), &a->alone[i], store->size);
        print_head("variant: all that it holds");
        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                print_row(variant_name(store, i), &a->held[i], store->size);
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

static void print_memberships(const struct store *store,
                              const struct account *a, uint32_t limit)
{
        struct share rest = { 0 };
        char text[256];
        uint32_t i;

        print_head("membership");
        for (i = 0; i < a->membership_count && i < limit; i++) {
                members_text(store, a->memberships[i].members, text,
                             sizeof(text));
                print_row(text, &a->memberships[i].share, store->size);
        }
        for (uint32_t j = i; j < a->membership_count; j++) {
                rest.packed += a->memberships[j].share.packed;
                rest.raw += a->memberships[j].share.raw;
        }
        print_rest(a->membership_count - i, &rest, store->size);
        print_row("(common: names of symbols, palettes, sections)", &a->common,
                  store->size);
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
        for (uint32_t j = i; j < a->section_count; j++) {
                rest.packed += a->sections[j].share.packed;
                rest.raw += a->sections[j].share.raw;
        }
        print_rest(a->section_count - i, &rest, store->size);
}

static int print_text(const struct store *store, const struct account *a,
                      bool all)
{
        uint32_t limit = all ? UINT32_MAX : TOP_ROWS;
        uint64_t sum = 0;

        for (uint32_t i = 0; i < store->mi.variant_count; i++)
                sum += get_le64(store->mi.variants[i].image_size);
        printf("%s: %zu bytes, %.3f of its images' %" PRIu64 "\n", store->path,
               store->size, (double)store->size / (double)sum, sum);
        print_variants(store, a);
        print_memberships(store, a, limit);
        print_sections(store, a, limit);
        print_head("stream");
        for (unsigned i = 0; i < ACCOUNT_STREAM_KINDS; i++)
                if (a->streams[i].raw)
                        print_row(stream_name(i), &a->streams[i], store->size);
        print_exact("(tables: header, variants, rules, chunks)", a->tables_size,
                    store->size);
        print_exact("(stub, frame, padding)", a->stub_size, store->size);
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
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
        err = store_open(files.items[0], &store, &message);
        free(files.items);
        if (err)
                return report_failure(err, message);
        err = account_make(&store, &account, &message);
        if (err) {
                store_close(&store);
                return report_failure(err, message);
        }
        qsort(account.memberships, account.membership_count,
              sizeof(*account.memberships), compare_memberships);
        qsort(account.sections, account.section_count,
              sizeof(*account.sections), compare_sections);
        err = values.json ? print_json(&store, &account)
                          : print_text(&store, &account, values.all);
        account_free(&account);
        store_close(&store);
        return err;
}

const struct command command_stats = {
        .name = "stats",
        .arguments = "FILE",
        .summary = "show where the bytes of a multi-image go",
        .detail =
                "Shows where the bytes of the multi-image FILE go: by "
                "variant, by membership (which\nvariants hold it), by section "
                "of the kernel, by stream. Streams' sizes are exact;\nthe "
                "others share each compressed chunk out by unpacked bytes.",
        .options = options,
        .least = 1,
        .most = 1,
        .run = run,
};
