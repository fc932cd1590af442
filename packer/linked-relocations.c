/* SPDX-License-Identifier: MIT */
/*
 * Reads the relocations that the linker kept: RELA as they are, REL with the
 * addend worked out.  One array takes all of them; it is sorted at the end, if
 * the linker did not write them in order.
 */
#include <elf.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "linked-parts.h"
#include "message.h"

/* More than any kernel has; bounds what a hostile header makes us allocate. */
#define MAX_RELOCATIONS (64u << 20)

/* Fields of REL relocations: their bytes, whether the linker takes the field's
 * own address off (psABI for i386, table 2.3), and the same in 64 bits, where
 * numbers mean other things.  Others are 4 bytes. */
static const struct rel_type {
        uint32_t type;
        unsigned size;
        bool is_relative;
        uint32_t in_64;
} rel_types[] = {
        { R_386_NONE, 0, false, R_X86_64_NONE },
        { R_386_32, 4, false, R_X86_64_32 },
        { R_386_PC32, 4, true, R_X86_64_PC32 },
        { R_386_PLT32, 4, true, R_X86_64_PLT32 },
        { R_386_16, 2, false, R_X86_64_16 },
        { R_386_PC16, 2, true, R_X86_64_PC16 },
        { R_386_8, 1, false, R_X86_64_8 },
        { R_386_PC8, 1, true, R_X86_64_PC8 },
};

static const struct rel_type *find_rel_type(uint32_t type)
{
        static const struct rel_type other = { .size = 4,
                                               .in_64 = R_X86_64_NONE };

        for (size_t i = 0; i < sizeof(rel_types) / sizeof(rel_types[0]); i++)
                if (rel_types[i].type == type)
                        return &rel_types[i];
        return &other;
}

/* REL has no addend beside the field, and --emit-relocs keeps the relocation of
 * a field that the linker has filled in already: the addend is what symbol and
 * place leave of it. */
static int read_addend(struct linker_output *o, const char *place,
                       const struct linked_section *target,
                       const Elf_Data *bytes, struct linked_relocation *r)
{
        const struct rel_type *type = find_rel_type(r->type);
        unsigned shift = 64 - 8 * type->size; /* of the sign */
        uint64_t offset = r->offset - target->addr;
        uint64_t value = 0;

        if (type->size == 0 || target->type == SHT_NOBITS)
                return 0;
        if (offset > bytes->d_size || type->size > bytes->d_size - offset)
                return linked_bad(o, place,
                                  "offset %#" PRIx64 " lies outside of %s",
                                  r->offset, target->name);
        for (unsigned i = type->size; i--;)
                value = value << 8 |
                        ((const uint8_t *)bytes->d_buf)[offset + i];
        if (r->symbol)
                value -= o->linked->symbols[r->symbol].value;
        if (type->is_relative)
                value += r->offset;
        r->addend = (int64_t)(value << shift) >> shift;
        return 0;
}

/* Appends the relocations of section index, which change section target. */
static int read_table(struct linker_output *o, size_t index, size_t target)
{
        struct linked *l = o->linked;
        const char *place = l->sections[index].name;
        bool rela = l->sections[index].type == SHT_RELA;
        size_t entry_size = gelf_fsize(o->elf, rela ? ELF_T_RELA : ELF_T_REL, 1,
                                       EV_CURRENT);
        Elf_Data *data = linked_section_data(o, index), *bytes = NULL;
        struct linked_relocation *grown;
        size_t count;
        int err;

        if (!data || (!rela && l->sections[target].type != SHT_NOBITS &&
                      !(bytes = linked_section_data(o, target))))
                return EXIT_BAD_INPUT;
        count = data->d_size / entry_size;
        if (count > MAX_RELOCATIONS - l->relocation_count)
                return linked_bad(o, place, "more than %u relocations",
                                  MAX_RELOCATIONS);
        if (count == 0)
                return 0;
        grown = realloc(l->relocations, (l->relocation_count + count) *
                                                sizeof(*l->relocations));
        if (!grown)
                return linked_out_of_memory(o);
        l->relocations = grown;

        for (size_t i = 0; i < count; i++) {
                struct linked_relocation *r = &grown[l->relocation_count];
                GElf_Rela entry = { 0 };
                GElf_Rel rel;

                if (rela) {
                        if (!gelf_getrela(data, (int)i, &entry))
                                return linked_bad(o, place, "%s",
                                                  elf_errmsg(-1));
                } else {
                        if (!gelf_getrel(data, (int)i, &rel))
                                return linked_bad(o, place, "%s",
                                                  elf_errmsg(-1));
                        entry.r_offset = linked_addr(o, rel.r_offset);
                        entry.r_info = rel.r_info;
                }
                *r = (struct linked_relocation){
                        .offset = entry.r_offset,
                        .type = (uint32_t)GELF_R_TYPE(entry.r_info),
                        .symbol = (uint32_t)GELF_R_SYM(entry.r_info),
                        .addend = entry.r_addend,
                };
                if (r->symbol >= l->symbol_count && r->symbol != 0)
                        return linked_bad(o, place,
                                          "relocation at %#" PRIx64
                                          ": there is no symbol %u",
                                          r->offset, r->symbol);
                if (!rela && (err = read_addend(o, place, &l->sections[target],
                                                bytes, r)))
                        return err;
                if (!rela)
                        r->type = find_rel_type(r->type)->in_64;
                l->relocation_count++;
        }
        return 0;
}

/* A total order, so that equal input gives an equal array. */
static int compare_relocations(const void *a, const void *b)
{
        const struct linked_relocation *x = a, *y = b;

        if (x->offset != y->offset)
                return x->offset < y->offset ? -1 : 1;
        if (x->type != y->type)
                return x->type < y->type ? -1 : 1;
        if (x->symbol != y->symbol)
                return x->symbol < y->symbol ? -1 : 1;
        return x->addend < y->addend ? -1 : x->addend > y->addend;
}

void linked_sort_relocations(struct linked *l)
{
        struct linked_relocation *r = l->relocations;
        size_t i = 1;

        while (i < l->relocation_count &&
               compare_relocations(&r[i - 1], &r[i]) <= 0)
                i++;
        if (i < l->relocation_count)
                qsort(r, l->relocation_count, sizeof(*r), compare_relocations);
}

int linked_read_relocations(struct linker_output *o)
{
        struct linked *l = o->linked;
        int err;

        for (size_t i = 1; i < l->section_count; i++) {
                uint32_t type = l->sections[i].type;
                GElf_Shdr shdr;

                if (type != SHT_RELA && type != SHT_REL)
                        continue;
                if (!gelf_getshdr(elf_getscn(o->elf, i), &shdr) ||
                    shdr.sh_info >= l->section_count)
                        return linked_bad(o, l->sections[i].name,
                                          "sh_info names no section");
                if (shdr.sh_info == 0 ||
                    !(l->sections[shdr.sh_info].flags & SHF_ALLOC))
                        continue; /* debug information, or dynamic linking */
                if ((err = read_table(o, i, shdr.sh_info)))
                        return err;
        }
        linked_sort_relocations(l);
        return 0;
}
