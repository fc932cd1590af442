/* SPDX-License-Identifier: MIT */
/*
 * Recognises the tables that follow from the fragments, so that the store need
 * not hold them: ORC unwind tables, the KASLR relocation table, kallsyms, exported
 * symbols, sites, BTF.
 *
 * Each model is tried on the image's own table; where a single byte differs the
 * table is stored as bytes instead, as in a kernel of another version or from
 * other tools.
 */
#include "tables-parts.h"

struct fragment *find_kind(struct variant *v, uint8_t kind)
{
        struct fragment *found = NULL;
        size_t i;

        for (i = 0; i < v->fragments.count; i++) {
                if (v->fragments.at[i].kind != kind)
                        continue;
                if (found)
                        return NULL;
                found = &v->fragments.at[i];
        }
        return found;
}

static bool has_exports(const struct variant *v)
{
        size_t i;

        for (i = 0; i < v->fragments.count; i++)
                if (v->fragments.at[i].kind >= ENTRY_EXPORTS)
                        return true;
        return false;
}

bool variant_tables(struct variant *v, struct interner *names)
{
        struct derivation follows;
        bool again;
        int i;

        /* Where there is none it was not split as such. */
        v->derived.btf = v->derived.btf && find_kind(v, ENTRY_BTF);
        v->derived.exports = v->derived.exports && has_exports(v);
        follows = (struct derivation){
                .orc = v->derived.orc && find_orc(v),
                .kallsyms = v->derived.kallsyms && find_kallsyms(v, names),
                .btf = v->derived.btf && find_btf(v, names),
        };
        follows.exports = v->derived.exports && find_exports(v, names);
        /* Some of these are fields that KASLR moves: if they are to be fields, the
         * next time tells. */
        follows.slide = v->derived.slide &&
                        (follows.exports != v->derived.exports || find_slide(v));
        for (i = 0; i < SITE_TABLE_COUNT; i++)
                follows.sites[i] = v->derived.sites[i] && find_sites(v, i);
        again = memcmp(&follows, &v->derived, sizeof(follows)) != 0;
        v->derived = follows;
        return again;
}
