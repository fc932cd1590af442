/* SPDX-License-Identifier: MIT */
/* Cuts tables of exported symbols: each record is called after its name. */
#include <string.h>

#include "split-parts.h"

/* The string at addr; NULL: there is none. */
static const char *string_at(const struct variant *v, uint64_t addr)
{
        size_t i;

        for (i = 0; i < v->regions.count; i++) {
                const struct region *r = &v->regions.at[i];

                if (r->bytes && r->flags & SECTION_LOADED &&
                    addr - r->addr < r->size &&
                    memchr(r->bytes + (addr - r->addr), 0,
                           r->size - (addr - r->addr)))
                        return (const char *)r->bytes + (addr - r->addr);
        }
        return NULL;
}

void split_exports(struct splitter *s, uint32_t region, uint8_t kind)
{
        const struct region *r = &s->v->regions.at[region];
        uint64_t at, size;

        for (at = 0; at < r->size; at += size) {
                uint32_t key = s->last_key;

                size = r->size - at < EXPORT_RECORD_SIZE ? r->size - at :
                                                           EXPORT_RECORD_SIZE;
                if (size == EXPORT_RECORD_SIZE) {
                        le32 distance;
                        const char *name;

                        memcpy(&distance, r->bytes + at + 4, sizeof(distance));
                        name = string_at(s->v, r->addr + at + 4 +
                                (uint64_t)(int64_t)(int32_t)get_le32(distance));
                        if (name)
                                key = intern_format(s->names, "__ksymtab_%s", name);
                }
                split_add(s, region, kind, key, at, size);
        }
}

uint8_t split_export_kind(const struct splitter *s, const struct region *r)
{
        if (!s->v->derived.exports || !r->bytes)
                return ENTRY_BODY;
        return !strcmp(r->name, "__ksymtab")     ? ENTRY_EXPORTS + EXPORT_ANY :
               !strcmp(r->name, "__ksymtab_gpl") ? ENTRY_EXPORTS + EXPORT_GPL :
                                                   ENTRY_BODY;
}
