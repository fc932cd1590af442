/* SPDX-License-Identifier: MIT */
/*
 * Commands and their options, described once: the parser and --help both read
 * the same rows.
 */
#ifndef PACKER_OPTIONS_H
#define PACKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
        OPTION_FLAG,   /* bool: no argument */
        OPTION_STRING, /* const char * */
        OPTION_NUMBER, /* unsigned, at least 1 */
        OPTION_LIST,   /* struct string_list: may be given more than once */
};

/* Arguments in the order given; items is allocated, the strings are not. */
struct string_list {
        const char **items;
        size_t count;
};

/* One option; the last row of a table has no name. */
struct option_row {
        const char *name; /* long name, without dashes */
        char letter;      /* short name, 0: none */
        enum option_kind kind;
        size_t offset;        /* of its value in the command's own struct */
        const char *argument; /* its name in --help; NULL for a flag */
        const char *help;
};

struct command {
        const char *name;
        const char *arguments; /* behind the options, for the usage line */
        const char *summary;   /* one line, for `ingot --help` */
        const char *detail;    /* paragraph for `ingot COMMAND --help` */
        const struct option_row *options;
        size_t least, most; /* positional arguments */
        /* argv holds the positional arguments that options_parse() leaves */
        int (*run)(const struct command *command, int argc, char **argv);
};

/* Fills values (the command's own struct) and positional.  Returns 0, or -1
 * with everything said: *ret_code is then the exit code (--help: 0). */
int options_parse(const struct command *command, int argc, char **argv,
                  void *values, struct string_list *positional, int *ret_code);

/* Appends; stops the program if memory is out. */
void string_list_add(struct string_list *list, const char *item);

/* "ingot COMMAND: …" and a hint to --help on standard error; EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* "ingot: MESSAGE" on standard error; frees message and returns code. */
int report_failure(int code, char *message);

#endif
