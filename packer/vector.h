/* SPDX-License-Identifier: MIT */
/* Growing arrays; running out of memory ends the program. */
#ifndef PACKER_VECTOR_H
#define PACKER_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#define VECTOR(type)                                                           \
        struct {                                                               \
                type *at;                                                      \
                size_t count, room;                                            \
        }

/* Makes room for n more, then appends one: *VECTOR_ADD(&v) = item. */
#define VECTOR_ADD(v)                                                          \
        (vector_reserve((void **)&(v)->at, (v)->count, &(v)->room,             \
                        sizeof(*(v)->at), 1),                                  \
         &(v)->at[(v)->count++])

#define VECTOR_RESERVE(v, n)                                                   \
        vector_reserve((void **)&(v)->at, (v)->count, &(v)->room,              \
                       sizeof(*(v)->at), n)

void vector_reserve(void **at, size_t count, size_t *room, size_t item_size,
                    size_t more);

/* malloc that does not fail; zeroed. */
void *allocate(size_t count, size_t item_size);

/* A stream of bytes as it is written. */
struct bytes {
        uint8_t *at;
        size_t count, room;
};

void put_byte(struct bytes *b, uint8_t byte);
void put_bytes(struct bytes *b, const void *bytes, size_t size);
void put_varint(struct bytes *b, uint32_t n);      /* LEB128 */
void put_signed(struct bytes *b, int32_t n);       /* zigzag, LEB128 */

/* Strings (any bytes) to numbers, equal ones to the same. */
struct interner;
struct interner *interner_new(void);
void interner_free(struct interner *i);
uint32_t intern(struct interner *i, const void *bytes, size_t size);
uint32_t intern_format(struct interner *i, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
const char *interned(const struct interner *i, uint32_t number,
                     size_t *ret_size);

#endif
