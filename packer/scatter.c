/* SPDX-License-Identifier: MIT */
#include "scatter.h"

#include <stdlib.h>
#include <string.h>

#include "instructions.h"

struct scatter {
        const struct field_marks *marks;
        struct scattered *ret;
        bool is_word_last; /* an operand of 4 bytes without a mark came last: */
        bool is_ambiguous; /* what comes next must not look like one */
};

static void put_head(struct scatter *s, const uint8_t *bytes, uint32_t size)
{
        s->is_ambiguous |= s->is_word_last && field_marks_has(s->marks, *bytes);
        s->is_word_last = false;
        put_bytes(&s->ret->parts[CODE_PART_HEAD], bytes, size);
}

static void put_distance(struct scatter *s, const uint8_t *bytes)
{
        uint32_t zigzag;
        le32 v;

        memcpy(&v, bytes, sizeof(v));
        zigzag = get_le32(v) << 1 ^ -(get_le32(v) >> 31);
        put_byte(&s->ret->parts[CODE_PART_REL32_LOW], (uint8_t)zigzag);
        put_varint(&s->ret->parts[CODE_PART_REL32], zigzag >> 8);
}

/* is_first: of two, the next of which may have a mark. */
static void put_word(struct scatter *s, enum code_part part,
                     enum code_part address, const uint8_t *bytes, bool is_first)
{
        const uint8_t no_mark = (uint8_t)~s->marks->mark;
        const uint8_t high_first[] = { bytes[2], bytes[1], bytes[0] };

        if (field_marks_has(s->marks, bytes[3])) {
                put_head(s, bytes + 3, 1);
                put_bytes(&s->ret->parts[address], high_first, sizeof(high_first));
                return;
        }
        if (is_first)
                put_head(s, &no_mark, 1);
        if (part == CODE_PART_REL32)
                put_distance(s, bytes);
        else
                put_bytes(&s->ret->parts[part], bytes, 4);
        s->is_word_last = !is_first;
}

static void put_instruction(struct scatter *s, const struct instruction *i,
                            const uint8_t *bytes, bool is_last)
{
        enum code_part disp = i->disp == 1 ? CODE_PART_DISP8 : CODE_PART_DISP32;
        enum code_part imm = instruction_imm_part(i);

        put_head(s, bytes, i->head);
        bytes += i->head;
        if (i->disp == 4 && !is_last)
                put_word(s, disp, CODE_PART_ADDRESS, bytes, i->imm == 4);
        else
                put_bytes(&s->ret->parts[disp], bytes, i->disp);
        bytes += i->disp;
        if (i->imm == 4 && !is_last)
                put_word(s, imm, instruction_address_part(i), bytes, false);
        else
                put_bytes(&s->ret->parts[imm], bytes, i->imm);
}

bool scatter(const struct field_marks *marks, const uint8_t *bytes, uint32_t size,
             struct scattered *ret)
{
        struct scatter s = { .marks = marks, .ret = ret };
        uint32_t at = 0;
        uint32_t i;

        for (i = 0; i < CODE_PART_COUNT; i++)
                ret->parts[i].count = 0;
        ret->turns.count = 0;
        *VECTOR_ADD(&ret->turns) = 0;
        while (at < size) {
                struct instruction insn = instruction_parse(bytes + at);
                uint32_t all = insn.head + insn.disp + insn.imm;

                if (all > size - at) {
                        put_head(&s, bytes + at, size - at);
                        break;
                }
                put_instruction(&s, &insn, bytes + at, all == size - at);
                at += all;
                if (instruction_is_turn(&insn) && at < size)
                        *VECTOR_ADD(&ret->turns) = (uint16_t)at;
        }
        return !s.is_ambiguous;
}

void scattered_free(struct scattered *s)
{
        uint32_t i;

        for (i = 0; i < CODE_PART_COUNT; i++)
                free(s->parts[i].at);
        free(s->turns.at);
}
