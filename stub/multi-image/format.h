/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a store: what docs/format.md describes, defined once for
 * writer, reader, stub, fuzz targets and tests.
 *
 * A store holds a *master sequence* of entries.  Each entry is a run of bytes
 * with the set of variants that hold it (its membership); a variant is the
 * entries whose membership names it, in sequence.  Addresses follow by adding
 * sizes, so no layout is stored.  Relocated fields hold *pool addresses*:
 * addresses in a numbering that all variants share, which the reader maps to
 * the variant's own.
 */
#ifndef STUB_MULTI_IMAGE_FORMAT_H
#define STUB_MULTI_IMAGE_FORMAT_H

#include <stdint.h>

/* Bytes as they lie in the file: get_le32() is the only way to a number. */
typedef struct {
        uint8_t b[2];
} le16;
typedef struct {
        uint8_t b[4];
} le32;
typedef struct {
        uint8_t b[8];
} le64;

static inline uint16_t get_le16(le16 v)
{
        return (uint16_t)(v.b[0] | v.b[1] << 8);
}

/* Written so that gcc and clang make one load of it. */
static inline uint32_t get_le32(le32 v)
{
        return (uint32_t)v.b[0] | (uint32_t)v.b[1] << 8 |
               (uint32_t)v.b[2] << 16 | (uint32_t)v.b[3] << 24;
}

static inline uint64_t get_le64(le64 v)
{
        return (uint64_t)v.b[0] | (uint64_t)v.b[1] << 8 |
               (uint64_t)v.b[2] << 16 | (uint64_t)v.b[3] << 24 |
               (uint64_t)v.b[4] << 32 | (uint64_t)v.b[5] << 40 |
               (uint64_t)v.b[6] << 48 | (uint64_t)v.b[7] << 56;
}

static inline le16 put_le16(uint16_t v)
{
        return (le16){ { (uint8_t)v, (uint8_t)(v >> 8) } };
}

static inline le32 put_le32(uint32_t v)
{
        return (le32){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                         (uint8_t)(v >> 24) } };
}

static inline le64 put_le64(uint64_t v)
{
        return (le64){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                         (uint8_t)(v >> 24), (uint8_t)(v >> 32),
                         (uint8_t)(v >> 40), (uint8_t)(v >> 48),
                         (uint8_t)(v >> 56) } };
}

#define MULTI_IMAGE_MAGIC "\211INGOT\r\n" /* 8 bytes, no NUL */
#define MULTI_IMAGE_VERSION 3

/* Named maxima: a reader refuses more. */
#define MULTI_IMAGE_MAX_VARIANTS 32 /* a membership is 32 bits */
#define MULTI_IMAGE_MAX_RULES 256
#define MULTI_IMAGE_MAX_CHUNKS 65536
#define MULTI_IMAGE_MAX_CHUNK (16u << 20)     /* bytes of one unpacked chunk */
#define MULTI_IMAGE_MAX_BODY (64u << 10)      /* bytes of one entry's body */
#define MULTI_IMAGE_MAX_META (64u << 20)      /* bytes of an unpacked stream
                                               * that is read as a whole */
#define MULTI_IMAGE_MAX_PAYLOAD (1024u << 20) /* Xen's limit for a payload */
#define MULTI_IMAGE_MAX_SECTIONS 4096
#define MULTI_IMAGE_MAX_MEMBERSHIPS 65536
#define MULTI_IMAGE_NAME_SIZE 32
#define MULTI_IMAGE_MAX_SEGMENTS 16 /* PT_LOADs of a payload */

enum codec_id {
        CODEC_STORED = 0, /* a chunk may be stored whatever the codec */
        CODEC_DEFLATE = 1,
        CODEC_XZ = 2,   /* raw LZMA2 */
        CODEC_ZSTD = 3, /* frames without magic number */
};

enum variant_kind {
        VARIANT_BZIMAGE = 1, /* set-up, boot code, payload in the stored frame */
        VARIANT_ELF = 2,     /* the payload is the image; a set-up header of
                              * the bzImage that it came from may precede it */
        VARIANT_ELF_32 = 3,  /* the same, of class ELFCLASS32: processors
                              * without 64-bit mode can run it */
};

