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

#include "x86-decode.h"

/* What an opcode is followed by, and what needs code of its own. */
enum {
        MODRM = 0x01,
        IMM8 = 0x02,
        IMM16 = 0x04,
        IMMZ = 0x08,      /* 4 bytes, or 2 with 16-bit operands */
        BRANCH = 0x10,    /* see branch_flags(); immediates are displacements */
        ONLY32 = 0x20,    /* undefined in 64-bit code */
        SPECIAL = 0x40,   /* see special_opcode() and special_modrm() */
        PREFIX = 0x80,    /* with ONLY32: one in 64-bit code only, i.e. REX */
        UNDEFINED = 0x80, /* in the two-byte map, which has no prefixes */
};

/* Short names, so that a line of a map is a line here. */
#define M_ MODRM
#define B_ IMM8
#define W_ IMM16
#define Z_ IMMZ
#define MB (MODRM | IMM8)
#define MZ (MODRM | IMMZ)
#define MS (MODRM | SPECIAL)
#define MJ (MODRM | BRANCH)
#define JB (BRANCH | IMM8)
#define JZ (BRANCH | IMMZ)
#define JW (BRANCH | IMM16)
#define J_ BRANCH
#define N6 ONLY32
#define B6 (ONLY32 | IMM8)
#define F6 (ONLY32 | IMM16 | IMMZ | BRANCH) /* far branch: selector:offset */
#define XS SPECIAL
#define ZS (SPECIAL | IMMZ)
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
/* b */    B_, B_, B_, B_, B_, B_, B_, B_, ZS, ZS, ZS, ZS, ZS, ZS, ZS, ZS,
/* c */    MB, MB, JW, J_, XS, XS, MB, MZ | XS, W_ | B_, 0, JW, J_, 0, B_, N6, J_,
/* d */    M_, M_, M_, M_, B6, B6, N6,  0, M_, M_, M_, M_, M_, M_, M_, M_,
/* e */    JB, JB, JB, JB, B_, B_, B_, B_, JZ, JZ, F6, JB,  0,  0,  0,  0,
/* f */    PX,  0, PX, PX,  0,  0, MS, MS,  0,  0,  0,  0,  0,  0, M_, MJ,
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

/* Opcode maps by the numbers that VEX and EVEX give them. */
enum {
        MAP_ONE_BYTE,
        MAP_0F,
        MAP_0F38,
        MAP_0F3A,
};

/* Prefixes seen, beside the REX byte. */
enum {
        OPERAND16 = 0x01, /* 66 */
        ADDRESS = 0x02,   /* 67 */
        REPNE = 0x04,     /* f2 */
        REP = 0x08,       /* f3 */
        LOCK = 0x10,      /* f0 */
};

/* Bits of a REX byte. */
enum {
        REX_X = 0x02,
        REX_W = 0x08,
};

/* An instruction on its way. */
struct decoder {
        const uint8_t *bytes; /* its first byte */
        unsigned room;        /* bytes that may be read and taken, up to 15 */
        unsigned at;          /* bytes taken; may pass room unread */
        unsigned prefixes;    /* OPERAND16 and following */
        unsigned rex;         /* REX byte, or its bits out of VEX; 0: none */
        unsigned map;         /* MAP_ONE_BYTE and following */
        unsigned opcode;      /* last byte of the opcode */
        unsigned form;        /* MODRM and following */
        unsigned modrm;       /* if form has MODRM */
        enum x86_mode mode;
};

/* One byte more, -1 where room ends. */
static inline int next(struct decoder *d)
{
        return d->at < d->room ? d->bytes[d->at++] : -1;
}

/* Takes prefixes and the first opcode byte. */
static inline bool prefixes(struct decoder *d, struct x86_insn *insn)
{
        for (;;) {
                int byte = next(d);
                if (byte < 0)
                        return false;
                d->opcode = byte;
                d->form = one_byte_map[byte];
                if (d->mode == X86_32 && (d->form & ONLY32))
                        d->form = byte >> 4 == 4 ? 0 : d->form & ~ONLY32;
                if (!(d->form & PREFIX))
                        return !(d->form & ONLY32);
                if (d->form & ONLY32) {
                        d->rex = byte;
                        continue;
                }
                d->rex = 0; /* REX counts only right before the opcode */
                switch (byte) {
                case 0x64:
                case 0x65:
                        insn->flags |= X86_SEGMENT;
                        break;
                case 0x66:
                        d->prefixes |= OPERAND16;
                        break;
                case 0x67:
                        d->prefixes |= ADDRESS;
                        break;
                case 0xf0:
                        d->prefixes |= LOCK;
                        break;
                case 0xf2:
                        d->prefixes |= REPNE;
                        break;
                case 0xf3:
                        d->prefixes |= REP;
                        break;
                }
        }
}

