/* SPDX-License-Identifier: MIT */
/*
 * State of one rebuild, shared by its stages; private to the reader.
 *
 *   streams_open   unpack the streams that are read as a whole
 *   layout         addresses of all slots, places of all entries
 *   place          bodies to their places, fields relocated, tables that
 *                  follow from the fragments filled on the way
 *   strings        those that hold names of symbols; tables of exported ones
 *   btf            .BTF
 *   symbols        kallsyms
 *   then the frame around it (unpack.c) or its segments (load.c)
 */
#ifndef STUB_MULTI_IMAGE_UNPACK_H
#define STUB_MULTI_IMAGE_UNPACK_H

#include <stdbool.h>

#include "field-marks.h"
#include "frame.h"
#include "multi-image.h"

/* Lent memory, given out from the front. */
struct arena {
        uint8_t *base;
        size_t size;
        size_t used;
        size_t peak; /* most that was ever in use: what a caller must lend */
};

/* Not worth bytes for speed. */
#define SELDOM __attribute__((cold, noinline))

/* Zeros behind a whole stream, for those who read a word at a time. */
#define READER_SLACK 16

/* A whole stream in memory. */
struct reader {
        const uint8_t *at;
        const uint8_t *end;
};

/* A stream of bodies: one chunk in memory at a time, and the one before it if
 * the codec wants that. */
struct body_stream {
        uint32_t chunk;        /* next to unpack, index into mi->chunks */
        uint32_t chunk_end;
        const uint8_t *packed; /* of the next chunk */
        uint8_t *buffer; /* the chunk before ends where it begins */
        size_t position; /* in the buffer */
        size_t size;     /* unpacked bytes in the buffer */
};

/* The streams of some memberships' entries. */
struct group {
        bool is_used; /* this variant is in one of them; else the rest is unset */
        struct reader streams[GROUP_BODY_FIRST];
        struct body_stream bodies[GROUP_BODY_COUNT];
        uint32_t last_target[FORMAT_MAX_COLUMNS]; /* in a record section */
};

/* What membership an entry has, to this variant. */
struct membership {
        bool is_member;
        uint8_t group;
};

struct section {
        uint8_t part, flags, body, columns;
        uint32_t entry_count;
        uint64_t addr;      /* in this variant; FORMAT_ABSENT: not in it */
        uint64_t load_addr; /* differs from addr for the per-CPU area */
};

/* A derived table's place; size is 0 where the variant has none. */
struct derived {
        uint64_t offset; /* in the compact payload */
        uint64_t addr;
        uint64_t size;
};

/* Addresses are 32 bits, sign-extended. */
struct slot {
        uint32_t pool; /* pool address */
        uint32_t addr; /* in this variant, or: */
};
#define SLOT_ABSENT UINT32_MAX

/* Bytes behind a slot's start. */
struct slot_place {
        uint32_t slot, offset;
};

/* A symbol's name, without its type, of size bytes with its NUL; and where the symbol
 * is. */
struct symbol_name {
        const uint8_t *text;
        uint32_t size;
        struct slot_place at;
};

/* The three lists of the KASLR table. */
enum slide_list { SLIDE_ABS64, SLIDE_INVERSE, SLIDE_ABS32, SLIDE_NONE };

/* A table of sites while it is collected. */
struct sites {
        uint32_t first, span; /* addresses of its thunks */
        uint32_t *at;         /* addresses of the fields, in their order */
        uint32_t count, max;
        struct reader runs; /* of records */
        uint32_t run_count;
};

struct unpacker {
        const struct multi_image *mi;
        uint32_t variant;
        const struct format_variant *row; /* its, from streams_open() on */
        struct arena arena;

        struct reader streams[STREAM_GROUP_FIRST];
        bool all_groups; /* open also those that the variant has no part in, and
                          * at once those that are read late */
        struct group *groups;
        uint32_t group_count;
        struct membership *memberships;
        uint32_t membership_count;

        struct section *sections;
        uint32_t section_count;

        struct slot *slots; /* slot_count + 1 of them */
        uint32_t slot_count;
        struct field_marks pool; /* addresses there are */
        uint32_t *granules; /* slot at each POOL_GRANULE of pool addresses */
        uint32_t percpu_first, percpu_count; /* slots of the per-CPU area */

        struct fold *folds;
        uint32_t fold_count;
        struct derived derived[ENTRY_KIND_COUNT];

        /* KASLR table as it grows, by enum slide_list */
        uint8_t *slide[3], *slide_end[3]; /* next, and behind the last */