/* What the stub can find itself running on; the bit number in rules. */
enum platform {
        PLATFORM_NATIVE = 0, /* no hypervisor seen; also matches when nothing
                              * else is known */
        PLATFORM_KVM,
        PLATFORM_XEN_PV,
        PLATFORM_XEN_PVH,
        PLATFORM_XEN_HVM,
        PLATFORM_HYPERV,
        PLATFORM_VMWARE,
        PLATFORM_TCG, /* QEMU without a hypervisor's help */
        PLATFORM_ACRN,
        PLATFORM_JAILHOUSE,
        PLATFORM_BHYVE,
        PLATFORM_LGUEST,
        PLATFORM_VMI,
        PLATFORM_COUNT
};

/* Offset 0 of the store. */
struct multi_image_header {
        uint8_t magic[8];
        le32 version;         /* MULTI_IMAGE_VERSION */
        le32 tables_size;     /* bytes of header, variants, rules, chunks */
        le64 store_size;      /* bytes of the whole store */
        le32 variant_count;   /* 1 to MULTI_IMAGE_MAX_VARIANTS */
        le32 rule_count;      /* 0 to MULTI_IMAGE_MAX_RULES */
        le32 stream_count;    /* STREAM_GROUP_FIRST + groups *
                               * GROUP_STREAM_COUNT, 1 to 64 groups */
        le32 chunk_count;     /* chunks of all streams */
        le32 default_variant; /* index; what boots when no rule matches */
        uint8_t codec;        /* enum codec_id */
        uint8_t pool_mark;    /* highest byte of the first pool address */
        uint8_t reserved[2];  /* zero */
        uint8_t store_digest[32]; /* SHA-256 of everything behind the tables */
        uint8_t table_digest[32]; /* SHA-256 of the tables with this field 0 */
};
_Static_assert(sizeof(struct multi_image_header) == 112,
               "docs/format.md, section 2");

/* A variant's row.  The store tells the words of 4 bytes in which it differs from
 * the row before: a le64 whose bit i says that word i does, then these. */
struct format_variant {
        uint8_t name[MULTI_IMAGE_NAME_SIZE]; /* NUL-padded, unique */
        le32 kind;           /* enum variant_kind */
        le32 payload_crc;    /* CRC-32 of the unpacked payload (stored frame) */
        le64 image_size;     /* bytes of the image file */
        le64 setup_size;     /* leading bytes that go to unpack_memory.setup */
        le64 prefix_size;    /* bytes before the payload, set-up included */
        le64 suffix_size;    /* bytes behind the payload */
        le64 compact_size;   /* unpacked payload without folded pages */
        le64 payload_size;   /* unpacked payload */
        le64 init_size;
        le64 load_addr;
        le64 load_size;
        le64 load_room;      /* bytes that multi_image_load() may touch */
        le64 pvh_entry;
        le64 xen_entry;
        le64 xen_virt_base;
        le64 work_size;      /* bytes of work memory that unpacking takes */
        le32 fold_count;     /* runs of whole pages folded out of the payload */
        le32 slide_count[3]; /* entries of the KASLR table: abs64, inverse
                              * 32-bit, abs32 */
        uint8_t image_digest[32];   /* SHA-256 of the image file */
        uint8_t payload_digest[32]; /* SHA-256 of the compact payload, then of
                                     * each fold as three le32: position in the
                                     * compact payload, pages, value */
};
_Static_assert(sizeof(struct format_variant) == 232, "docs/format.md, 2.1");
#define FORMAT_VARIANT_WORDS (sizeof(struct format_variant) / sizeof(le32))
_Static_assert(FORMAT_VARIANT_WORDS <= 64, "docs/format.md, 2.1");

/* What a processor can do: the x86-64 psABI's micro-architecture levels, x86-64
 * itself being 1; 0: no 64-bit mode. */
#define LEVEL_COUNT 5

struct format_rule {
        uint8_t platform; /* enum platform */
        uint8_t level;    /* the least that the processor must have */
        le16 variant;     /* index */
        le32 priority;    /* higher wins; on a tie the higher level, then the
                           * earlier row */
};
_Static_assert(sizeof(struct format_rule) == 8, "docs/format.md, 2.2");

