/* SPDX-License-Identifier: MIT */
/*
 * Messages of functions that do not print: the caller's char * receives
 * "FILE: place: fault and values", and the return value is an exit code.
 */
#ifndef PACKER_MESSAGE_H
#define PACKER_MESSAGE_H

/* Exit codes of every command (docs/ingot.1, EXIT STATUS). */
enum exit_code {
        EXIT_FINE = 0,
        EXIT_DIFFERS = 1,   /* verification failed, or images differ */
        EXIT_USAGE = 2,     /* the command line is wrong */
        EXIT_BAD_INPUT = 3, /* an input file breaks a rule */
        EXIT_IO = 4,        /* reading, writing or memory failed */
};

/* Sets *ret_message to the formatted text (to be freed) and returns code. */
int fail(char **ret_message, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The fault that errno names, as EXIT_IO: "PATH: WHAT: Permission denied". */
int fail_errno(char **ret_message, const char *path, const char *what);

#endif
