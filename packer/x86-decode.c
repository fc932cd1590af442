/* SPDX-License-Identifier: MIT */
/*
 * Length and address fields of x86 instructions.
 *
 * An instruction is
 *
 *         prefixes  opcode  ModRM  SIB  displacement  immediate
 *
 * (Intel SDM volume 2, chapter 2 and appendix A).  A byte per opcode tells
 * whether a ModRM byte follows and how large the immediate is; ModRM and SIB
 * tell the rest.  Example, in 64-bit code:
 *
 *         65 48 c7 05 d0 c1 b2 a1 44 33 22 11    movq $0x11223344,%gs:x(%rip)
 *         |  |  |  |  |           |
 *         |  |  |  |  |           immediate, 4 bytes: imm_offset 8
 *         |  |  |  |  displacement, RIP-relative: disp_offset 4
 *         |  |  |  ModRM: mod 0, rm 5
 *         |  |  opcode c7: MODRM and IMMZ
 *         |  REX.W: X86_WIDE
 *         %gs: X86_SEGMENT
 *
 * Left out: XOP, and APX (REX2, EVEX map 4).  Undefined opcodes are known by
 * opcode only: what is undefined just for some register field, prefix or VEX
 * form is decoded as its neighbours are, which at worst gives a wrong length
 * where data lies among code.  Near branches take no 16-bit displacement in
 * 64-bit code, as on Intel's processors.
 */
#include <stdbool.h>
#include <string.h>

#include "x86-decode.h"

/* What an opcode is followed by, and what needs code of its own. */
enum {
        IMM8 = 0x01, /* with IMM16, the immediate's size in bytes */
        IMM16 = 0x02,
        MODRM = 0x04,
        IMMZ = 0x08,      /* 4 bytes, or 2 with 16-bit operands */
        BRANCH = 0x10,    /* see branch_flags(); immediates are displacements */
        ONLY32 = 0x20,    /* undefined in 64-bit code */
        SPECIAL = 0x40,   /* see special() */
        PREFIX = 0x80,    /* with ONLY32: one in 64-bit code only, i.e. REX */
        UNDEFINED = 0x80, /* in the two-byte map, which has no prefixes */
        IMM32 = 0x100,    /* in no map, see special() */
        IMM64 = 0x200,
};

/* Short names, so that a line of a map is a line here. */
#define M_ MODRM
#define B_ IMM8
#define W_ IMM16
#define Z_ IMMZ
#define MB (MODRM | IMM8)
#define MZ (MODRM | IMMZ)
#define MJ (MODRM | BRANCH)
#define MS (MODRM | SPECIAL)
#define JB (BRANCH | IMM8)
#define JZ (BRANCH | IMMZ)
#define JW (BRANCH | IMM16)
#define J_ BRANCH
#define N6 ONLY32
#define B6 (ONLY32 | IMM8)
#define F6 (ONLY32 | IMM16 | IMMZ) /* far branch: selector:offset */
#define XS SPECIAL
#define PX PREFIX
#define RX (PREFIX | ONLY32)
#define UD UNDEFINED

/* clang-format off */
static const uint8_t one_byte_map[256] = {
        /*  0   1   2   3   4   5   6   7   8   9   a   b   c   d   e   f */
/* 0 */    M_, M_, M_, M_, B_, Z_, N6, N6, M_, M_, M_, M_, B_, Z_, N6, XS,
/* 1 */    M_, M_, M_, M_, B_, Z_, N6, N6, M_, M_, M_, M_, B_, Z_, N6, N6,
/* 2 */    M_, M_, M_, M_, B_, Z_, PX, N6, M_, M_, M_, M_, B_, Z_, PX, N6,
/* 3 */    M_, M_, M_, M_, B_, Z_, PX, N6, M_, M_, M_, M_, B_, Z_, PX, N6,
/* 4 */    RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX, RX,
/* 5 */     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
/* 6 */    N6, N6, XS, M_, PX, PX, PX, PX, Z_, MZ, B_, MB,  0,  0,  0,  0,
/* 7 */    JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB, JB,
/* 8 */    MB, MZ, MB | N6, MB, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* 9 */     0,  0,  0,  0,  0,  0,  0,  0,  0,  0, F6,  0,  0,  0,  0,  0,
/* a */    XS, XS, XS, XS,  0,  0,  0,  0, B_, Z_,  0,  0,  0,  0,  0,  0,
/* b */    B_, B_, B_, B_, B_, B_, B_, B_, Z_, Z_, Z_, Z_, Z_, Z_, Z_, Z_,
/* c */    MB, MB, JW, J_, XS, XS, MB, MZ, W_ | B_, 0, JW, J_, 0, B_, N6, J_,
/* d */    M_, M_, M_, M_, B6, B6, N6,  0, M_, M_, M_, M_, M_, M_, M_, M_,
/* e */    JB, JB, JB, JB, B_, B_, B_, B_, JZ, JZ, F6, JB,  0,  0,  0,  0,
/* f */    PX,  0, PX, PX,  0,  0, XS, XS,  0,  0,  0,  0,  0,  0, M_, MJ,
};

