/* SPDX-License-Identifier: MIT */
/*
 * The stub's options on a kernel command line, and the words it adds for the
 * running system.
 */
#ifndef STUB_COMMAND_LINE_H
#define STUB_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct options {
        const char *variant; /* value of the last ingot.variant=, or NULL */
        size_t variant_size; /* bytes of it */
        bool verbose;        /* ingot.verbose */
        bool halt;           /* ingot.halt: stop in front of the hand-off */
};

/* Reads the options; words behind "--" are init's and no options. */
void command_line_options(const char *line, struct options *ret_options);

/* Writes line to out with " ingot.variant=VARIANT ingot.reason=REASON" added,
 * in front of a "--" if there is one.  Where room (bytes, NUL included) does
 * not suffice, the line is copied without them, or cut, and false returned. */
bool command_line_append(const char *line, const char *variant,
                         const char *reason, char *out, size_t room);

#endif