/* The chunks of stream i are the chunk_count ones behind those of stream i-1. */
struct format_stream {
        le32 chunk_count;
        le32 max_chunk; /* largest raw_size of its chunks */
        le64 raw_size;  /* bytes unpacked, the sum over its chunks */
};
_Static_assert(sizeof(struct format_stream) == 16, "docs/format.md, 2.3");

struct format_chunk {
        le32 packed_size; /* bytes in the store; equal to raw_size: stored */
        le32 raw_size;    /* 1 to MULTI_IMAGE_MAX_CHUNK */
};
_Static_assert(sizeof(struct format_chunk) == 8, "docs/format.md, 2.4");

/*
 * Streams.  First those that every variant reads, then for each group of
 * memberships the streams of its entries, so that a variant unpacks only the
 * groups it has a part in.  All are read as a whole but those of bodies, which
 * are read chunk by chunk.  Numbers in them are LEB128 ("varint"), signed ones
 * zigzag, unless said otherwise.
 */
enum stream_id {
        STREAM_SECTIONS,    /* struct format_section, then addresses */
        STREAM_MEMBERSHIPS, /* le32 each: bit i = variant i */
        STREAM_GROUPS,      /* one byte a membership: its group */
        STREAM_OP,          /* one byte an entry: enum entry_op */
        STREAM_MEMBERSHIP,  /* varint an entry: index of its membership */
        STREAM_SIZE,        /* varint an entry: bytes, or pages of a fold */
        STREAM_FOLD,        /* one byte a fold: the value */
        STREAM_MOVED,       /* varint a moved entry: its slot's index */
        STREAM_ORC_PALETTE, /* 6 bytes a distinct struct orc_entry */
        STREAM_SYMBOL_MEMBERSHIP, /* kallsyms, varint a symbol: 0 = wherever its
                                   * slot is, else index of membership + 1 */
        STREAM_SYMBOL_SLOT,       /* signed varint: slot less the last one's */
        STREAM_SYMBOL_OFFSET,     /* varint: bytes behind the slot's start */
        STREAM_SYMBOL_NAME,       /* type and name, NUL-terminated */
        STREAM_TOKEN,       /* kallsyms, per variant: varint count, then three
                             * bytes a token in the order of their making: code,
                             * left and right part */
        STREAM_STRING,      /* bytes of entries of strings; STRING_SYMBOL stands
                             * for the name of a symbol, and its NUL */
        STREAM_STRING_SYMBOL, /* signed varint each: that symbol less the one
                               * behind the last such */
        STREAM_EXPORT, /* one byte a string in STREAM_STRING, or none at all: of
                        * which exported symbol it is the name, enum export_flag;
                        * several if it is of several, or variants differ */
        STREAM_EXPORT_PLACE, /* what these bytes announce: varint bytes; varint
                              * variants; a slot less the last one's, signed varint, and
                              * varint bytes behind its start */
        STREAM_SITES,       /* per variant, enum site_table: varint count of runs;
                             * if there are any, varint address of the first
                             * thunk (32 bits), varint span of all, varint count
                             * of sites, then for each run signed varint sites
                             * passed over, varint records << 2 | back */
        STREAM_BTF_KIND,   /* one byte a record: enum btf_record */
        STREAM_BTF_COUNT,  /* varint a record with members, or a function: vlen */
        STREAM_BTF_NAME,   /* varint a record: 0 none, 1 the next string that was
                            * not named before, else number of the string + 1 */
        STREAM_BTF_MEMBER_NAME,   /* the same for members */
        STREAM_BTF_NEAR,   /* BTF_NEAR words: 0, or 1 + the signed varint own type
                            * less that one */
        STREAM_BTF_TYPE,   /* BTF_TYPE words: varint */
        STREAM_BTF_NUMBER, /* other words, info apart: varint */
        STREAM_BTF_MEMBER_NUMBER, /* the same for members: signed varint, less that
                                   * of the member before */
        STREAM_BTF_STRING, /* NUL-terminated; empty: a symbol's name */
        STREAM_BTF_SYMBOL, /* signed varint an empty string: its symbol less the
                            * one behind the last such */
        STREAM_BTF_ORDER,  /* per variant: varint count of runs of records, then
                            * for each signed varint records passed over, varint
                            * records; varint count of early strings, then for
                            * each varint strings before it, varint its number */
        STREAM_GROUP_FIRST  /* streams of group g begin here
                             * + g * GROUP_STREAM_COUNT */
};