/* 0f 20 to 23 move control and debug registers: their ModRM always names two
 * registers, whatever mod says, which makes it as good as an immediate. */
static const uint8_t two_byte_map[256] = {
        /*  0   1   2   3   4   5   6   7   8   9   a   b   c   d   e   f */
/* 0 */    M_, M_, M_, M_, UD,  0,  0,  0,  0,  0, UD,  0, UD, M_,  0, MB,
/* 1 */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* 2 */    B_, B_, B_, B_, UD, UD, UD, UD, M_, M_, M_, M_, M_, M_, M_, M_,
/* 3 */     0,  0,  0,  0,  0,  0, UD,  0, XS, UD, XS, UD, UD, UD, UD, UD,
/* 4 */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* 5 */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* 6 */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* 7 */    MB, MB, MB, MB, M_, M_, M_,  0, MS, M_, UD, UD, M_, M_, M_, M_,
/* 8 */    JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ, JZ,
/* 9 */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* a */     0,  0,  0, M_, MB, M_, M_, M_,  0,  0,  0, M_, MB, M_, M_, M_,
/* b */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, MB, M_, M_, M_, M_, M_,
/* c */    M_, M_, MB, M_, MB, MB, MB, M_,  0,  0,  0,  0,  0,  0,  0,  0,
/* d */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* e */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
/* f */    M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_, M_,
};
/* clang-format on */

/* What a ModRM byte is followed by. */
enum {
        MORE = 0x07,   /* bytes of SIB and displacement together */
        DISP32 = 0x08, /* the last four are a displacement */
        SIB0 = 0x10,   /* SIB whose base 5 adds a displacement of 4 bytes */
};

/* The same eight values for each reg. */
#define X8(...)                                                          \
        __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, \
                __VA_ARGS__, __VA_ARGS__, __VA_ARGS__

static const uint8_t modrm_map[256] = {
        /* rm: 0 to 3, 4 (SIB), 5 (RIP-relative in mod 0), 6, 7 */
        X8(0, 0, 0, 0, 1 | SIB0, 4 | DISP32, 0, 0), /* mod 0 */
        X8(1, 1, 1, 1, 2, 1, 1, 1),                 /* mod 1 */
        X8(4 | DISP32, 4 | DISP32, 4 | DISP32, 4 | DISP32, 5 | DISP32,
           4 | DISP32, 4 | DISP32, 4 | DISP32), /* mod 2 */
        /* mod 3: a register, nothing follows */
};

/* The three-byte maps, whose opcodes all take a ModRM byte and, in 0f 3a, an
 * imm8: a bit per opcode that is defined without VEX, a word per line. */
static const uint16_t three_byte_map[2][16] = {
        {
                /* 0f 38 */
                [0x0] = 0x0fff, /* pshufb to pmulhrsw */
                [0x1] = 0x70b1, /* pblendvb, blendv, ptest, pabs */
                [0x2] = 0x0f3f, /* pmovsx, pmuldq to packusdw */
                [0x3] = 0xffbf, /* pmovzx, pcmpgtq, pmin, pmax */
                [0x4] = 0x0003, /* pmulld, phminposuw */
                [0x8] = 0x0007, /* invept, invvpid, invpcid */
                [0xc] = 0xbf00, /* SHA, gf2p8mulb */
                [0xd] = 0xf900, /* AES, Key Locker */
                [0xf] = 0x1f63, /* movbe, crc32, wruss, adx, movdir */
        },
        {
                /* 0f 3a */
                [0x0] = 0xff00, /* round, blend, palignr */
                [0x1] = 0x00f0, /* pextr, extractps */
                [0x2] = 0x0007, /* pinsr, insertps */
                [0x4] = 0x0017, /* dp, mpsadbw, pclmulqdq */
                [0x6] = 0x000f, /* pcmpestr, pcmpistr */
                [0xc] = 0xd000, /* sha1rnds4, gf2p8affine */
                [0xd] = 0x8000, /* aeskeygenassist */
                [0xf] = 0x0001, /* hreset */
        },
};