        struct symbol_name *names; /* of all symbols */
        uint32_t name_count;

        struct sites sites[SITE_TABLE_COUNT];
        uint32_t thunk_first, thunk_span; /* addresses of the thunks of all */

        uint64_t prefix_size, compact_size, suffix_size, payload_size;
        uint8_t *prefix_setup; /* first setup_size bytes of the prefix */
        uint8_t *prefix;       /* the rest of it */
        uint8_t *compact;
        uint8_t *suffix;
};

#define POOL_GRANULE_SHIFT 9

/* NULL when the arena is used up.  16-byte aligned. */
void *arena_take(struct arena *arena, uint64_t size);

int streams_open(struct unpacker *u);
int bodies_open(struct unpacker *u);
/* Streams of symbols and of types, when their tables are derived. */
int streams_open_late(struct unpacker *u, uint32_t first, uint32_t last);
/* size bytes of a body stream, in one piece; they stay until the next call. */
int body_take(struct unpacker *u, struct body_stream *s, size_t size,
              const uint8_t **ret_bytes);

/* The next chunk if this one is used up. */
int body_refill(struct unpacker *u, struct body_stream *s);
/* Code that was taken apart.  Turns are where a record of the unwind table is
 * likely, offsets in ascending order: its start, and behind instructions that
 * change the stack or after which another path begins. */
struct code {
        uint8_t *bytes;  /* room for MULTI_IMAGE_MAX_BODY and BODY_SLACK more */
        uint16_t *turns; /* room for MULTI_IMAGE_MAX_BODY + 1 */
        const uint16_t *turn_end;
};

/* Memory for one; false: there is none left. */
bool code_open(struct unpacker *u, struct code *ret);
/* The next size bytes. */
int gather(struct unpacker *u, struct group *g, struct code *ret, uint32_t size);

int layout(struct unpacker *u);
int place(struct unpacker *u);
/* Are the lists of the KASLR table full? */
int slide_check(const struct unpacker *u);
/* The names of all symbols; in memory of the arena. */
int names_find(struct unpacker *u);
int strings_derive(struct unpacker *u);
int btf_derive(struct unpacker *u);
int symbols_derive(struct unpacker *u);
int sites_open(struct unpacker *u);
int sites_derive(struct unpacker *u);
/* A field at addr, with a target among the thunks. */
int site_note(struct unpacker *u, uint32_t target, uint32_t addr);
/* Everything up to here: prefix, compact payload and suffix complete. */
int rebuild(struct unpacker *u);

/* Bytes of payload [offset, offset + size) to out, zero pages and all; calls
 * must go forward.  out must not lie behind the compact bytes still to be read.
 */
struct expander {
        const struct unpacker *u;
        uint32_t fold;          /* next */
        uint64_t fold_done;     /* bytes already passed of it */
        uint64_t offset;        /* payload bytes passed */
        uint64_t compact;       /* compact bytes passed */
};
int expand(struct expander *e, uint64_t offset, uint64_t size, uint8_t *out);

/* Reading numbers: past the end they give 0 and the stream is marked. */
uint32_t read_varint(struct reader *r);

/* A number, and where its bytes end: behind end if they do not end before. */
struct varint {
        const uint8_t *at;
        uint32_t value;
};
struct varint read_long_varint(const uint8_t *at, const uint8_t *end);

/* The same where it counts: a reader that nobody else knows of can stay in
 * registers. */
static inline __attribute__((always_inline)) uint32_t
read_varint_fast(struct reader *r)
{
        struct varint v;

        if (r->at < r->end && !(*r->at & 0x80)) /* as most are */
                return *r->at++;
        v = read_long_varint(r->at, r->end);
        r->at = v.at;
        return v.value;
}

/* Passes over count numbers: as many bytes without bit 7. */
static inline void skip_varints(struct reader *r, uint32_t count)
{
        const uint8_t *at = r->at;

        while (count && at < r->end)
                count -= !(*at++ & 0x80);
        r->at = count ? r->end + 1 : at;
}

static inline int32_t read_signed(struct reader *r)
{
        uint32_t n = read_varint(r);

        return (int32_t)(n >> 1 ^ -(n & 1));
}

static inline uint8_t read_byte(struct reader *r)
{
        if (r->at < r->end)
                return *r->at++;
        r->at = r->end + 1;
        return 0;
}

static inline bool reader_ok(const struct reader *r)
{
        return r->at <= r->end;
}

/* All was read, no more. */
static inline bool reader_done(const struct reader *r)
{
        return r->at == r->end;
}

#endif
