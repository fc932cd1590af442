/* SPDX-License-Identifier: MIT */
/*
 * How the fields of a body are found: by its bytes alone.
 *
 * A field holds a pool address, and the writer puts the pool where the highest
 * byte of an address is one that hardly ever occurs otherwise: it marks a field.
 * What stands before the field, or behind it, tells the type:
 *
 *      e8 [30 12 01 a4]                call: FIELD_REL32_0
 *      80 3d [c8 77 40 a5] 00          cmpb $0, x(%rip): FIELD_REL32_1
 *      [40 be 02 a5] 00 00 00 00       in data: FIELD_ABS64
 *
 * Where that goes wrong the writer lists an exception (docs/format.md, 4.3).
 * Writer and reader use the same lines, so they make the same mistakes.
 */
#ifndef STUB_MULTI_IMAGE_FIELD_MARKS_H
#define STUB_MULTI_IMAGE_FIELD_MARKS_H

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "format.h"

/* Pool addresses: [base, base + span), and their highest bytes, eight times. */
struct field_marks {
        uint32_t base, span;
        uint64_t mark, mask;
};

/* A field, or what looks like one. */
struct field_guess {
        uint32_t at; /* in the body */
        uint8_t type;
};

/* Bytes that may be read behind a body, and written behind one that is made. */
#define BODY_SLACK 16

/* Highest bytes of addresses in span, a power of two: mark is a multiple. */
static inline uint32_t field_marks_count(uint32_t span)
{
        uint32_t count = 1;

        while ((uint64_t)count << 24 < span)
                count <<= 1;
        return count;
}

/* False: no such pool. */
static inline bool field_marks_init(struct field_marks *m, uint8_t mark,
                                    uint32_t span)
{
        const uint64_t ones = 0x0101010101010101u;
        uint32_t count = field_marks_count(span);

        *m = (struct field_marks){
                .base = (uint32_t)mark << 24,
                .span = span,
                .mark = mark * ones,
                .mask = (uint8_t)-count * ones,
        };
        return !(mark & (count - 1)) && count <= 128;
}

/* Whether a byte may be the highest of an address. */
static inline bool field_marks_has(const struct field_marks *m, uint8_t byte)
{
        return !((byte ^ m->mark) & m->mask & 0xff);
}

/* The next byte from at on that may be a field's highest; or size, or more. */
static inline uint32_t field_marks_next(const struct field_marks *m,
                                        const uint8_t *bytes, uint32_t at,
                                        uint32_t size)
{
#ifdef __SSE2__
        const __m128i mark = _mm_set1_epi64x((long long)m->mark);
        const __m128i mask = _mm_set1_epi64x((long long)m->mask);

        for (; at < size; at += 16) {
                __m128i word = _mm_loadu_si128((const __m128i *)(bytes + at));
                int found = _mm_movemask_epi8(
                        _mm_cmpeq_epi8(_mm_and_si128(word, mask), mark));

                if (found)
                        return at + (uint32_t)__builtin_ctz((unsigned)found);
        }
#else
        const uint64_t ones = 0x0101010101010101u;

        for (; at < size; at += 8) {
                uint64_t word, zero;

                memcpy(&word, bytes + at, sizeof(word));
                word = (word ^ m->mark) & m->mask;
                zero = (word - ones) & ~word & ones << 7; /* above none but itself */
                if (zero)
                        return at + (uint32_t)__builtin_ctzll(zero) / 8;
        }
#endif
        return size;
}

/* The 8 bytes in front of at, the last one highest; 0 where there is none. */
static inline uint64_t bytes_before(const uint8_t *bytes, uint32_t at)
{
        uint64_t word = 0;
        uint32_t i;

        if (at >= sizeof(word))
                memcpy(&word, bytes + at - sizeof(word), sizeof(word));
        else
                for (i = 0; i < at; i++)
                        word = word >> 8 | (uint64_t)bytes[i] << 56;
        return word;
}

