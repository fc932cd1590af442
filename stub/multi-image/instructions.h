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
        uint8_t head; /* prefixes, opcode, ModRM, SIB */
        uint8_t disp; /* 0, 1 or 4 */
        uint8_t imm;  /* 0 to 8; of a branch its distance: */
        bool is_branch;
        bool is_call; /* call or jmp */
        bool is_turn; /* behind it the stack is often another: push, pop, ret, … */
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

/* Where an immediate is kept. */
static inline enum code_part instruction_imm_part(const struct instruction *i)
{
        return i->imm == 1 ? i->is_branch ? CODE_PART_REL8 : CODE_PART_IMM8 :
               i->is_branch ? CODE_PART_REL32 :
                              CODE_PART_IMM32;
}

/* Opcodes of one byte, and those behind 0f. */
extern const uint16_t instruction_forms[2][256];

/* For each instruction of a kernel: most have no prefix, or one; no memory
 * operand; no immediate. */
static inline __attribute__((always_inline)) struct instruction
instruction_parse(const uint8_t *at)
{
        struct instruction i = { 0 };
        bool is_short = false, is_wide = false;
        uint8_t opcode = at[0];
        uint32_t form = instruction_forms[0][opcode];
        uint32_t n = 1;

        while (form & INSN_PREFIX && n < 8) {
                is_short |= opcode == 0x66;
                is_wide = (opcode & 0xf8) == 0x48;
                opcode = at[n++];
                form = instruction_forms[0][opcode];
        }
        i.is_call = (opcode & 0xfe) == 0xe8;
        if (opcode == 0x0f) {
                opcode = at[n++];
                form = instruction_forms[1][opcode];
                n += (opcode & 0xfd) == 0x38; /* 0f 38, 0f 3a: another byte */
        }
        if (form & INSN_MODRM) {
                uint8_t modrm = at[n++];

                if (form & (INSN_TEST | INSN_TURN_RSP | INSN_TURN_JUMP)) {
                        if (form & INSN_TEST && modrm & 0x30)
                                form = INSN_MODRM;
                        if ((form & INSN_TURN_RSP && (modrm & 0xd7) == 0xc4) ||
                            (form & INSN_TURN_JUMP && (modrm & 0x38) == 0x20))
                                form |= INSN_TURN;
                }
                if (modrm < 0xc0) { /* memory */
                        uint8_t base = modrm & 7;

                        if (base == 4) /* SIB */
                                base = at[n++] & 7;
                        if (modrm >= 0x80 || (modrm < 0x40 && base == 5))
                                i.disp = 4;
                        else if (modrm >= 0x40)
                                i.disp = 1;
                }
        }
        i.head = (uint8_t)n;
        i.is_turn = form & INSN_TURN;
        i.is_branch = form & INSN_BRANCH;
        if (!(form & (INSN_IMM8 | INSN_IMM16 | INSN_IMM)))
                return i;
        if (form & INSN_IMM)
                i.imm = form & INSN_WIDE && is_wide ? 8 : is_short ? 2 : 4;
        else
                i.imm = (uint8_t)(!!(form & INSN_IMM8) + (form & INSN_IMM16) / 4);
        return i;
}

#endif