enum group_stream {
        /* Fields of a record section; elsewhere exceptions (field-marks.h). */
        GROUP_FIELD_COUNT, /* varint an entry that has a body */
        GROUP_FIELD_GAP,   /* varint a field: bytes since the last one's end; an
                            * exception: since the start of the last one */
        GROUP_FIELD_TYPE,  /* one byte each: enum field_type */
        GROUP_TARGET,      /* signed varint a field of a record section */
        GROUP_ORC_COUNT,   /* varint a code entry: its unwind records */
        GROUP_ORC_GAP,     /* varint a record: bytes since the last one */
        GROUP_ORC_INDEX,   /* varint a record: index into the palette */
        GROUP_PATCH_OP,   /* patched bodies, three varints an op: bytes taken of
                           * the base; bytes inserted, doubled, plus 1 if they
                           * have unwind records; signed: bytes of the base
                           * passed over less bytes inserted */
        GROUP_PATCH_BYTE, /* inserted bytes */
        GROUP_BODY_CODE,
        GROUP_BODY_DATA,
        GROUP_BODY_STRING,
        GROUP_BODY_RECORD,
        GROUP_BODY_OTHER, /* image headers, boot code, what has no symbols */
        GROUP_CODE_DISP8, /* of code that is taken apart: displacements, */
        GROUP_CODE_DISP32,
        GROUP_CODE_IMM8, /* immediates, */
        GROUP_CODE_IMM32, /* of 2 or 8 bytes, too */
        GROUP_CODE_REL8, /* distances of branches, */
        GROUP_CODE_REL32, /* the longer ones as varint without their lowest byte */
        GROUP_CODE_REL32_LOW,
        GROUP_CODE_CALL,    /* and pool addresses without their highest byte, */
        GROUP_CODE_ADDRESS, /* three bytes each, the higher first */
        GROUP_STREAM_COUNT
};
#define GROUP_BODY_FIRST GROUP_BODY_CODE
#define GROUP_SECTION_BODY_COUNT (GROUP_CODE_DISP8 - GROUP_BODY_FIRST)
#define GROUP_BODY_COUNT (GROUP_STREAM_COUNT - GROUP_BODY_FIRST)
#define MULTI_IMAGE_MAX_GROUPS 64
#define MULTI_IMAGE_MAX_STREAMS                                                \
        (STREAM_GROUP_FIRST + MULTI_IMAGE_MAX_GROUPS * GROUP_STREAM_COUNT)

/* Code that is taken apart; the heads of instructions are in GROUP_BODY_CODE. */
enum code_part {
        CODE_PART_HEAD,
        CODE_PART_DISP8,
        CODE_PART_DISP32,
        CODE_PART_IMM8,
        CODE_PART_IMM32,
        CODE_PART_REL8,
        CODE_PART_REL32,
        CODE_PART_REL32_LOW,
        CODE_PART_CALL,
        CODE_PART_ADDRESS,
        CODE_PART_COUNT
};

/* The stream of a part, in its group. */
static inline enum group_stream code_part_stream(enum code_part part)
{
        return part == CODE_PART_HEAD ?
                       GROUP_BODY_CODE :
                       (enum group_stream)(GROUP_CODE_DISP8 + part - 1);
}

/* One byte an entry: its kind, and how it gets its slot. */
enum entry_op {
        ENTRY_KIND = 0x1f,
        ENTRY_BODY = 0,    /* bytes from the section's body stream in its group */
        ENTRY_FOLD = 1,    /* whole pages of one value, not in the compact payload */
        ENTRY_NOBITS = 2,  /* addresses without bytes (bss) */
        ENTRY_ORC_IP = 3,  /* derived: .orc_unwind_ip */
        ENTRY_ORC = 4,     /* derived: .orc_unwind */
        ENTRY_SYMBOL_OFFSETS = 5, /* derived: kallsyms_offsets */
        ENTRY_SYMBOL_NAMES = 6,   /* derived: kallsyms_names */
        ENTRY_SYMBOL_MARKERS = 7, /* derived: kallsyms_markers */
        ENTRY_SYMBOL_SEQS = 8,    /* derived: kallsyms_seqs_of_names */
        ENTRY_SLIDE = 9,          /* derived: KASLR relocation table */
        ENTRY_PATCH = 10, /* a body that is told by its differences from the last
                           * one of kind 0 or 14 in its slot */
        ENTRY_SITES = 11, /* derived: .return_sites; 12: .retpoline_sites */
        ENTRY_BTF = 13,   /* derived: .BTF */
        ENTRY_CODE = 14,  /* bytes of code that is taken apart */
        ENTRY_STRINGS = 15, /* bytes from STREAM_STRING */
        ENTRY_EXPORTS = 16, /* derived: __ksymtab; 17: __ksymtab_gpl */
        ENTRY_KIND_COUNT = 18,
        ENTRY_VERSION = 0x20, /* another version in the slot of the entry before */
        ENTRY_MOVED = 0x40,   /* stands for a slot named in STREAM_MOVED */
};

