/* SPDX-License-Identifier: MIT */
/* The models of tables that follow from the fragments; private to tables.c. */
#ifndef PACKER_TABLES_PARTS_H
#define PACKER_TABLES_PARTS_H

#include <string.h>

#include "variant.h"

static inline uint16_t load16(const uint8_t *p)
{
        return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load32(const uint8_t *p)
{
        le32 v;

        memcpy(&v, p, sizeof(v));
        return get_le32(v);
}

/* The fragment of a derived kind, NULL if there is not exactly one. */
struct fragment *find_kind(struct variant *v, uint8_t kind);

/* Each true if the image's table follows the model, whose numbers *v then
 * holds. */
bool find_orc(struct variant *v);
bool find_slide(struct variant *v);
bool find_sites(struct variant *v, enum site_table table);
bool find_btf(struct variant *v, struct interner *names);
bool find_kallsyms(struct variant *v, struct interner *names);
bool find_exports(struct variant *v, const struct interner *names); /* behind kallsyms */

#endif