/* Bits of decoder.state.  A REX byte goes in as it is, 0100WRXB; what the
 * caller gets to see has the place that it has in x86_insn.flags. */
enum {
        REX_X = 0x02,
        REX_W = X86_WIDE,
        REX = 0x4f,
        SEGMENT = X86_SEGMENT, /* prefix 64 or 65 */
        MOFFS = X86_MOFFS,
        OPERAND16 = 0x100, /* prefix 66 */
        ADDRESS = 0x200,   /* 67 */
        REPNE = 0x400,     /* f2 */
        REP = 0x800,       /* f3 */
        LOCK = 0x1000,     /* f0 */
};
_Static_assert(REX_W == 0x08, "REX_W is the processor's bit");

/* Inlined also where the compiler minds size: a decoder passed by address would
 * live in memory, which doubles the instructions executed. */
#define INLINE inline __attribute__((always_inline))

/* An instruction on its way; lives in registers. */
struct decoder {
        const uint8_t *at;    /* next byte */
        const uint8_t *start; /* first byte */
        enum x86_mode mode;
        unsigned form;   /* IMM8 and following */
        unsigned opcode; /* its last byte, plus 0x100 behind 0f, 0x200 behind
                          * 0f 38, 0x300 behind 0f 3a */
        unsigned state;  /* REX_X and following */
};

/* Most bytes that are read of one instruction: 15 until the prefixes must have
 * ended, then 0f 38 or EVEX (3 more bytes), opcode, ModRM, SIB.  Displacements
 * and immediates are counted but not read. */
#define WINDOW (X86_MAX_SIZE + 3 + 1 + 1 + 1)

static inline unsigned prefix_bit(unsigned byte)
{
        switch (byte) {
        case 0x64:
        case 0x65:
                return SEGMENT;
        case 0x66:
                return OPERAND16;
        case 0x67:
                return ADDRESS;
        case 0xf0:
                return LOCK;
        case 0xf2:
                return REPNE;
        case 0xf3:
                return REP;
        }
        return 0; /* 26, 2e, 36, 3e: segments that do nothing here */
}

/* Takes prefixes and the first opcode byte. */
static inline bool prefixes(struct decoder *d)
{
        for (;;) {
                d->opcode = *d->at++;
                d->form = one_byte_map[d->opcode];
                if (!(d->form & (PREFIX | ONLY32)))
                        return true;
                if (!(d->form & ONLY32)) {
                        /* REX counts only right before the opcode */
                        d->state &= ~REX;
                        d->state |= prefix_bit(d->opcode);
                } else if (d->mode == X86_32) {
                        d->form &= ~(PREFIX | ONLY32); /* inc, dec and so on */
                        return true;
                } else if (d->form & PREFIX) {
                        d->state = (d->state & ~REX) | d->opcode;
                } else {
                        return false;
                }
                if (d->at - d->start == X86_MAX_SIZE)
                        return false;
        }
}

/* What follows 0f. */
static inline bool two_byte(struct decoder *d)
{
        unsigned byte = *d->at++;

        d->opcode = 0x100 + byte;
        d->form = two_byte_map[byte];
        if (d->form != SPECIAL)
                return !(d->form & UNDEFINED);
        unsigned third = (byte >> 1) & 1; /* 38 or 3a */
        byte = *d->at++;
        d->opcode = 0x200 + third * 0x100 + byte;
        d->form = MODRM + third * IMM8;
        return (three_byte_map[third][byte >> 4] >> (byte & 15)) & 1;
}

/*
 * VEX and EVEX, whose first byte is d->opcode:
 *
 *         c5 RvvvvLpp
 *         c4 RXBmmmmm WvvvvLpp
 *         62 RXBR0mmm Wvvvv1pp zLLbVaaa
 *
 * where R, X and B are stored inverted and mmm is the map: 1, 2, 3 as in
 * decoder.opcode, 5 and 6 for AVX512-FP16.  32-bit code tells them from lds,
 * les and bound by their top two bits, those of a ModRM byte that names a
 * register, which the old instructions refuse.
 */