/* In STREAM_STRING: a symbol's name. */
#define STRING_SYMBOL 1

/* Tables of exported symbols: distances to the symbol, its name, and the name of
 * its namespace, 4 bytes each. */
enum export_table { EXPORT_ANY, EXPORT_GPL, EXPORT_TABLE_COUNT };
#define EXPORT_RECORD_SIZE 12

/* In STREAM_EXPORT. */
enum export_flag {
        EXPORT_TABLE = 3,      /* 0: none, else enum export_table + 1 */
        EXPORT_VALUE = 4,      /* the symbol's place follows: else it is the one
                                * that the string was told by */
        EXPORT_SPACE = 8,      /* the namespace's place follows: else it is that
                                * of the export before */
        EXPORT_MEMBERS = 0x10, /* it is so in some variants: they follow, then */
        EXPORT_TAIL = 0x20,    /* the name is the string's end: how many bytes it
                                * leaves out follows first */
        EXPORT_MORE = 0x40,    /* another byte of this string follows */
        EXPORT_END = 0x80,
};

/* Tables of the places that branch to a thunk, 4 bytes a record. */
enum site_table { SITE_RETURN, SITE_RETPOLINE, SITE_TABLE_COUNT };
#define SITE_MAX_BACK 3 /* bytes from an instruction's start to its field */

/* One byte a record of BTF, the kernel's types. */
enum btf_record {
        BTF_KIND = 0x1f,    /* kind of include/uapi/linux/btf.h */
        BTF_VERSION = 0x20, /* of the same type as the record before */
        BTF_FLAG = 0x80,    /* kind_flag */
};

/* What a word of a record is. */
enum btf_word {
        BTF_NUMBER, /* as it stands */
        BTF_NAME,   /* a string */
        BTF_TYPE,   /* a type */
        BTF_NEAR,   /* a type, most often one close by */
};

/* A record is name, info, one word more, fixed ones, and those of each member. */
#define BTF_KIND_COUNT 20
#define BTF_FUNC 12
#define BTF_RECORD_WORDS 3
#define BTF_MAX_MEMBERS 65535
struct btf_kind {
        uint8_t third; /* enum btf_word */
        uint8_t fixed_count, member_count;
        uint8_t fixed[3], member[3];
};
extern const struct btf_kind btf_kinds[BTF_KIND_COUNT];

/* Does a record of this kind have a number in STREAM_BTF_COUNT? */
static inline int btf_has_count(uint8_t kind)
{
        return btf_kinds[kind].member_count || kind == BTF_FUNC;
}

/* What word i of a record is, enum btf_word; info is a number. */
static inline uint8_t btf_word(uint8_t kind, uint32_t i)
{
        const struct btf_kind *k = &btf_kinds[kind];

        if (i < BTF_RECORD_WORDS)
                return i == 0 ? BTF_NAME : i == 2 ? k->third : BTF_NUMBER;
        i -= BTF_RECORD_WORDS;
        return i < k->fixed_count ?
                       k->fixed[i] :
                       k->member[(i - k->fixed_count) % k->member_count];
}

/* Offset 0 of .BTF; types follow, then strings. */
struct btf_header {
        le16 magic;   /* BTF_MAGIC */
        uint8_t version; /* 1 */
        uint8_t flags;   /* 0 */
        le32 header_size;
        le32 types_offset, types_size; /* behind the header */
        le32 strings_offset, strings_size;
};
_Static_assert(sizeof(struct btf_header) == 24, "include/uapi/linux/btf.h");
#define BTF_MAGIC 0xeb9f

