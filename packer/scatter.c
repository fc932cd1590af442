/* SPDX-License-Identifier: MIT */
#include "scatter.h"

#include <string.h>

#include "instructions.h"

struct scatter {
        const struct field_marks *marks;
        struct bytes *parts;
        bool is_word_last; /* an operand of 4 bytes without a mark came last: */
        bool is_ambiguous; /* what comes next must not look like one */
};

static void put_head(struct scatter *s, const uint8_t *bytes, uint32_t size)
{
        s->is_ambiguous |= s->is_word_last && field_marks_has(s->marks, *bytes);
        s->is_word_last = false;
        put_bytes(&s->parts[CODE_PART_HEAD], bytes, size);
}

static void put_distance(struct scatter *s, const uint8_t *bytes)
{
        uint32_t zigzag;
        le32 v;

        memcpy(&v, bytes, sizeof(v));
        zigzag = get_le32(v) << 1 ^ -(get_le32(v) >> 31);
        put_byte(&s->parts[CODE_PART_REL32_LOW], (uint8_t)zigzag);
        put_varint(&s->parts[CODE_PART_REL32], zigzag >> 8);
}

/* is_first: of two, the next of which may have a mark. */
static void put_word(struct scatter *s, enum code_part part,
                     enum code_part address, const uint8_t *bytes, bool is_first)
{
        const uint8_t no_mark = (uint8_t)~s->marks->mark;
        const uint8_t high_first[] = { bytes[2], bytes[1], bytes[0] };

        if (field_marks_has(s->marks, bytes[3])) {
                put_head(s, bytes + 3, 1);
                put_bytes(&s->parts[address], high_first, sizeof(high_first));
                return;
        }
        if (is_first)
                put_head(s, &no_mark, 1);
        if (part == CODE_PART_REL32)
                put_distance(s, bytes);
        else
                put_bytes(&s->parts[part], bytes, 4);
        s->is_word_last = !is_first;
}

bool scatter(const struct field_marks *marks, const uint8_t *bytes, uint32_t size,
             struct bytes parts[CODE_PART_COUNT])
{
        struct scatter s = { .marks = marks, .parts = parts };
        uint32_t left = size;

        while (left) {
                struct instruction i = instruction_parse(bytes);
                uint32_t all = i.head + i.disp + i.imm;
                enum code_part imm = instruction_imm_part(&i);

                if (all > left) {
                        put_head(&s, bytes, left);
                        break;
                }
                left -= all;
                put_head(&s, bytes, i.head);
                bytes += i.head;
                if (i.disp == 4 && left)
                        put_word(&s, CODE_PART_DISP32, CODE_PART_ADDRESS, bytes,
                                 i.imm == 4);
                else
                        put_bytes(&parts[i.disp == 1 ? CODE_PART_DISP8 :
                                                       CODE_PART_DISP32],
                                  bytes, i.disp);
                bytes += i.disp;
                if (i.imm == 4 && left)
                        put_word(&s, imm,
                                 i.is_call ? CODE_PART_CALL : CODE_PART_ADDRESS,
                                 bytes, false);
                else
                        put_bytes(&parts[imm], bytes, i.imm);
                bytes += i.imm;
        }
        return !s.is_ambiguous;
}
