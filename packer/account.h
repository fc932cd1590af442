/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of a multi-image go.
 */
#ifndef PACKER_ACCOUNT_H
#define PACKER_ACCOUNT_H

#include "store.h"
#include "vector.h"

/* Bytes of one stream, section, membership, variant or entry.  Streams' are
 * exact; a chunk's packed bytes are shared out among its entries by their raw
 * bytes, each byte to one of them: so sums are exact too. */
struct share {
        uint64_t packed; /* in the store */
        uint64_t raw;    /* unpacked bytes of streams */
        uint64_t entries;
};

/* Beside the sections: what belongs to no entry. */
struct section_share {
        char name[33]; /* NUL-terminated */
        uint32_t number; /* in the order of the file */
        struct share share;
};

struct membership_share {
        uint32_t members; /* bit i: variant i */
        struct share share;
};

/* Why an entry is not shared by all variants; the first that applies. */
enum reason {
        REASON_NONE,    /* it is */
        REASON_PATCH,   /* told by its differences from another version */
        REASON_MOVED,   /* it stands elsewhere in other variants */
        REASON_VERSION, /* other variants hold another version */
        REASON_ONLY,    /* other variants have none */
        REASON_COUNT,
};

#define NO_SLOT UINT32_MAX

/* One entry of the master sequence. */
struct entry_share {
        uint32_t section; /* index into the account's */
        uint32_t number;  /* in its section, from 0 */
        uint32_t membership;
        uint32_t members; /* its membership's */
        uint32_t others;  /* members of the other entries in its slot */
        uint32_t slot;    /* or NO_SLOT */
        uint32_t base;    /* of a patch: index of the entry patched */
        uint32_t name;    /* of a symbol, offset in the account's names; or 0 */
        uint32_t symbols; /* that it has in all */
        uint32_t size;    /* of the fragment */
        enum reason reason;
        struct share share;
};

/* Groups have the same kinds of streams: they are told together. */
#define ACCOUNT_STREAM_KINDS (STREAM_GROUP_FIRST + GROUP_STREAM_COUNT)

struct account {
        uint32_t everyone; /* members of what all variants hold */
        struct share streams[ACCOUNT_STREAM_KINDS];
        struct section_share *sections; /* the largest first */
        uint32_t section_count;
        struct membership_share *memberships; /* the largest first */
        uint32_t membership_count;
        VECTOR(struct entry_share) entries; /* in the order of the file */
        uint32_t *largest; /* indexes of the entries, the largest first */
        char *names;       /* of symbols, NUL-terminated each; at 0 an empty
                            * one */
        struct share reasons[REASON_COUNT];
        struct share common; /* streams that belong to no entry: names of
                              * symbols, sections, palettes */
        struct share common_streams[ACCOUNT_STREAM_KINDS]; /* the same */
        struct share alone[MULTI_IMAGE_MAX_VARIANTS]; /* only this one holds */
        struct share several; /* more than one variant holds */
        struct share held[MULTI_IMAGE_MAX_VARIANTS];  /* this one holds */
        struct share read[MULTI_IMAGE_MAX_VARIANTS];  /* streams that are
                                                       * unpacked for it */
        uint64_t tables_size; /* header, variants, rules, chunks */
        uint64_t stub_size;   /* of the file, all that is not the store */
};

/* 0, or an exit code and a message. */
int account_make(const struct store *store, struct account *ret_account,
                 char **ret_message);
void account_free(struct account *account);

const char *stream_name(unsigned stream);
const char *reason_name(enum reason reason);

void share_add(struct share *s, const struct share *more);

/* As many names of 31 bytes, each with a sign; a symbol's name and a
 * number; a name and two sets. */
#define MEMBERS_TEXT_SIZE (MULTI_IMAGE_MAX_VARIANTS * 32)
#define NAME_TEXT_SIZE    (512 + 16) /* KSYM_NAME_LEN */
#define REASON_TEXT_SIZE  (NAME_TEXT_SIZE + 2 * MEMBERS_TEXT_SIZE + 32)

/* The name of its symbol and how many more it has, or "SECTION #NUMBER". */
void entry_name(const struct account *a, const struct entry_share *e,
                char text[NAME_TEXT_SIZE]);

/* Who holds it, and why not all: "native+kvm: patch of …", "only in xen". */
void entry_reason(const struct account *a, const struct store *store,
                  const struct entry_share *e, char text[REASON_TEXT_SIZE]);

/* "native+kvm", or "all" */
void members_text(const struct store *store, uint32_t members,
                  char text[MEMBERS_TEXT_SIZE]);

#endif
