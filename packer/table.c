/* SPDX-License-Identifier: MIT */
/*
 * Reads the table of backends.  Columns are separated by blanks:
 *
 *     name  fragment  platforms  priority  role
 *
 * The header of configs/backends explains them.  A copy of that file is part
 * of the program, so that an installed ingot knows the usual names.
 */
#define _GNU_SOURCE
#include "table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image-parts.h"
#include "message.h"
#include "../stub/platform.h"

#define TABLE_MAX_SIZE (1u << 20)
#define MAX_PRIORITY   1000000

/* configs/backends, NUL-terminated (packer.mk makes the object file). */
extern const char built_in_table[];

static const struct {
        const char *name;
        enum backend_role role;
} roles[] = {
        { "variant", BACKEND_VARIANT },
        { "default", BACKEND_DEFAULT },
        { "flavour", BACKEND_FLAVOUR },
        { "comparator", BACKEND_COMPARATOR },
};

const struct backend *table_find(const struct backend_table *table,
                                 const char *name)
{
        for (size_t i = 0; i < table->count; i++)
                if (!strcmp(table->backends[i].name, name))
                        return &table->backends[i];
        return NULL;
}

/* "@v2" and the like behind a platform's name: a level; "": any; else
 * LEVEL_COUNT. */
static unsigned read_level(const char *text)
{
        if (!*text)
                return 0;
        return !strncmp(text, "@v", 2) && text[2] >= '2' &&
                               text[2] < '0' + LEVEL_COUNT && !text[3]
                       ? (unsigned)(text[2] - '0')
                       : LEVEL_COUNT;
}

bool table_read_platform(const char *word, unsigned *ret_platform,
                         unsigned *ret_level)
{
        size_t size = strcspn(word, "@");
        unsigned level = read_level(word + size);

        for (unsigned i = 0; i < PLATFORM_COUNT && level < LEVEL_COUNT; i++)
                if (strlen(platform_name(i)) == size &&
                    !memcmp(platform_name(i), word, size)) {
                        *ret_platform = i;
                        *ret_level = level;
                        return true;
                }
        return false;
}

/* One line being read. */
struct row {
        const struct backend_table *table;
        struct backend *backend;
        char **ret_message;
};

static int bad(const struct row *row, const char *fault, const char *value)
{
        return fail(row->ret_message, EXIT_BAD_INPUT, "%s:%u: %s '%s'",
                    row->table->path, row->backend->line, fault, value);
}

static int read_name(const struct row *row, char *word)
{
        if (strlen(word) >= MULTI_IMAGE_NAME_SIZE)
                return bad(row, "name is longer than 31 bytes:", word);
        if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
                return bad(row,
                           "name holds more than letters, digits, - _ and .:",
                           word);
        if (table_find(row->table, word))
                return bad(row, "second row for", word);
        strcpy(row->backend->name, word);
        return 0;
}

static int read_fragment(const struct row *row, char *word)
{
        row->backend->fragment = strdup(word);
        return row->backend->fragment ? 0
                                      : fail_errno(row->ret_message,
                                                   row->table->path, "memory");
}

static int read_platforms(const struct row *row, char *word)
{
        char *rest = word, *name;

        if (!strcmp(word, "-"))
                return 0;
        while ((name = strsep(&rest, ","))) {
                unsigned platform, level;

                if (!table_read_platform(name, &platform, &level))
                        return bad(row, "unknown platform", name);
                row->backend->platforms[level] |= 1u << platform;
        }
        return 0;
}

static int read_priority(const struct row *row, char *word)
{
        char *end;
        unsigned long value = strtoul(word, &end, 10);

        if (*word < '0' || *word > '9' || *end || value > MAX_PRIORITY)
                return bad(row,
                           "priority is no number from 0 to 1000000:", word);
        row->backend->priority = (uint32_t)value;
        return 0;
}

static int read_role(const struct row *row, char *word)
{
        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
                if (!strcmp(roles[i].name, word)) {
                        row->backend->role = roles[i].role;
                        return 0;
                }
        return bad(row,
                   "role is none of variant, default, flavour, "
                   "comparator:",
                   word);
}

/* The columns, in order. */
static const struct {
        const char *name;
        int (*read)(const struct row *row, char *word);
} columns[] = {
        { "name", read_name },           { "fragment", read_fragment },
        { "platforms", read_platforms }, { "priority", read_priority },
        { "role", read_role },
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static int read_row(const struct row *row, char *line)
{
        char *save = NULL, *word = strtok_r(line, " \t\r", &save);
        size_t column = 0;
        int err;

        for (; word; word = strtok_r(NULL, " \t\r", &save), column++) {
                if (column == COLUMN_COUNT)
                        return bad(row, "a sixth column:", word);
                if ((err = columns[column].read(row, word)))
                        return err;
        }
        if (column < COLUMN_COUNT)
                return bad(row, "column is missing:", columns[column].name);
        return 0;
}

static int read_rows(struct backend_table *table, char *text,
                     char **ret_message)
{
        bool has_default = false;
        unsigned line_number = 0;
        char *line;
        int err;

        table->backends = calloc(TABLE_MAX_BACKENDS, sizeof(struct backend));
        if (!table->backends)
                return fail_errno(ret_message, table->path, "memory");
        while ((line = strsep(&text, "\n"))) {
                struct backend *backend = &table->backends[table->count];
                struct row row = { table, backend, ret_message };

                line_number++;
                line += strspn(line, " \t\r");
                if (*line == '#' || !*line)
                        continue;
                if (table->count == TABLE_MAX_BACKENDS)
                        return fail(ret_message, EXIT_BAD_INPUT,
                                    "%s:%u: more than %d rows", table->path,
                                    line_number, TABLE_MAX_BACKENDS);
                backend->line = line_number;
                err = read_row(&row, line);
                if (err) {
                        free(backend->fragment);
                        return err;
                }
                table->count++;
                if (backend->role == BACKEND_DEFAULT && has_default)
                        return bad(&row, "second default:", backend->name);
                has_default |= backend->role == BACKEND_DEFAULT;
        }
        return 0;
}

/* A NUL-terminated copy of the file or of the built-in table. */
static int read_text(const char *path, char **ret_text, char **ret_message)
{
        uint8_t *data;
        size_t size;
        char *text;
        int err;

        if (!path) {
                text = strdup(built_in_table);
                if (!text)
                        return fail_errno(ret_message, "table", "memory");
                *ret_text = text;
                return 0;
        }
        err = file_read(path, &data, &size, ret_message);
        if (err)
                return err;
        if (size > TABLE_MAX_SIZE || memchr(data, '\0', size)) {
                free(data);
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: not a table of backends (%zu bytes)", path,
                            size);
        }
        data[size] = '\0'; /* file_read() leaves room for one byte more */
        *ret_text = (char *)data;
        return 0;
}

int table_read(const char *path, struct backend_table *ret_table,
               char **ret_message)
{
        struct backend_table table = { .path = strdup(path ? path
                                                           : "(built-in "
                                                             "table)") };
        char *text = NULL;
        int err;

        if (!table.path)
                return fail_errno(ret_message, "table", "memory");
        err = read_text(path, &text, ret_message);
        if (!err)
                err = read_rows(&table, text, ret_message);
        free(text);
        if (err) {
                table_free(&table);
                return err;
        }
        *ret_table = table;
        return 0;
}

void table_free(struct backend_table *table)
{
        for (size_t i = 0; i < table->count; i++)
                free(table->backends[i].fragment);
        free(table->backends);
        free(table->path);
        memset(table, 0, sizeof(*table));
}
