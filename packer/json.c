/* SPDX-License-Identifier: MIT */
/*
 * Short spellings of json-c.
 */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

#include "message.h"
#include "store.h"

void json_add_string(struct json_object *object, const char *key,
                     const char *value)
{
        json_object_object_add(object, key,
                               value ? json_object_new_string(value) : NULL);
}

void json_add_number(struct json_object *object, const char *key,
                     uint64_t value)
{
        json_object_object_add(object, key, json_object_new_uint64(value));
}

void json_add_double(struct json_object *object, const char *key, double value)
{
        char text[32];

        /* four digits behind the point are more than any ratio here carries */
        snprintf(text, sizeof(text), "%.4f", value);
        json_object_object_add(object, key,
                               json_object_new_double_s(value, text));
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
        json_object_object_add(object, key, json_object_new_boolean(value));
}

void json_add_address(struct json_object *object, const char *key,
                      uint64_t value)
{
        char text[32];

        snprintf(text, sizeof(text), "0x%" PRIx64, value);
        json_add_string(object, key, value ? text : NULL);
}

void json_add_digest(struct json_object *object, const char *key,
                     const uint8_t digest[32])
{
        char hex[HEX_DIGEST_SIZE];

        hex_digest(digest, hex);
        json_add_string(object, key, hex);
}

struct json_object *json_add_array(struct json_object *object, const char *key)
{
        struct json_object *array = json_object_new_array();

        json_object_object_add(object, key, array);
        return array;
}

struct json_object *json_add_object(struct json_object *object, const char *key)
{
        struct json_object *inner = json_object_new_object();

        json_object_object_add(object, key, inner);
        return inner;
}

struct json_object *json_append_object(struct json_object *array)
{
        struct json_object *inner = json_object_new_object();

        json_object_array_add(array, inner);
        return inner;
}

int json_print(struct json_object *object)
{
        puts(json_object_to_json_string_ext(
                object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
        return fflush(stdout) ? EXIT_IO : EXIT_FINE;
}
