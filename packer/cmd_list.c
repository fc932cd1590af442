/* SPDX-License-Identifier: MIT */
/*
 * ingot list: the variants and rules of a multi-image.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "json.h"
#include "message.h"
#include "store.h"
#include "../stub/platform.h"

struct list_options {
        bool json;
};

static const struct option_row options[] = {
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct list_options, json),
          .help = "print JSON (docs/json.md)" },
        { 0 },
};

static const char *const kind_names[] = {
        [VARIANT_BZIMAGE] = "bzimage",
        [VARIANT_ELF] = "elf",
        [VARIANT_ELF_32] = "elf32",
};

static void add_variants(const struct multi_image *mi,
                         struct json_object *array)
{
        for (uint32_t i = 0; i < mi->variant_count; i++) {
                struct json_object *v = json_append_object(array);
                struct variant_info info;

                multi_image_variant(mi, i, &info);
                json_add_string(v, "name", info.name);
                json_add_string(v, "kind", kind_names[info.kind]);
                json_add_number(v, "image_size", info.image_size);
                json_add_number(v, "setup_size", info.setup_size);
                json_add_number(v, "payload_size", info.payload_size);
                json_add_number(v, "init_size", info.init_size);
                json_add_number(v, "work_size", info.work_size);
                json_add_address(v, "load_addr", info.load_addr);
                json_add_number(v, "load_size", info.load_size);
                json_add_address(v, "pvh_entry", info.pvh_entry);
                json_add_address(v, "xen_entry", info.xen_entry);
                json_add_digest(v, "sha256", info.image_digest);
        }
}

static void add_rules(const struct multi_image *mi, struct json_object *array)
{
        for (uint32_t i = 0; i < mi->rule_count; i++) {
                const struct format_rule *rule = &mi->rules[i];
                struct json_object *r = json_append_object(array);
                struct variant_info info;

                multi_image_variant(mi, get_le16(rule->variant), &info);
                json_add_string(r, "platform", platform_name(rule->platform));
                json_add_string(r, "level",
                                rule->level ? level_name(rule->level) : NULL);
                json_add_string(r, "variant", info.name);
                json_add_number(r, "priority", get_le32(rule->priority));
        }
}

static int print_json(const struct store *store)
{
        const struct multi_image *mi = &store->mi;
        struct json_object *root = json_object_new_object();
        struct variant_info info;

        multi_image_variant(mi, mi->default_variant, &info);
        json_add_string(root, "file", store->path);
        json_add_number(root, "file_size", store->size);
        json_add_number(root, "store_size", mi->store_size);
        json_add_number(root, "format_version", get_le32(mi->header->version));
        json_add_string(root, "codec", codec_name(mi->header->codec));
        json_add_string(root, "default", info.name);
        add_variants(mi, json_add_array(root, "variants"));
        add_rules(mi, json_add_array(root, "rules"));
        return json_print(root);
}

/* As the table of backends has it, and the priority. */
static void print_rule(const struct format_rule *rule, const char *before)
{
        printf("%s%s", before, platform_name(rule->platform));
        if (rule->level)
                printf("@v%u", rule->level);
        printf(":%" PRIu32, get_le32(rule->priority));
}

static void print_variant(const struct multi_image *mi, uint32_t index)
{
        char hex[HEX_DIGEST_SIZE];
        struct variant_info info;

        multi_image_variant(mi, index, &info);
        hex_digest(info.image_digest, hex);
        printf("%c %-12s %-8s %11" PRIu64 "  %11" PRIu64 "  %.16s  ",
               index == mi->default_variant ? '*' : ' ', info.name,
               kind_names[info.kind], info.image_size, info.init_size, hex);
        for (uint32_t i = 0, any = 0; i < mi->rule_count; i++)
                if (get_le16(mi->rules[i].variant) == index)
                        print_rule(&mi->rules[i], any++ ? " " : "");
        putchar('\n');
}

static int print_text(const struct store *store)
{
        const struct multi_image *mi = &store->mi;

        printf("%s: %zu bytes, format %" PRIu32 ", %s, store of %zu bytes%s\n",
               store->path, store->size, get_le32(mi->header->version),
               codec_name(mi->header->codec), mi->store_size,
               store->bare ? " without stub" : "");
        printf("  %-12s %-8s %11s  %11s  %-16s  %s\n", "variant", "kind",
               "image", "memory", "sha256", "platform:priority");
        for (uint32_t i = 0; i < mi->variant_count; i++)
                print_variant(mi, i);
        puts("* boots where no rule matches");
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct list_options values = { 0 };
        struct string_list files = { 0 };
        struct store store;
        char *message;
        int err;

        if (options_parse(command, argc, argv, &values, &files, &err))
                return err;
        err = store_open(files.items[0], &store, &message);
        free(files.items);
        if (err)
                return report_failure(err, message);
        err = values.json ? print_json(&store) : print_text(&store);
        store_close(&store);
        return err;
}

const struct command command_list = {
        .name = "list",
        .arguments = "FILE",
        .summary = "show the variants of a multi-image and when each boots",
        .detail = "Shows the variants of the multi-image FILE: size, memory "
                  "and SHA-256 of each\nimage, and the platforms on which the "
                  "stub chooses it, with their priorities.",
        .options = options,
        .least = 1,
        .most = 1,
        .run = run,
};