/*
 * VEX and EVEX, whose first byte is d->opcode:
 *
 *         c5 RvvvvLpp
 *         c4 RXBmmmmm WvvvvLpp
 *         62 RXBR0mmm Wvvvv1pp zLLbVaaa
 *
 * where R, X and B are stored inverted and mmm is the map.  32-bit code tells
 * them from les, lds and bound by their top two bits, those of a ModRM byte
 * that names a register, which the old instructions refuse.
 */
static bool vex(struct decoder *d)
{
        unsigned first = d->opcode;
        int byte = next(d);
        if (byte < 0)
                return false;
        if (d->mode == X86_32 && byte < 0xc0) {
                d->at--;
                d->form = MODRM;
                return true;
        }
        if (d->rex || (d->prefixes & ~ADDRESS))
                return false;
        d->map = MAP_0F;
        if (first != 0xc5) {
                d->map = byte & (first == 0x62 ? 0x0f : 0x1f);
                d->rex = (~byte >> 5) & 0x07;
                byte = next(d);
                if (first == 0x62 && (!(byte & 0x04) || next(d) < 0))
                        return false;
        }
        byte = next(d);
        if (byte < 0)
                return false;
        d->opcode = byte;
        switch (d->map) {
        case MAP_0F:
                d->form = MODRM | (two_byte_map[byte] & IMM8);
                if (first != 0x62 && byte == 0x77)
                        d->form = 0; /* vzeroupper, vzeroall */
                return true;
        case MAP_0F3A:
                d->form = MODRM | IMM8;
                return true;
        case 5: /* AVX512-FP16 */
        case 6:
        case MAP_0F38:
                d->form = MODRM;
                return true;
        }
        return false;
}

/* What follows 0f. */
static inline bool two_byte(struct decoder *d)
{
        int byte = next(d);
        if (byte < 0)
                return false;
        d->map = MAP_0F;
        d->opcode = byte;
        d->form = two_byte_map[byte];
        if (d->form & UNDEFINED)
                return false;
        if ((d->form & (SPECIAL | MODRM)) != SPECIAL)
                return true;
        unsigned third = (byte >> 1) & 1; /* 38 or 3a */
        byte = next(d);
        if (byte < 0)
                return false;
        d->map = MAP_0F38 + third;
        d->opcode = byte;
        d->form = third ? MODRM | IMM8 : MODRM;
        return (three_byte_map[third][byte >> 4] >> (byte & 15)) & 1;
}

/* An 8-byte field, or one of the size that d->form says. */
static inline void wide_field(struct decoder *d, struct x86_insn *insn)
{
        insn->imm_offset = d->at;
        insn->imm_size = 8;
        d->at += 8;
        d->form = 0;
}

/* Opcodes with SPECIAL and without MODRM. */
static inline bool special_opcode(struct decoder *d, struct x86_insn *insn)
{
        switch (d->opcode) {
        case 0x0f:
                return two_byte(d);
        case 0x62:
        case 0xc4:
        case 0xc5:
                return vex(d);
        case 0xa0: /* mov between the accumulator and an address */
        case 0xa1:
        case 0xa2:
        case 0xa3:
                insn->flags |= X86_MOFFS;
                d->form = IMMZ;
                if (d->mode == X86_64 && !(d->prefixes & ADDRESS)) {
                        wide_field(d, insn);
                        return true;
                }
                /* here the address' size decides, not the operand's */
                d->prefixes &= ~OPERAND16;
                if (d->mode == X86_32 && (d->prefixes & ADDRESS))
                        d->prefixes |= OPERAND16;
                return true;
        default: /* b8 to bf: the only immediate that grows with REX.W */
                if (d->rex & REX_W)
                        wide_field(d, insn);
                return true;
        }
}

/* Opcodes with SPECIAL and MODRM, once ModRM is known. */
static inline void special_modrm(struct decoder *d)
{
        unsigned reg = (d->modrm >> 3) & 7;

        if (d->map == MAP_0F) {
                /* 0f 78: vmread; extrq and insertq with two bytes */
                if (d->prefixes & (OPERAND16 | REPNE))
                        d->form |= IMM16;
        } else if (d->opcode == 0xc7) {
                if (d->modrm == 0xf8)
                        d->form |= BRANCH; /* xbegin */
        } else if (reg < 2) {
                d->form |= d->opcode == 0xf6 ? IMM8 : IMMZ; /* test */
        }
}

