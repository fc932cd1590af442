/* SPDX-License-Identifier: MIT */
/*
 * json-check: holds what a command prints to the schema in docs/json.md.
 *
 *      json-check SCHEMA.md SECTION <JSON
 *
 * Reads the rows "| `path` | type | … |" behind the heading "## SECTION".  Each
 * value must have a row with its type; each row's key must be there in every
 * object that it belongs to.  A type may be "TYPE or null".
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 256
#define MAX_PATH 256

struct row {
        char path[MAX_PATH];
        char type[64];
};

static struct row rows[MAX_ROWS];
static size_t row_count;
static unsigned faults;

static void fault(const char *path, const char *what, const char *value)
{
        printf("%s: %s %s\n", path, what, value);
        faults++;
}

static void read_schema(const char *path, const char *section)
{
        FILE *in = fopen(path, "r");
        bool inside = false;
        char line[1024], heading[64];

        if (!in) {
                perror(path);
                exit(2);
        }
        snprintf(heading, sizeof(heading), "## %s\n", section);
        while (fgets(line, sizeof(line), in)) {
                struct row *row = &rows[row_count];

                if (line[0] == '#')
                        inside = !strcmp(line, heading);
                if (inside && row_count < MAX_ROWS &&
                    sscanf(line, "| `%255[^`]` | %63[^|]", row->path,
                           row->type) == 2) {
                        row->type[strcspn(row->type, "|")] = '\0';
                        while (*row->type &&
                               row->type[strlen(row->type) - 1] == ' ')
                                row->type[strlen(row->type) - 1] = '\0';
                        row_count++;
                }
        }
        fclose(in);
        if (row_count == 0) {
                fprintf(stderr, "%s: no rows for %s\n", path, section);
                exit(2);
        }
}

static const struct row *find_row(const char *path)
{
        for (size_t i = 0; i < row_count; i++)
                if (!strcmp(rows[i].path, path))
                        return &rows[i];
        return NULL;
}

static const char *type_name(struct json_object *value)
{
        switch (json_object_get_type(value)) {
        case json_type_null:
                return "null";
        case json_type_boolean:
                return "boolean";
        case json_type_int:
        case json_type_double:
                return "number";
        case json_type_object:
                return "object";
        case json_type_array:
                return "array";
        case json_type_string:
                return "string";
        }
        return "?";
}

/* "string" fits "string" and "string or null". */
static bool type_fits(const char *allowed, const char *type)
{
        const char *at = strstr(allowed, type);

        return at && (at == allowed || at[-1] == ' ');
}

/* The key of a row directly inside the object at path; NULL for others. */
static const char *child_key(const struct row *row, const char *path)
{
        size_t size = strlen(path);
        const char *key = row->path;

        if (size) {
                if (strncmp(key, path, size) || key[size] != '.')
                        return NULL;
                key += size + 1;
        }
        return strpbrk(key, ".[") ? NULL : key;
}

static void check(struct json_object *value, const char *path);

static void check_object(struct json_object *object, const char *path)
{
        char inner[MAX_PATH];

        json_object_object_foreach(object, key, value)
        {
                snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "",
                         key);
                check(value, inner);
        }
        for (size_t i = 0; i < row_count; i++) {
                const char *wanted = child_key(&rows[i], path);

                if (wanted && !json_object_object_get_ex(object, wanted, NULL))
                        fault(rows[i].path, "is documented but missing", "");
        }
}

static void check(struct json_object *value, const char *path)
{
        const struct row *row = *path ? find_row(path) : NULL;
        const char *type = type_name(value);
        char inner[MAX_PATH];
        /* the elements of an array of objects have no row of their own */
        bool needs_row =
                *path && !(strcmp(path + strlen(path) - 1, "]") == 0 &&
                           json_object_is_type(value, json_type_object));

        if (needs_row && !row)
                fault(path, "has no row in the schema, value", type);
        if (row && !type_fits(row->type, type))
                fault(path, "is documented otherwise, value", type);
        if (json_object_is_type(value, json_type_object))
                check_object(value, path);
        if (json_object_is_type(value, json_type_array)) {
                snprintf(inner, sizeof(inner), "%s[]", path);
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        check(json_object_array_get_idx(value, i), inner);
        }
}

int main(int argc, char **argv)
{
        static char text[1 << 24];
        struct json_object *root;
        size_t size;

        if (argc != 3) {
                fputs("usage: json-check SCHEMA.md SECTION <JSON\n", stderr);
                return 2;
        }
        read_schema(argv[1], argv[2]);
        size = fread(text, 1, sizeof(text) - 1, stdin);
        text[size] = '\0';
        root = json_tokener_parse(text);
        if (!json_object_is_type(root, json_type_object)) {
                puts("not a JSON object");
                return 1;
        }
        check(root, "");
        json_object_put(root);
        return faults != 0;
}
