/* SPDX-License-Identifier: MIT */
/*
 * Formats the messages that functions hand to their callers.
 */
#define _GNU_SOURCE
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(char **ret_message, int code, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(ret_message, format, arguments) < 0)
                *ret_message = NULL;
        va_end(arguments);
        return code;
}

int fail_errno(char **ret_message, const char *path, const char *what)
{
        return fail(ret_message, EXIT_IO, "%s: %s: %s", path, what,
                    strerror(errno));
}
