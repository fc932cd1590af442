/* SPDX-License-Identifier: MIT */
/*
 * Puts code together again whose instructions were taken apart: opcodes in one
 * stream, displacements, immediates and addresses in others, where like stands
 * by like for the compressor.
 *
 *      stream     ... 80 3d a5 | 48 8b 45 | e8 a4 ...   code
 *                     c8 77 40                          addresses (highest first)
 *                     00                                immediates of a byte
 *                     f0                                displacements of a byte
 *                     01 12 30                          calls
 *      together   80 3d [40 77 c8 a5] 00 | 48 8b 45 f0 | e8 [30 12 01 a4]
 *
 * On the way it is noted where unwind records are likely.
 *
 * Of an address the highest byte stays in the code: it is the mark that tells it
 * from another operand (field-marks.h).
 */
#include <string.h>

#include "instructions.h"
#include "unpack.h"

enum {
        __ = 0,
        Mo = INSN_MODRM,
        Ib = INSN_IMM8,
        Iw = INSN_IMM16,
        Iz = INSN_IMM,
        Iv = INSN_IMM | INSN_WIDE,
        Jb = INSN_IMM8 | INSN_BRANCH,
        Jz = INSN_IMM | INSN_BRANCH,
        Mb = INSN_MODRM | INSN_IMM8,
        Mz = INSN_MODRM | INSN_IMM,
        Tb = Mb | INSN_TEST,
        Tz = Mz | INSN_TEST,
        Wb = INSN_IMM16 | INSN_IMM8,
        Pr = INSN_PREFIX,
        Tu = INSN_TURN,
        Tm = INSN_MODRM | INSN_TURN,      /* nop */
        Tj = INSN_MODRM | INSN_TURN_JUMP, /* jmp through a pointer, among others */
        Jt = INSN_IMM | INSN_BRANCH | INSN_TURN,
        Js = INSN_IMM8 | INSN_BRANCH | INSN_TURN,
        Sb = INSN_MODRM | INSN_IMM8 | INSN_TURN_RSP,
        Sz = INSN_MODRM | INSN_IMM | INSN_TURN_RSP,
};

const uint16_t instruction_forms[2][256] = {
        {
                Mo, Mo, Mo, Mo, Ib, Iz, __, __, Mo, Mo, Mo, Mo, Ib, Iz, __, __,
                Mo, Mo, Mo, Mo, Ib, Iz, __, __, Mo, Mo, Mo, Mo, Ib, Iz, __, __,
                Mo, Mo, Mo, Mo, Ib, Iz, Pr, __, Mo, Mo, Mo, Mo, Ib, Iz, Pr, __,
                Mo, Mo, Mo, Mo, Ib, Iz, Pr, __, Mo, Mo, Mo, Mo, Ib, Iz, Pr, __,
                Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr, Pr,
                Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu, Tu,
                __, __, __, Mo, Pr, Pr, Pr, Pr, Iz, Mz, Ib, Mb, __, __, __, __,
                Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb, Jb,
                Mb, Sz, Mb, Sb, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Tu, __, __, __, __, __, __, __, __, __, __, __, __, __, __, __,
                __, __, __, __, __, __, __, __, Ib, Iz, __, __, __, __, __, __,
                Ib, Ib, Ib, Ib, Ib, Ib, Ib, Ib, Iv, Iv, Iv, Iv, Iv, Iv, Iv, Iv,
                Mb, Mb, Iw, Tu, __, __, Mb, Mz, Wb, Tu, Iw, Tu, Tu, Ib, __, Tu,
                Mo, Mo, Mo, Mo, Ib, Ib, __, __, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Jb, Jb, Jb, Jb, Ib, Ib, Ib, Ib, Jz, Jt, __, Js, __, __, __, __,
                Pr, __, Pr, Pr, __, __, Tb, Tz, __, __, __, __, __, __, Mo, Tj,
        },
        {
                Mo, Mo, Mo, Mo, Mo, __, __, __, __, __, Mo, Tu, Mo, Mo, __, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Tm,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                __, __, __, __, __, __, __, __, Mo, Mo, Mb, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Mb, Mb, Mb, Mb, Mo, Mo, Mo, __, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz, Jz,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                __, __, __, Mo, Mb, Mo, Mo, Mo, __, __, __, Mo, Mb, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mb, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mb, Mo, Mb, Mb, Mb, Mo, __, __, __, __, __, __, __, __,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
                Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo, Mo,
        },
};

/* Instructions in parts: what is left of each part's chunk. */
struct parts {
        const struct field_marks *marks;
        const uint8_t *at[CODE_PART_COUNT], *end[CODE_PART_COUNT];
        uint8_t *out;
};

/* There is slack on both sides for a word. */
static inline bool take(struct parts *p, enum code_part part, uint32_t size)
{
        const uint8_t *at = p->at[part];
        uint64_t word;

        if (size > (size_t)(p->end[part] - at))
                return false;
        memcpy(&word, at, sizeof(word));
        memcpy(p->out, &word, sizeof(word));
        p->at[part] = at + size;
        p->out += size;
        return true;
}