/* Where a section's bytes go. */
enum section_part {
        PART_PREFIX = 0,  /* image bytes before the payload */
        PART_PAYLOAD = 1, /* unpacked payload */
        PART_SUFFIX = 2,  /* image bytes behind the payload */
        PART_NONE = 3,    /* no bytes: NOBITS */
};

enum section_flag {
        SECTION_SLOTS = 1,  /* entries have pool addresses */
        SECTION_CODE = 2,   /* entries have unwind records */
        SECTION_RECORD = 4, /* fields are coded in GROUP_TARGET, not in place */
        SECTION_LOADED = 8, /* has a virtual address of its own in each variant */
        SECTION_PERCPU = 16, /* addresses are offsets into the per-CPU area */
        SECTION_32 = 32,     /* of a kernel in 32 bits */
        SECTION_FLAGS_END = 64,
};

/* Master sections, in the order of the sequence.  In STREAM_SECTIONS: le32
 * count, then count of these, then for each section with SECTION_LOADED one
 * le64 a variant: its address (ABSENT where the variant lacks it), and for one
 * with SECTION_PERCPU another le64 a variant: the address it is loaded at. */
struct format_section {
        uint8_t name[32]; /* NUL-padded; for people */
        uint8_t part;     /* enum section_part */
        uint8_t flags;    /* enum section_flag */
        uint8_t body;     /* stream of the bodies minus GROUP_BODY_FIRST */
        uint8_t columns;  /* fields a record, 1 to FORMAT_MAX_COLUMNS: each has
                           * a predictor of its own */
        le32 entry_count;
};
_Static_assert(sizeof(struct format_section) == 40, "docs/format.md, 3.1");
#define FORMAT_MAX_COLUMNS 8
#define FORMAT_ABSENT UINT64_MAX

/*
 * A field's value follows from the target's address T and its own address P.
 * The REL32 types differ in how far behind the field the reference point lies:
 * an instruction's operand counts from the end of the instruction.
 */
enum field_type {
        FIELD_REL32_0 = 0,    /* T - (P + 4): branches, most operands */
        FIELD_REL32_1 = 1,    /* T - (P + 5): a 1-byte immediate follows */
        FIELD_REL32_2 = 2,    /* T - (P + 6) */
        FIELD_REL32_4 = 3,    /* T - (P + 8) */
        FIELD_REL32_DATA = 4, /* T - P: tables */
        FIELD_REL64_DATA = 5, /* T - P in 8 bytes */
        FIELD_ABS32 = 6,      /* T in 4 bytes */
        FIELD_ABS64 = 7,      /* T in 8 bytes */
        /* No target within the image: the bytes are as they are, but the KASLR
         * table lists them. */
        FIELD_FIXED_ABS64 = 8,
        FIELD_FIXED_INVERSE = 9,
        FIELD_FIXED_ABS32 = 10,
        FIELD_TYPE_COUNT,
        FIELD_UNLISTED = 0x10, /* added to a type: not in the KASLR table though
                                * its type says so */
        FIELD_NONE = 0xff,     /* an exception: no field, though it looks so */
};

/* Whether an entry of this kind has a body in its group's body streams. */
static inline int entry_has_body(uint8_t kind)
{
        return kind == ENTRY_BODY || kind == ENTRY_CODE;
}

/* Bytes of a field. */
static inline uint32_t field_size(uint8_t type)
{
        type &= (uint8_t)~FIELD_UNLISTED;
        return type == FIELD_ABS64 || type == FIELD_REL64_DATA ||
                               type == FIELD_FIXED_ABS64 ?
                       8 :
                       4;
}

static inline int field_is_fixed(uint8_t type)
{
        return (type & ~FIELD_UNLISTED) >= FIELD_FIXED_ABS64;
}

/* Pool addresses begin at pool_mark << 24: slot i + 1 begins at slot i's address plus the size of its
 * largest version, rounded up to a multiple of POOL_STEP, plus POOL_STEP: so
 * that the end of a slot is not the start of the next. */
#define POOL_STEP 16u

#define PAGE 4096u /* unit of folds */

#endif
