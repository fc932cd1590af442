/* SPDX-License-Identifier: MIT */
/*
 * Where the bytes of a multi-image go.
 */
#ifndef PACKER_ACCOUNT_H
#define PACKER_ACCOUNT_H

#include "store.h"

/* Bytes of one stream, section, membership or variant.  Streams' are exact;
 * a chunk's packed bytes are shared out among its entries by their raw bytes. */
struct share {
        double packed; /* in the store */
        uint64_t raw;  /* unpacked bytes of streams */
        uint64_t entries;
};

/* Beside the sections: what belongs to no entry. */
struct section_share {
        char name[33]; /* NUL-terminated */
        struct share share;
};

struct membership_share {
        uint32_t members; /* bit i: variant i */
        struct share share;
};

/* Groups have the same kinds of streams: they are told together. */
#define ACCOUNT_STREAM_KINDS (STREAM_GROUP_FIRST + GROUP_STREAM_COUNT)

struct account {
        struct share streams[ACCOUNT_STREAM_KINDS];
        struct section_share *sections;
        uint32_t section_count;
        struct membership_share *memberships;
        uint32_t membership_count;
        struct share common; /* streams that belong to no entry: names of
                              * symbols, sections, palettes */
        struct share alone[MULTI_IMAGE_MAX_VARIANTS]; /* only this one holds */
        struct share held[MULTI_IMAGE_MAX_VARIANTS];  /* this one holds */
        uint64_t tables_size; /* header, variants, rules, chunks */
        uint64_t stub_size;   /* of the file, all that is not the store */
};

/* 0, or an exit code and a message. */
int account_make(const struct store *store, struct account *ret_account,
                 char **ret_message);
void account_free(struct account *account);

const char *stream_name(unsigned stream);

#endif
