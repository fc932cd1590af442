/* SPDX-License-Identifier: MIT */
/*
 * Kernel command lines.  Words are split as Linux splits them (lib/cmdline.c):
 * at white space outside double quotes.  What follows the word "--" belongs to
 * init.
 */
#include "command-line.h"

#include <string.h>

static bool is_space(char c)
{
        return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word at or behind *cursor: its start, its size in *ret_size; NULL
 * at the end.  Moves *cursor behind it. */
static const char *next_word(const char **cursor, size_t *ret_size)
{
        const char *p = *cursor;
        while (is_space(*p))
                p++;
        const char *start = p;
        bool quoted = false;
        for (; *p && (quoted || !is_space(*p)); p++)
                if (*p == '"')
                        quoted = !quoted;
        *cursor = p;
        *ret_size = (size_t)(p - start);
        return p > start ? start : NULL;
}

static bool word_is(const char *word, size_t size, const char *text)
{
        return size == strlen(text) && !memcmp(word, text, size);
}

void command_line_options(const char *line, struct options *ret_options)
{
        static const char variant[] = "ingot.variant=";
        const size_t prefix = sizeof variant - 1;
        *ret_options = (struct options){ 0 };

        const char *word;
        size_t size;
        while ((word = next_word(&line, &size)) && !word_is(word, size, "--")) {
                if (size > prefix && !memcmp(word, variant, prefix)) {
                        ret_options->variant = word + prefix;
                        ret_options->variant_size = size - prefix;
                } else if (word_is(word, size, "ingot.verbose")) {
                        ret_options->verbose = true;
                } else if (word_is(word, size, "ingot.halt")) {
                        ret_options->halt = true;
                }
        }
}

/* Bytes of line in front of the word "--", or all of them. */
static size_t kernel_part(const char *line)
{
        const char *cursor = line, *word;
        size_t size;
        while ((word = next_word(&cursor, &size)))
                if (word_is(word, size, "--"))
                        return (size_t)(word - line);
        return strlen(line);
}

static char *put(char *out, const char *text, size_t size)
{
        memcpy(out, text, size);
        return out + size;
}

bool command_line_append(const char *line, const char *variant,
                         const char *reason, char *out, size_t room)
{
        static const char variant_is[] = "ingot.variant=";
        static const char reason_is[] = " ingot.reason=";
        size_t size = strlen(line), head = kernel_part(line);
        size_t tail = size - head;
        bool space = head && !is_space(line[head - 1]);
        size_t added = space + sizeof variant_is - 1 + strlen(variant) +
                       sizeof reason_is - 1 + strlen(reason) + (tail != 0);

        if (!room)
                return false;
        if (room - 1 < size || room - 1 - size < added) {
                size_t kept = size < room - 1 ? size : room - 1;
                *put(out, line, kept) = '\0';
                return false;
        }
        char *p = put(out, line, head);
        if (space)
                *p++ = ' ';
        p = put(p, variant_is, sizeof variant_is - 1);
        p = put(p, variant, strlen(variant));
        p = put(p, reason_is, sizeof reason_is - 1);
        p = put(p, reason, strlen(reason));
        if (tail)
                *p++ = ' ';
        *put(p, line + head, tail) = '\0';
        return true;
}
