/* SPDX-License-Identifier: MIT */
/*
 * How long is this x86 instruction, and where in it are the fields that may
 * hold an address?  Nothing else: operands are not named, and what an
 * instruction does is told only for branches.
 */
#ifndef PACKER_X86_DECODE_H
#define PACKER_X86_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum x86_mode {
        X86_64, /* 64-bit code: REX, RIP-relative operands */
        X86_32, /* 32-bit code of a protected-mode segment */
};

/* The longest instruction that a processor takes, in bytes. */
#define X86_MAX_SIZE 15

/* What the processor adds to a 4-byte displacement. */
enum x86_disp {
        X86_DISP_NONE,     /* no 4-byte displacement */
        X86_DISP_RIP,      /* the address of the next instruction */
        X86_DISP_ABSOLUTE, /* nothing (or a segment's base) */
        X86_DISP_INDEX,    /* a scaled register: a table's address */
        X86_DISP_BASE,     /* a register, perhaps a scaled one as well */
};

/* Bits of x86_insn.flags. */
enum {
        X86_CALL = 0x01,        /* near or far call */
        X86_JUMP = 0x02,        /* jump, conditional or not */
        X86_CONDITIONAL = 0x04, /* with X86_JUMP: jcc, loop, jrcxz, xbegin */
        X86_WIDE = 0x08,        /* REX.W: imm32 is sign-extended to 64 bits */
        X86_SEGMENT = 0x10,     /* %fs or %gs prefix: per-CPU, TLS */
        X86_MOFFS = 0x20,       /* the immediate is an address (a0 to a3) */
        X86_RET = 0x40,         /* near, far or interrupt return */
        X86_INDIRECT = 0x80,    /* branch through register or memory */
};

/* All offsets are in bytes from the first byte of the instruction, prefixes
 * included; 0 means that there is no such field. */
struct x86_insn {
        uint8_t size;        /* 1 to 15; 1 unless valid */
        uint8_t valid;       /* 0: undefined, too long, or cut off by end */
        uint8_t disp_offset; /* of a 4-byte displacement */
        uint8_t disp_kind;   /* enum x86_disp */
        uint8_t imm_offset;  /* of an immediate of 4 or 8 bytes */
        uint8_t imm_size;    /* 0, 4 or 8 */
        uint8_t rel_offset;  /* of a rel32 branch displacement, which counts
                              * from the end of the instruction */
        uint8_t flags;       /* X86_CALL and following */
};

/*
 * Decodes the instruction at bytes, reading nothing at or beyond end.  Always
 * fills *ret_insn, and always with a size of at least 1 so that a walk ends;
 * where bytes is not below end that is all it says.  Instructions that start in
 * the last 20 bytes take three times as long: who walks one function of many
 * gives the end of the section.
 */
void x86_decode(const uint8_t *bytes, const uint8_t *end, enum x86_mode mode,
                struct x86_insn *ret_insn);

#endif
