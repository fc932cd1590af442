/* SPDX-License-Identifier: MIT */
/*
 * Short spellings of json-c for the --json options.  docs/json.md describes
 * each object; tests/cli/json-check.c compares.
 */
#ifndef PACKER_JSON_H
#define PACKER_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

void json_add_string(struct json_object *object, const char *key,
                     const char *value); /* NULL becomes null */
void json_add_number(struct json_object *object, const char *key,
                     uint64_t value);
void json_add_double(struct json_object *object, const char *key, double value);
void json_add_bool(struct json_object *object, const char *key, bool value);

/* "0x…", since many readers of JSON lose bits beyond 2^53; 0 becomes null. */
void json_add_address(struct json_object *object, const char *key,
                      uint64_t value);

/* 64 hexadecimal digits */
void json_add_digest(struct json_object *object, const char *key,
                     const uint8_t digest[32]);

/* Adds an empty array or object and returns it. */
struct json_object *json_add_array(struct json_object *object, const char *key);
struct json_object *json_add_object(struct json_object *object,
                                    const char *key);

/* Appends an empty object to array and returns it. */
struct json_object *json_append_object(struct json_object *array);

/* Prints object to standard output and frees it.  Returns an exit code: 0, or
 * EXIT_IO if standard output took less than all. */
int json_print(struct json_object *object);

#endif