static inline bool vex(struct decoder *d)
{
        unsigned first = d->opcode;
        unsigned byte = *d->at;
        unsigned map = 1;

        if (d->mode == X86_32 && byte < 0xc0) {
                d->form = MODRM;
                return true;
        }
        if (d->state & (REX | OPERAND16 | REPNE | REP | LOCK))
                return false;
        d->at++;
        if (first != 0xc5) {
                map = byte & (first == 0xc4 ? 0x1f : 0x0f);
                if (map < 1 || map > 6 || map == 4)
                        return false;
                d->state |= (~byte >> 5) & 0x07;
                byte = *d->at++;
                if (first == 0x62) {
                        if (!(byte & 0x04))
                                return false;
                        d->at++;
                }
        }
        byte = *d->at++;
        d->opcode = map * 0x100 + byte;
        d->form = MODRM;
        if (map == 3)
                d->form = MODRM | IMM8;
        else if (d->opcode == 0x177 && first != 0x62)
                d->form = 0; /* vzeroupper, vzeroall */
        else if (map == 1)
                d->form |= two_byte_map[byte] & IMM8;
        return true;
}

/* Where the form depends on more than the opcode. */
static inline bool special(struct decoder *d)
{
        unsigned narrow = d->state & ADDRESS;

        switch (d->opcode) {
        case 0x0a0: /* mov between the accumulator and an address */
        case 0x0a1:
        case 0x0a2:
        case 0x0a3:
                d->state |= MOFFS;
                if (d->mode == X86_64)
                        d->form = narrow ? IMM32 : IMM64;
                else
                        d->form = narrow ? IMM16 : IMM32;
                return true;
        case 0x0f6: /* reg 0 and 1: test; the others have no immediate */
                d->form = *d->at & 0x30 ? MODRM : MODRM | IMM8;
                return true;
        case 0x0f7:
                d->form = *d->at & 0x30 ? MODRM : MODRM | IMMZ;
                return true;
        case 0x178: /* vmread; extrq and insertq with two bytes */
                d->form =
                        d->state & (OPERAND16 | REPNE) ? MODRM | IMM16 : MODRM;
                return true;
        default:
                return vex(d);
        }
}

/* Takes prefixes and opcode. */
static inline bool opcode(struct decoder *d)
{
        if (!prefixes(d))
                return false;
        if (d->opcode == 0x0f && !two_byte(d))
                return false;
        return !(d->form & SPECIAL) || special(d);
}

/* Takes SIB and displacement in their 32- and 64-bit form. */
static INLINE void memory(struct decoder *d, unsigned modrm,
                          struct x86_insn *insn)
{
        unsigned more = modrm_map[modrm];
        unsigned sib = *d->at;

        d->at += more & MORE;
        if (!(more & (DISP32 | SIB0)))
                return;
        if (more & SIB0) {
                if ((sib & 7) != 5)
                        return;
                d->at += 4;
                insn->disp_kind = (sib & 0x38) == 0x20 && !(d->state & REX_X)
                                          ? X86_DISP_ABSOLUTE
                                          : X86_DISP_INDEX;
        } else if (modrm >= 0x80) {
                insn->disp_kind = X86_DISP_BASE;
        } else {
                insn->disp_kind =
                        d->mode == X86_64 ? X86_DISP_RIP : X86_DISP_ABSOLUTE;
        }
        insn->disp_offset = d->at - 4 - d->start;
}

/* The same in 16-bit form. */
static INLINE void memory16(struct decoder *d, unsigned modrm)
{
        if (modrm < 0xc0)
                d->at += (modrm & 0xc7) == 0x06 ? 2 : modrm >> 6;
}

/* Takes an immediate of 4 or 8 bytes, or 2 by a prefix. */
static INLINE void wide_immediate(struct decoder *d, unsigned modrm,
                                  struct x86_insn *insn)
{
        unsigned offset = d->at - d->start;