/* Takes ModRM, SIB and displacement. */
static inline bool modrm(struct decoder *d, struct x86_insn *insn)
{
        int byte = next(d);
        if (byte < 0)
                return false;
        d->modrm = byte;
        unsigned mod = byte >> 6;
        unsigned rm = byte & 7;
        if (mod == 3)
                return true;
        if (d->mode == X86_32 && (d->prefixes & ADDRESS)) {
                d->at += mod || rm != 6 ? mod : 2; /* 16-bit addressing */
                return true;
        }
        unsigned kind = X86_DISP_BASE;
        unsigned base = rm;
        if (rm == 4) {
                int sib = next(d);
                if (sib < 0)
                        return false;
                base = sib & 7;
                if (base == 5)
                        kind = (sib & 0x38) == 0x20 && !(d->rex & REX_X)
                                       ? X86_DISP_ABSOLUTE
                                       : X86_DISP_INDEX;
        } else if (rm == 5) {
                kind = d->mode == X86_64 ? X86_DISP_RIP : X86_DISP_ABSOLUTE;
        }
        if (mod == 1) {
                d->at++;
                return true;
        }
        if (mod == 0 && base != 5)
                return true;
        insn->disp_offset = d->at;
        insn->disp_kind = mod ? X86_DISP_BASE : kind;
        d->at += 4;
        return true;
}

/* Takes immediate operands, branch displacements among them. */
static inline void immediates(struct decoder *d, struct x86_insn *insn)
{
        unsigned form = d->form;

        if (form & IMMZ) {
                bool narrow = (d->prefixes & OPERAND16) && !(d->rex & REX_W);
                if (d->mode == X86_64 && (form & BRANCH))
                        narrow = false;
                if (narrow) {
                        d->at += 2;
                } else if ((form & (BRANCH | IMM16)) == BRANCH) {
                        insn->rel_offset = d->at;
                        d->at += 4;
                } else {
                        insn->imm_offset = d->at;
                        insn->imm_size = 4;
                        d->at += 4;
                }
        }
        if (form & IMM8)
                d->at += 1;
        if (form & IMM16)
                d->at += 2;
}

/* Flags of an opcode with BRANCH. */
static inline unsigned branch_flags(const struct decoder *d)
{
        if (d->map == MAP_0F)
                return X86_JUMP | X86_CONDITIONAL;
        switch (d->opcode) {
        case 0xe8:
        case 0x9a:
                return X86_CALL;
        case 0xe9:
        case 0xea:
        case 0xeb:
                return X86_JUMP;
        case 0xc2:
        case 0xc3:
        case 0xca:
        case 0xcb:
        case 0xcf:
                return X86_RET;
        case 0xff:
                switch ((d->modrm >> 3) & 7) {
                case 2:
                case 3:
                        return X86_CALL | X86_INDIRECT;
                case 4:
                case 5:
                        return X86_JUMP | X86_INDIRECT;
                }
                return 0;
        }
        return X86_JUMP | X86_CONDITIONAL;
}

void x86_decode(const uint8_t *bytes, const uint8_t *end, enum x86_mode mode,
                struct x86_insn *ret_insn)
{
        struct decoder d = { .bytes = bytes, .mode = mode };
        struct x86_insn insn = { 0 };

        if (bytes < end)
                d.room =
                        end - bytes < X86_MAX_SIZE ? end - bytes : X86_MAX_SIZE;
        if (!prefixes(&d, &insn))
                goto invalid;
        if ((d.form & (SPECIAL | MODRM)) == SPECIAL &&
            !special_opcode(&d, &insn))
                goto invalid;
        if (d.form & MODRM) {
                if (!modrm(&d, &insn))
                        goto invalid;
                if (d.form & SPECIAL)
                        special_modrm(&d);
        }
        immediates(&d, &insn);
        if (d.at > d.room)
                goto invalid;
        if (d.form & BRANCH)
                insn.flags |= branch_flags(&d);
        if (d.rex & REX_W)
                insn.flags |= X86_WIDE;
        insn.size = d.at;
        insn.valid = 1;
        *ret_insn = insn;
        return;

invalid:
        *ret_insn = (struct x86_insn){ .size = 1 };
}
