/* SPDX-License-Identifier: MIT */
/* ORC: the unwind records of each function (arch/x86/include/asm/orc_types.h). */
#include "tables-parts.h"

static bool is_code(const struct variant *v, uint32_t index)
{
        const struct fragment *f = &v->fragments.at[index];

        return v->regions.at[f->region].flags & SECTION_CODE &&
               f->kind == ENTRY_BODY;
}

/* The code at addr, or that ends there. */
static uint32_t find_code(const struct variant *v, uint64_t addr)
{
        uint32_t i = variant_find(v, addr);

        if (i == NONE || !is_code(v, i))
                i = variant_find(v, addr - 1);
        return i != NONE && is_code(v, i) ? i : NONE;
}

/* Gives each code fragment the unwind records of its addresses.  The table is
 * sorted, and so must the fragments be that it walks through. */
bool find_orc(struct variant *v)
{
        const struct fragment *ip = find_kind(v, ENTRY_ORC_IP);
        const struct fragment *orc = find_kind(v, ENTRY_ORC);
        uint32_t last = 0;
        uint64_t i, count;

        if (!ip || !orc || ip->size % 4 || orc->size != ip->size / 4 * 6)
                return false;
        count = ip->size / 4;
        for (i = 0; i < count; i++) {
                uint64_t addr = ip->addr + 4 * i +
                                (uint64_t)(int32_t)load32(ip->bytes + 4 * i);
                uint32_t index = find_code(v, addr);
                struct fragment *f;
                struct orc *o;

                if (index == NONE || index < last)
                        return false;
                f = &v->fragments.at[index];
                if (!f->orc_count)
                        f->orc_first = (uint32_t)v->orcs.count;
                f->orc_count++;
                o = VECTOR_ADD(&v->orcs);
                o->offset = (uint32_t)(addr - f->addr);
                memcpy(o->entry, orc->bytes + 6 * i, 6);
                if (f->orc_count > 1 && o->offset < o[-1].offset)
                        return false;
                last = index;
        }
        return true;
}