        if ((d->state & OPERAND16) && (d->form & IMMZ) && !(d->state & REX_W) &&
            !((d->form & BRANCH) && d->mode == X86_64)) {
                d->at += 2;
                return;
        }
        d->at += 4;
        if (d->opcode == 0xc7 && modrm == 0xf8)
                d->form |= BRANCH; /* xbegin */
        if (d->form & BRANCH) {
                insn->rel_offset = offset;
                return;
        }
        insn->imm_offset = offset;
        insn->imm_size = 4;
        /* b8 to bf, mov: the only immediate that grows with REX.W */
        if ((d->form & IMM64) ||
            (d->opcode >> 3 == 0xb8 >> 3 && (d->state & REX_W))) {
                insn->imm_size = 8;
                d->at += 4;
        }
}

/* Flags of an opcode with BRANCH. */
static INLINE unsigned branch_flags(const struct decoder *d, unsigned modrm)
{
        switch (d->opcode) {
        case 0xe8:
                return X86_CALL;
        case 0xe9:
        case 0xeb:
                return X86_JUMP;
        case 0xc2:
        case 0xc3:
        case 0xca:
        case 0xcb:
        case 0xcf:
                return X86_RET;
        case 0xff: /* reg: 2, 3 call; 4, 5 jump; others are no branches */
                if (modrm & 0x20)
                        return modrm & 0x10 ? 0 : X86_JUMP | X86_INDIRECT;
                return modrm & 0x10 ? X86_CALL | X86_INDIRECT : 0;
        default: /* 70 to 7f, e0 to e3, c7 f8, 0f 80 to 0f 8f */
                return X86_JUMP | X86_CONDITIONAL;
        }
}

/* Forms that decode_any() must look at. */
#define ODD (PREFIX | UNDEFINED | ONLY32 | SPECIAL)

/* Takes all that follows the opcode. */
static INLINE void operands(struct decoder *d, struct x86_insn *insn)
{
        unsigned modrm = 0;

        *insn = (struct x86_insn){ .valid = 1 };
        if (d->form & MODRM) {
                modrm = *d->at++;
                if ((d->state & ADDRESS) && d->mode == X86_32)
                        memory16(d, modrm);
                else
                        memory(d, modrm, insn);
        }
        if (d->form & (IMMZ | IMM32 | IMM64))
                wide_immediate(d, modrm, insn);
        d->at += d->form & (IMM8 | IMM16);
        unsigned flags = d->state & (REX_W | SEGMENT | MOFFS);
        if (d->form & BRANCH)
                flags |= branch_flags(d, modrm);
        insn->flags = flags;
        insn->size = d->at - d->start;
}

/* Everything, at the price of keeping all of the decoder's state. */
static __attribute__((noinline)) void decode_any(const uint8_t *bytes,
                                                 const uint8_t *end,
                                                 enum x86_mode mode,
                                                 struct x86_insn *ret_insn)
{
        uint8_t window[WINDOW];
        size_t room = bytes < end ? end - bytes : 0;

        if (room < WINDOW) {
                memset(window, 0, sizeof(window));
                memcpy(window, bytes, room);
                bytes = window;
        }
        if (room > X86_MAX_SIZE)
                room = X86_MAX_SIZE;
        struct decoder d = { .at = bytes, .start = bytes, .mode = mode };
        if (!opcode(&d))
                goto invalid;
        operands(&d, ret_insn);
        if (ret_insn->size <= room)
                return;
invalid:
        *ret_insn = (struct x86_insn){ .size = 1 };
}

/* Nine of ten instructions of a kernel are 64-bit code with no prefix but REX
 * and an opcode of the first two maps that needs no special care.  They are
 * decoded here in half the time; none can be longer than 15 bytes. */
void x86_decode(const uint8_t *bytes, const uint8_t *end, enum x86_mode mode,
                struct x86_insn *ret_insn)
{
        struct decoder d = { .at = bytes, .start = bytes, .mode = X86_64 };
        unsigned byte;

        if (end - bytes < WINDOW || mode != X86_64) {
                decode_any(bytes, end, mode, ret_insn);
                return;
        }
        byte = *d.at++;
        d.form = one_byte_map[byte];
        d.opcode = byte;
        if (d.form & ODD) {
                if (d.form == RX) {
                        d.state = byte;
                        byte = *d.at++;
                        d.form = one_byte_map[byte];
                        d.opcode = byte;
                }
                if (byte == 0x0f) {
                        byte = *d.at++;
                        d.form = two_byte_map[byte];
                        d.opcode = 0x100 + byte;
                }
                if (d.form & ODD) {
                        decode_any(bytes, end, mode, ret_insn);
                        return;
                }
        }
        operands(&d, ret_insn);
}