/* The distance of a branch: most are short, and their lowest byte like no other. */
static inline bool take_distance(struct parts *p)
{
        struct reader r = { p->at[CODE_PART_REL32], p->end[CODE_PART_REL32] };
        uint32_t high = read_varint_fast(&r);
        const uint8_t *low = p->at[CODE_PART_REL32_LOW]++;
        uint32_t zigzag = high << 8 | *low;
        uint32_t value = zigzag >> 1 ^ -(zigzag & 1);

        p->at[CODE_PART_REL32] = r.at;
        memcpy(p->out, &value, sizeof(value));
        p->out += sizeof(value);
        return reader_ok(&r) && low < p->end[CODE_PART_REL32_LOW];
}

/* An operand of 4 bytes, not the last of the body.  is_first: there is another, so
 * that a byte in the code tells of this one if it has no mark. */
static inline bool take_word(struct parts *p, enum code_part part,
                             enum code_part address, bool is_first)
{
        const uint8_t *code = p->at[CODE_PART_HEAD];
        const uint8_t *low = p->at[address];

        if (code == p->end[CODE_PART_HEAD])
                return false;
        if (!field_marks_has(p->marks, *code)) {
                p->at[CODE_PART_HEAD] += is_first;
                return part == CODE_PART_REL32 ? take_distance(p) :
                                                 take(p, part, 4);
        }
        if (p->end[address] - low < 3)
                return false;
        p->out[0] = low[2];
        p->out[1] = low[1];
        p->out[2] = low[0];
        p->out[3] = *code;
        p->out += 4;
        p->at[CODE_PART_HEAD]++;
        p->at[address] += 3;
        return true;
}

static inline bool take_operands(struct parts *p, const struct instruction *i,
                                 bool is_last)
{
        if (i->disp == 1) {
                if (!take(p, CODE_PART_DISP8, 1))
                        return false;
        } else if (i->disp) {
                /* Behind the last one no mark can be looked for. */
                if (!(is_last ? take(p, CODE_PART_DISP32, 4) :
                                take_word(p, CODE_PART_DISP32,
                                          CODE_PART_ADDRESS, i->imm == 4)))
                        return false;
        }
        if (!i->imm)
                return true;
        return i->imm == 4 && !is_last ?
                       take_word(p, instruction_imm_part(i),
                                 instruction_address_part(i), false) :
                       take(p, instruction_imm_part(i), i->imm);
}

/* Returns where turns end; NULL: the parts do not make size bytes. */
static uint16_t *gather_body(struct parts *p, uint32_t size, uint16_t *turn)
{
        uint8_t *start = p->out, *end = start + size;

        while (p->out < end) {
                const uint8_t *head = p->at[CODE_PART_HEAD];
                size_t heads = (size_t)(p->end[CODE_PART_HEAD] - head);
                size_t left = (size_t)(end - p->out);
                struct instruction i = instruction_parse(head);
                uint32_t all = i.head + i.disp + i.imm;

                if (all > left) { /* cut off */
                        if (left > heads)
                                return NULL;
                        memcpy(p->out, head, left);
                        p->at[CODE_PART_HEAD] += left;
                        return turn;
                }
                if (i.head > heads)
                        return NULL;
                memcpy(p->out, head, INSTRUCTION_MAX_HEAD);
                p->out += i.head;
                p->at[CODE_PART_HEAD] = head + i.head;
                if (i.disp + i.imm && !take_operands(p, &i, all == left))
                        return NULL;
                if (instruction_is_turn(&i) && all != left)
                        *turn++ = (uint16_t)(p->out - start);
        }
        return turn;
}

bool code_open(struct unpacker *u, struct code *ret)
{
        ret->bytes = arena_take(&u->arena, MULTI_IMAGE_MAX_BODY + BODY_SLACK);
        ret->turns = arena_take(&u->arena, (MULTI_IMAGE_MAX_BODY + 1) *
                                                   (uint64_t)sizeof(*ret->turns));
        return ret->bytes && ret->turns;
}

int gather(struct unpacker *u, struct group *g, struct code *ret, uint32_t size)
{
        struct parts p = { .marks = &u->pool,
                           .out = ret->bytes };
        uint32_t i;
        int err;

        for (i = 0; i < CODE_PART_COUNT; i++) {
                struct body_stream *s =
                        &g->bodies[code_part_stream(i) - GROUP_BODY_FIRST];

                if ((err = body_refill(u, s)))
                        return err;
                p.at[i] = s->buffer + s->position;
                p.end[i] = s->buffer + s->size;
        }
        ret->turns[0] = 0;
        ret->turn_end = gather_body(&p, size, ret->turns + 1);
        REQUIRE(ret->turn_end, MULTI_IMAGE_BAD_LAYOUT);
        for (i = 0; i < CODE_PART_COUNT; i++) {
                struct body_stream *s =
                        &g->bodies[code_part_stream(i) - GROUP_BODY_FIRST];

                s->position = (size_t)(p.at[i] - s->buffer);
        }
        return MULTI_IMAGE_OK;
}
