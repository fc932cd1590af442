/* SPDX-License-Identifier: MIT */
/*
 * ingot detect: what this machine is, which variant of a multi-image would
 * boot here, and which one did.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "machine-live.h"
#include "message.h"
#include "store.h"
#include "table.h"

#define COMMAND_LINE_SIZE 8192 /* Linux cuts at 2048 bytes on x86 */

struct detect_options {
        const char *platform;
        const char *command_line;
        bool json;
};

static const struct option_row options[] = {
        { .name = "platform",
          .kind = OPTION_STRING,
          .offset = offsetof(struct detect_options, platform),
          .argument = "NAME[@vN]",
          .help = "answer for this platform, with a processor of level N, "
                  "instead of this machine" },
        { .name = "cmdline",
          .kind = OPTION_STRING,
          .offset = offsetof(struct detect_options, command_line),
          .argument = "FILE",
          .help = "kernel command line, instead of /proc/cmdline" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct detect_options, json),
          .help = "print JSON (docs/json.md)" },
        { 0 },
};

/* What the stub wrote into the running kernel's command line. */
struct booted {
        char text[COMMAND_LINE_SIZE];
        const char *variant; /* NULL: not booted from a multi-image */
        const char *reason;
};

struct answer {
        struct seen seen;
        char evidence[64];
        struct booted booted;
        const char *file;               /* NULL: none was asked about */
        struct variant_info variant;    /* that would boot from it */
        const struct format_rule *rule; /* NULL: the default */
};

static int look_at_machine(const struct command *command, const char *platform,
                           struct answer *answer)
{
        struct machine machine;
        unsigned asked;

        if (!platform) {
                machine_live(&machine);
                platform_detect(&machine, &answer->seen);
                platform_evidence(&answer->seen, answer->evidence,
                                  sizeof(answer->evidence));
                return 0;
        }
        if (!table_read_platform(platform, &asked, &answer->seen.level))
                return usage_error(command,
                                   "--platform: there is no platform '%s'",
                                   platform);
        answer->seen.platform = asked;
        answer->seen.platforms = platform_rules(asked);
        if (!answer->seen.level)
                answer->seen.level = 1;
        strcpy(answer->evidence, "as asked");
        return 0;
}

/* Words behind "--" are init's, not the kernel's. */
static int read_command_line(const char *path, struct booted *booted,
                             char **ret_message)
{
        FILE *f = fopen(path, "re");
        char *save = NULL, *word;
        size_t size;

        if (!f)
                return fail_errno(ret_message, path, "open");
        size = fread(booted->text, 1, sizeof(booted->text) - 1, f);
        if (ferror(f)) {
                fclose(f);
                return fail_errno(ret_message, path, "read");
        }
        fclose(f);
        booted->text[size] = '\0';
        for (word = strtok_r(booted->text, " \t\n", &save);
             word && strcmp(word, "--");
             word = strtok_r(NULL, " \t\n", &save)) {
                if (!strncmp(word, "ingot.variant=", 14))
                        booted->variant = word + 14;
                if (!strncmp(word, "ingot.reason=", 13))
                        booted->reason = word + 13;
        }
        return 0;
}

static int ask_file(const char *path, struct answer *answer,
                    struct store *store, char **ret_message)
{
        int err = store_open(path, store, ret_message);
        int rule;

        if (err)
                return err;
        answer->file = path;
        multi_image_variant(
                &store->mi,
                multi_image_choose(&store->mi, answer->seen.platforms,
                                   answer->seen.level, UINT32_MAX, &rule),
                &answer->variant);
        answer->rule = rule < 0 ? NULL : &store->mi.rules[rule];
        return 0;
}

static int print_json(const struct answer *a)
{
        struct json_object *root = json_object_new_object(), *o;

        json_add_string(root, "platform", platform_name(a->seen.platform));
        json_add_string(root, "evidence", a->evidence);
        json_add_string(root, "level", level_name(a->seen.level));
        json_add_string(root, "signature",
                        a->seen.signature[0] ? a->seen.signature : NULL);
        json_add_string(root, "file", a->file);
        json_add_string(root, "variant", a->file ? a->variant.name : NULL);
        if (a->rule) {
                o = json_add_object(root, "rule");
                json_add_string(o, "platform",
                                platform_name(a->rule->platform));
                json_add_string(o, "level",
                                a->rule->level ? level_name(a->rule->level)
                                               : NULL);
                json_add_number(o, "priority", get_le32(a->rule->priority));
        } else {
                json_add_string(root, "rule", NULL);
        }
        if (a->booted.variant) {
                o = json_add_object(root, "booted");
                json_add_string(o, "variant", a->booted.variant);
                json_add_string(o, "reason", a->booted.reason);
        } else {
                json_add_string(root, "booted", NULL);
        }
        return json_print(root);
}

static int print_text(const struct answer *a)
{
        printf("machine: %s (%s), %s\n", platform_name(a->seen.platform),
               a->evidence, level_name(a->seen.level));
        if (a->file && a->rule)
                printf("%s would boot: %s (rule: %s%s%s, priority %" PRIu32
                       ")\n",
                       a->file, a->variant.name,
                       platform_name(a->rule->platform),
                       a->rule->level ? ", " : "",
                       a->rule->level ? level_name(a->rule->level) : "",
                       get_le32(a->rule->priority));
        else if (a->file)
                printf("%s would boot: %s (no rule matches: default)\n",
                       a->file, a->variant.name);
        if (a->booted.variant)
                printf("booted: %s (reason: %s)\n", a->booted.variant,
                       a->booted.reason ? a->booted.reason : "not told");
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct detect_options values = { .command_line = "/proc/cmdline" };
        struct string_list files = { 0 };
        struct answer answer = { 0 };
        struct store store = { 0 };
        char *message;
        int err;

        if (options_parse(command, argc, argv, &values, &files, &err))
                return err;
        err = look_at_machine(command, values.platform, &answer);
        if (!err) {
                err = read_command_line(values.command_line, &answer.booted,
                                        &message);
                if (!err && files.count)
                        err = ask_file(files.items[0], &answer, &store,
                                       &message);
                if (err)
                        report_failure(err, message);
        }
        if (!err)
                err = values.json ? print_json(&answer) : print_text(&answer);
        store_close(&store);
        free(files.items);
        return err;
}

const struct command command_detect = {
        .name = "detect",
        .arguments = "[FILE]",
        .summary = "tell what this machine is, and what FILE would boot on it",
        .detail =
                "Looks at this machine with the code of the stub. Of a "
                "multi-image FILE it tells\nwhich variant would boot here; of "
                "a running kernel that came out of a multi-image,\nwhich "
                "variant it is and why.",
        .options = options,
        .least = 0,
        .most = 1,
        .run = run,
};
