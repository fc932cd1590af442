/* SPDX-License-Identifier: MIT */
/*
 * ingot: packs kernels compiled once per backend into one multi-image, and
 * shows, checks and takes apart such files.  This file finds the command.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "message.h"

#ifndef INGOT_VERSION
#define INGOT_VERSION "unknown"
#endif

/* In the order in which one meets them. */
static const struct command *const commands[] = {
        &command_pack,    &command_list,   &command_stats, &command_diff,
        &command_extract, &command_verify, &command_detect,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
        fputs("Usage: ingot COMMAND [OPTION]... [ARGUMENT]...\n\n"
              "Packs kernels compiled once per backend into one bootable file.\n"
              "\nCommands:\n",
              out);
        for (size_t i = 0; i < COMMAND_COUNT; i++)
                fprintf(out, "  %-9s %s\n", commands[i]->name,
                        commands[i]->summary);
        fputs("\n'ingot COMMAND --help' explains one of them; "
              "'ingot --version' prints the version.\n",
              out);
}

static const struct command *find_command(const char *name)
{
        for (size_t i = 0; i < COMMAND_COUNT; i++)
                if (!strcmp(commands[i]->name, name))
                        return commands[i];
        return NULL;
}

int main(int argc, char **argv)
{
        const struct command *command;

        /* A file that grows beyond the limit is a write error with a message,
         * not a signal (setrlimit(2), RLIMIT_FSIZE). */
        signal(SIGXFSZ, SIG_IGN);

        if (argc < 2) {
                print_help(stderr);
                return EXIT_USAGE;
        }
        if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
                print_help(stdout);
                return EXIT_FINE;
        }
        if (!strcmp(argv[1], "--version")) {
                puts("ingot " INGOT_VERSION);
                return EXIT_FINE;
        }
        command = find_command(argv[1]);
        if (!command) {
                fprintf(stderr,
                        "ingot: there is no command '%s'\n"
                        "Try 'ingot --help'.\n",
                        argv[1]);
                return EXIT_USAGE;
        }
        return command->run(command, argc - 2, argv + 2);
}
