/* SPDX-License-Identifier: MIT */
/*
 * Parses a command's arguments by its table of options, and prints --help
 * from the same table.  Options and arguments may be mixed; "--" ends the
 * options.
 */
#include "options.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "progress.h"

#define HELP_COLUMN 26   /* where explanations begin in --help */
#define HELP_WIDTH  80   /* characters of a line there */
#define MAX_NUMBER  1024 /* more threads than any machine that packs kernels */

/* Where one call has come to. */
struct parser {
        const struct command *command;
        int argc;
        char **argv;
        int next; /* argument to look at next */
        void *values;
};

int usage_error(const struct command *command, const char *format, ...)
{
        va_list arguments;

        progress_clear();
        fprintf(stderr, "ingot %s: ", command->name);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, "\nTry 'ingot %s --help'.\n", command->name);
        return EXIT_USAGE;
}

int report_failure(int code, char *message)
{
        progress_clear();
        fprintf(stderr, "ingot: %s\n", message ? message : "out of memory");
        free(message);
        return code;
}

void string_list_add(struct string_list *list, const char *item)
{
        const char **items =
                realloc(list->items, (list->count + 1) * sizeof(*items));

        if (!items) {
                fputs("ingot: out of memory\n", stderr);
                exit(EXIT_IO);
        }
        list->items = items;
        items[list->count++] = item;
}

/* Prints words up to the end of a line, then from column indent on; at: where the
 * first begins. */
static void print_wrapped(const char *text, int at, int indent)
{
        bool is_first = true;

        for (;;) {
                int size = (int)strcspn(text, " \n");

                if (!is_first && at + 1 + size > HELP_WIDTH) {
                        printf("\n%*s", indent, "");
                        at = indent;
                } else if (!is_first) {
                        putchar(' ');
                        at++;
                }
                printf("%.*s", size, text);
                at += size;
                text += size;
                if (!*text)
                        break;
                text++;
                is_first = false;
        }
        putchar('\n');
}

static void print_option(const struct option_row *row)
{
        char left[64];
        int width;

        width = snprintf(
                left, sizeof(left), "  %c%c%s--%s%s%s", row->letter ? '-' : ' ',
                row->letter ? row->letter : ' ', row->letter ? ", " : "  ",
                row->name, row->argument ? " " : "",
                row->argument ? row->argument : "");
        if (width >= HELP_COLUMN)
                printf("%s\n%*s", left, HELP_COLUMN, "");
        else
                printf("%-*s", HELP_COLUMN, left);
        print_wrapped(row->help, HELP_COLUMN, HELP_COLUMN);
}

static const struct option_row help_row = {
        .name = "help",
        .letter = 'h',
        .help = "print this text",
};

static void print_help(const struct command *command)
{
        printf("Usage: ingot %s [OPTION]... %s\n\n", command->name,
               command->arguments);
        print_wrapped(command->detail, 0, 0);
        printf("\nOptions:\n");
        for (const struct option_row *row = command->options; row->name; row++)
                print_option(row);
        print_option(&help_row);
}

static const struct option_row *find_long(const struct command *command,
                                          const char *name, size_t size)
{
        for (const struct option_row *row = command->options; row->name; row++)
                if (strlen(row->name) == size && !memcmp(row->name, name, size))
                        return row;
        return NULL;
}

static const struct option_row *find_short(const struct command *command,
                                           char letter)
{
        for (const struct option_row *row = command->options; row->name; row++)
                if (row->letter == letter)
                        return row;
        return NULL;
}

static int set_number(struct parser *p, const struct option_row *row,
                      const char *value)
{
        char *end;
        unsigned long number = strtoul(value, &end, 10);

        if (*value < '0' || *value > '9' || *end || number < 1 ||
            number > MAX_NUMBER)
                return usage_error(p->command,
                                   "--%s: '%s' is no number from 1 to %d",
                                   row->name, value, MAX_NUMBER);
        *(unsigned *)((uint8_t *)p->values + row->offset) = (unsigned)number;
        return 0;
}

/* value NULL: the option came without one in its own argument. */
static int set_option(struct parser *p, const struct option_row *row,
                      const char *value)
{
        void *place = (uint8_t *)p->values + row->offset;

        if (row->kind == OPTION_FLAG) {
                if (value)
                        return usage_error(p->command, "--%s takes no argument",
                                           row->name);
                *(bool *)place = true;
                return 0;
        }
        if (!value && p->next < p->argc)
                value = p->argv[p->next++];
        if (!value)
                return usage_error(p->command, "--%s needs an argument (%s)",
                                   row->name, row->argument);
        if (row->kind == OPTION_NUMBER)
                return set_number(p, row, value);
        if (row->kind == OPTION_LIST)
                string_list_add(place, value);
        else
                *(const char **)place = value;
        return 0;
}

static int parse_long(struct parser *p, const char *text)
{
        size_t size = strcspn(text, "=");
        const struct option_row *row = find_long(p->command, text, size);

        if (!row)
                return usage_error(p->command, "there is no option --%.*s",
                                   (int)size, text);
        return set_option(p, row, text[size] ? text + size + 1 : NULL);
}

/* Flags may be joined; an argument may follow its letter at once: -oFILE */
static int parse_short(struct parser *p, const char *text)
{
        int err;

        for (; *text; text++) {
                const struct option_row *row = find_short(p->command, *text);

                if (!row)
                        return usage_error(p->command, "there is no option -%c",
                                           *text);
                if (row->kind != OPTION_FLAG)
                        return set_option(p, row, text[1] ? text + 1 : NULL);
                if ((err = set_option(p, row, NULL)))
                        return err;
        }
        return 0;
}

static int parse_all(struct parser *p, struct string_list *positional)
{
        bool options_ended = false;
        int err;

        while (p->next < p->argc) {
                const char *text = p->argv[p->next++];

                if (options_ended || text[0] != '-' || !text[1])
                        string_list_add(positional, text);
                else if (!strcmp(text, "--"))
                        options_ended = true;
                else if ((err = text[1] == '-' ? parse_long(p, text + 2)
                                               : parse_short(p, text + 1)))
                        return err;
        }
        if (positional->count < p->command->least)
                return usage_error(p->command, "too few arguments (%s)",
                                   p->command->arguments);
        if (positional->count > p->command->most)
                return usage_error(p->command, "too many arguments: '%s'",
                                   positional->items[p->command->most]);
        return 0;
}

/* --help wins wherever it stands, as long as it is an option. */
static bool wants_help(int argc, char **argv)
{
        for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
                if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
                        return true;
        return false;
}

int options_parse(const struct command *command, int argc, char **argv,
                  void *values, struct string_list *positional, int *ret_code)
{
        struct parser p = {
                .command = command, .argc = argc, .argv = argv, .values = values
        };
        int err;

        if (wants_help(argc, argv)) {
                print_help(command);
                *ret_code = EXIT_FINE;
                return -1;
        }
        err = parse_all(&p, positional);
        if (err) {
                *ret_code = err;
                return -1;
        }
        return 0;
}