/* Behind a ModRM byte: by the opcode before it, the immediate that follows. */
static inline uint8_t guess_operand(uint64_t before)
{
        uint8_t modrm = (uint8_t)(before >> 56);
        uint8_t opcode = (uint8_t)(before >> 48);
        uint8_t prefix = (uint8_t)(before >> 40);

        if (prefix == 0x0f)
                return opcode == 0xba || opcode == 0xa4 || opcode == 0xac ?
                               FIELD_REL32_1 :
                               FIELD_REL32_0;
        switch (opcode) {
        case 0xf6: /* test, of which only /0 has one */
        case 0xf7:
                if (modrm != 0x05)
                        return FIELD_REL32_0;
                opcode &= 0x81;
                break;
        case 0xc6:
                opcode = 0x80;
                break;
        case 0x69:
        case 0xc7:
                opcode = 0x81;
                break;
        case 0x6b:
        case 0x83:
        case 0xc0:
        case 0xc1:
                opcode = 0x80;
                break;
        }
        return opcode == 0x80 ? FIELD_REL32_1 :
               opcode != 0x81 ? FIELD_REL32_0 :
               prefix == 0x66 ? FIELD_REL32_2 :
                                FIELD_REL32_4;
}

static inline uint8_t guess_in_code(uint64_t before, bool is_32)
{
        uint8_t last = (uint8_t)(before >> 56);
        uint8_t second, third, fourth;

        if ((last & 0xfe) == 0xe8)
                return FIELD_REL32_0; /* call and jmp: two of three */
        second = (uint8_t)(before >> 48);
        third = (uint8_t)(before >> 40);
        fourth = (uint8_t)(before >> 32);
        if ((last & 0xf0) == 0x80 && second == 0x0f)
                return FIELD_REL32_0; /* jcc */
        if (is_32 || ((last & 7) == 5 && (second & 0xc7) == 4)) /* SIB, no base */
                return FIELD_ABS32;
        if ((last & 0xc7) == 5) /* RIP-relative; behind REX: add, cmp with rax */
                return (second & 0xf0) == 0x40 ? FIELD_ABS32 :
                                                 guess_operand(before);
        /* mov and arithmetic with an immediate; with memory displaced by a byte,
         * the same from the stack, and displaced by four; push */
        return second == 0xc7 || second == 0x81 ||
                               (third == 0xc7 && (second & 0xc0) == 0x40) ||
                               (fourth == 0xc7 && second == 0x24 &&
                                (third & 0xc0) == 0x40) ||
                               ((before >> 16 & 0xff) == 0xc7 &&
                                (before >> 24 & 0xc0) == 0x80) ||
                               ((before >> 8 & 0xff) == 0xc7 &&
                                (before >> 16 & 0xc7) == 0x84) ||
                               last == 0x68 ?
                       FIELD_ABS32 :
                       FIELD_NONE;
}

/* In data: pointers of 8 bytes and distances of 4; a distance of 8 where one of
 * 4 came just before (struct jump_entry). */
static inline uint8_t guess_in_data(const uint8_t *bytes, uint32_t at,
                                    uint32_t size, bool is_32, bool is_next)
{
        uint32_t high;

        if (at % 4)
                return FIELD_NONE;
        if (is_32)
                return FIELD_ABS32;
        if (size - at < 8)
                return FIELD_REL32_DATA;
        memcpy(&high, bytes + at + 4, sizeof(high));
        return high ? FIELD_REL32_DATA : is_next ? FIELD_REL64_DATA : FIELD_ABS64;
}

/* The next field from byte from on; false: there is none.  flags: of the section.
 * is_next: a field of FIELD_REL32_DATA ends at from.  size: of the body, behind
 * which BODY_SLACK bytes more can be read. */
static inline bool field_guess(const struct field_marks *m, uint8_t flags,
                               const uint8_t *bytes, uint32_t size,
                               uint32_t from, bool is_next,
                               struct field_guess *ret)
{
        uint32_t top = from + 3;

        for (; (top = field_marks_next(m, bytes, top, size)) < size; top++) {
                uint32_t at = top - 3;
                le32 v;
                uint8_t type;

                memcpy(&v, bytes + at, sizeof(v));
                if (get_le32(v) - m->base >= m->span)
                        continue;
                type = flags & SECTION_CODE ?
                               guess_in_code(bytes_before(bytes, at),
                                             flags & SECTION_32) :
                               guess_in_data(bytes, at, size,
                                             flags & SECTION_32,
                                             is_next && at == from);
                if (type == FIELD_NONE)
                        continue;
                *ret = (struct field_guess){ at, type };
                return true;
        }
        return false;
}

#endif
