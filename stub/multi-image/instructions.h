/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a 64-bit instruction are: enough to keep its opcode, its
 * displacement and its immediate in streams of their own.
 *
 * It need not be right about every instruction, only the same for who takes code
 * apart (packer/scatter.c) and who puts it together (gather.c): what is taken
 * for another instruction costs bytes.
 */
#ifndef STUB_MULTI_IMAGE_INSTRUCTIONS_H
#define STUB_MULTI_IMAGE_INSTRUCTIONS_H

#include <stdbool.h>

#include "format.h"

/* Sizes are bytes: head, displacement, immediate, in this order. */
struct instruction {
        uint32_t head; /* prefixes, opcode, ModRM, SIB */
        uint32_t disp; /* 0, 1 or 4 */
        uint32_t imm;  /* 0 to 8 */
        uint32_t form; /* INSN_... */
        uint8_t opcode;
};

/* Bytes that instruction_parse() may read, whatever they are. */
#define INSTRUCTION_MAX_HEAD 16

enum {
        INSN_MODRM = 1,
        INSN_IMM8 = 2,
        INSN_IMM = 4,      /* 4 bytes, or 2 behind 66 */
        INSN_IMM16 = 8,
        INSN_BRANCH = 16,  /* the immediate is a distance */
        INSN_PREFIX = 32,
        INSN_WIDE = 64,    /* the immediate has 8 bytes behind REX.W */
        INSN_TEST = 128,   /* only ModRM /0 and /1 have the immediate */
        INSN_TURN = 256,
        INSN_TURN_RSP = 512,  /* with ModRM c4 and ec: add and sub with rsp */
        INSN_TURN_JUMP = 1024, /* with ModRM /4: jmp */
};

/* Where an immediate is kept; of a branch it is the distance. */
static inline enum code_part instruction_imm_part(const struct instruction *i)
{
        if (i->form & INSN_BRANCH)
                return i->imm == 1 ? CODE_PART_REL8 : CODE_PART_REL32;
        return i->imm == 1 ? CODE_PART_IMM8 : CODE_PART_IMM32;
}

/* Where its low bytes are if it is an address. */
static inline enum code_part instruction_address_part(const struct instruction *i)
{
        /* call and jmp: not jcc, whose opcodes are 80 to 8f */
        return i->form & INSN_BRANCH && i->opcode >= 0xe8 ? CODE_PART_CALL :
                                                            CODE_PART_ADDRESS;
}

/* Behind it the stack is often another: push, pop, ret, … */
static inline bool instruction_is_turn(const struct instruction *i)
{
        return i->form & INSN_TURN;
}

/* Opcodes of one byte, and those behind 0f. */
extern const uint16_t instruction_forms[2][256];

/* What ModRM says of the displacement: its size, and whether a SIB byte follows;
 * if that has no base either, the displacement has 4 bytes. */
enum { MODRM_DISP = 7, MODRM_SIB = 8, MODRM_SIB_BASE = 16 };

static inline uint32_t modrm_operand(uint32_t modrm)
{
        uint32_t rm = modrm & 7;

        if (modrm >= 0xc0)
                return 0;
        return (rm == 4 ? MODRM_SIB : 0) |
               (modrm >= 0x80 ? 4 :
                modrm >= 0x40 ? 1 :
                rm == 5       ? 4 :
                rm == 4       ? MODRM_SIB_BASE :
                                0);
}

static inline __attribute__((always_inline)) struct instruction
instruction_parse(const uint8_t *at)
{
        struct instruction i = { .opcode = at[0] };
        const uint8_t *start = at++;
        uint32_t prefix = 0; /* the last one */
        bool is_short = false;

        i.form = instruction_forms[0][i.opcode];
        while (i.form & INSN_PREFIX && at < start + 8) {
                prefix = i.opcode;
                is_short |= prefix == 0x66;
                i.opcode = *at++;
                i.form = instruction_forms[0][i.opcode];
        }
        if (i.opcode == 0x0f) {
                i.opcode = *at++;
                i.form = instruction_forms[1][i.opcode];
                at += (i.opcode & 0xfd) == 0x38; /* another byte */
        }
        if (i.form & INSN_MODRM) {
                uint32_t modrm = *at++;
                uint32_t operand = modrm_operand(modrm);

                i.disp = operand & MODRM_DISP;
                if (operand & MODRM_SIB) {
                        uint32_t base = *at++ & 7;

                        if (operand & MODRM_SIB_BASE && base == 5)
                                i.disp = 4;
                }
                if (i.form & (INSN_TEST | INSN_TURN_RSP | INSN_TURN_JUMP)) {
                        if (i.form & INSN_TEST && modrm & 0x30)
                                i.form = INSN_MODRM;
                        if ((i.form & INSN_TURN_RSP && (modrm & 0xd7) == 0xc4) ||
                            (i.form & INSN_TURN_JUMP && (modrm & 0x38) == 0x20))
                                i.form |= INSN_TURN;
                }
        }
        i.head = (uint32_t)(at - start);
        if (!(i.form & (INSN_IMM | INSN_IMM8 | INSN_IMM16)))
                return i;
        if (i.form & INSN_IMM)
                i.imm = i.form & INSN_WIDE && (prefix & 0xf8) == 0x48 ? 8 :
                        is_short ? 2 :
                                   4;
        else
                i.imm = (i.form & INSN_IMM8) / 2 + (i.form & INSN_IMM16) / 4;
        return i;
}

#endif
