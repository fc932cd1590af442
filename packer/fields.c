/* SPDX-License-Identifier: MIT */
/*
 * Finds the relocated fields of each fragment: bytes that hold an address or a
 * distance, and so differ between variants for no other reason than layout.
 *
 * Relocations come from the linker (--emit-relocs), and one is believed only
 * where S + A - P equals the bytes: tables that are sorted after the link have
 * stale ones.  Branches within a section carry none, since the assembler has
 * resolved them: a walk over the instructions finds those.  It also tells how
 * far an instruction goes on behind its operand, which says where exactly a
 * RIP-relative operand points.
 *
 * What a field points to is named by fragment and offset.  A wrong guess costs
 * bytes, not correctness: any fragment and offset that give the same address
 * rebuild the same field.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "variant.h"
#include "x86-decode.h"

/* A place in a fragment that may be a field. */
struct candidate {
        uint32_t offset;
        uint8_t type;
        uint32_t symbol; /* of the relocation, or NONE */
        bool is_relocated; /* there is a relocation */
        uint64_t target;
};

static uint32_t load32(const uint8_t *p)
{
        le32 v;

        memcpy(&v, p, sizeof(v));
        return get_le32(v);
}

static uint64_t load64(const uint8_t *p)
{
        le64 v;

        memcpy(&v, p, sizeof(v));
        return get_le64(v);
}

static uint64_t extend(uint32_t n)
{
        return (uint64_t)(int64_t)(int32_t)n;
}

/* The type for an operand behind which the instruction goes on for rest bytes.
 * There is none for other counts, so that the target is off by some bytes. */
static uint8_t rel32_type(unsigned rest)
{
        return rest == 1 ? FIELD_REL32_1 :
               rest == 2 ? FIELD_REL32_2 :
               rest == 4 ? FIELD_REL32_4 :
                           FIELD_REL32_0;
}

/* Distance from the field to the point that it counts from. */
static uint32_t rel32_place(uint8_t type)
{
        static const uint8_t places[] = { 4, 5, 6, 8, 0 };

        return places[type];
}

/* Fills found with the branches and RIP-relative operands of a fragment. */
static size_t walk_code(const struct fragment *f, enum x86_mode mode,
                        struct candidate *found,
                        size_t max)
{
        uint64_t offset = 0;
        size_t n = 0;

        while (offset < f->size && n + 1 < max) {
                struct x86_insn insn;
                unsigned at;

                x86_decode(f->bytes + offset, f->bytes + f->size, mode, &insn);
                at = insn.rel_offset ? insn.rel_offset :
                     insn.disp_kind == X86_DISP_RIP ? insn.disp_offset :
                                                      0;
                if (insn.valid && at) {
                        uint64_t field = offset + at;

                        found[n++] = (struct candidate){
                                .offset = (uint32_t)field,
                                .type = rel32_type(insn.size - at - 4),
                                .symbol = NONE,
                                .target = f->addr + offset + insn.size +
                                          extend(load32(f->bytes + field)),
                        };
                }
                offset += insn.size;
        }
        return n;
}

/* The distances in a record that the linker's relocations do not tell of. */
static size_t walk_record(const struct fragment *f,
                          const struct record_table *table,
                          struct candidate *found)
{
        size_t n = 0;
        uint32_t offset;

        for (offset = 0; offset + 4 <= f->size; offset += 4)
                if (table->unlinked >> offset / 4 & 1)
                        found[n++] = (struct candidate){
                                .offset = offset,
                                .type = FIELD_REL32_DATA,
                                .symbol = NONE,
                                .target = f->addr + offset +
                                          extend(load32(f->bytes + offset)),
                        };
        return n;
}

/* A relocation as a candidate.  Where the bytes do not follow it (a table that
 * was sorted after the link) it still tells of which kind the field is. */
static bool from_relocation(const struct variant *v, const struct fragment *f,
                            const struct linked_relocation *r,
                            struct candidate *ret)
{
        const struct linked *linked = &v->input->linked;
        uint64_t offset = r->offset - f->addr;
        const uint8_t *bytes = f->bytes + offset;
        uint64_t expected;

        switch (r->type) {
        case R_X86_64_PC32:
        case R_X86_64_PLT32:
                ret->type = FIELD_REL32_DATA;
                break;
        case R_X86_64_PC64:
                ret->type = FIELD_REL64_DATA;
                break;
        case R_X86_64_32:
        case R_X86_64_32S:
                ret->type = FIELD_ABS32;
                break;
        case R_X86_64_64:
                ret->type = FIELD_ABS64;
                break;
        default:
                return false;
        }
        if (r->symbol >= linked->symbol_count ||
            field_size(ret->type) > f->size - offset)
                return false;
        ret->offset = (uint32_t)offset;
        ret->target = field_size(ret->type) == 4 ? extend(load32(bytes)) :
                                                   load64(bytes);
        if (ret->type == FIELD_REL32_DATA || ret->type == FIELD_REL64_DATA)
                ret->target += r->offset;
        expected = linked->symbols[r->symbol].value + (uint64_t)r->addend;
        ret->symbol = ret->target == expected ? r->symbol : NONE;
        ret->is_relocated = true;
        return true;
}

/* In code a PC32 counts from the end of the instruction: S + A is that much too
 * low. */
static void adjust(struct candidate *c, const struct candidate *walked)
{
        if (c->type != FIELD_REL32_DATA)
                return;
        c->type = walked ? walked->type : FIELD_REL32_0;
        c->target += rel32_place(c->type);
}

static bool is_percpu(const struct variant *v, uint32_t fragment)
{
        return v->regions.at[v->fragments.at[fragment].region].flags &
               SECTION_PERCPU;
}

/* The fragment and offset of c's target.  The reader extends addresses from 32
 * bits: another one can't be a target. */
static bool resolve(const struct variant *v, const struct candidate *c,
                    struct field *ret)
{
        uint32_t own = c->symbol == NONE ? NONE : v->symbol_fragment[c->symbol];
        uint32_t i = own;
        const struct fragment *t;

        if (i != NONE) {
                t = &v->fragments.at[i];
                if (c->target < t->addr || c->target - t->addr > t->size)
                        i = NONE;
        }
        if (i == NONE)
                i = variant_find(v, c->target);
        /* _text less its own address is 0, and no per-CPU address. */
        if (i != NONE && own != NONE && is_percpu(v, i) != is_percpu(v, own))
                return false;
        if (i == NONE || extend((uint32_t)c->target) != c->target)
                return false;
        t = &v->fragments.at[i];
        *ret = (struct field){ .offset = c->offset,
                               .type = c->type,
                               .target = i,
                               .addend = (uint32_t)(c->target - t->addr) };
        return true;
}

/* A relocation against something that is not in the image (a physical address,
 * say): the KASLR table may list it all the same. */
static bool fix(const struct candidate *c, struct field *ret)
{
        if (!c->is_relocated || c->type == FIELD_REL64_DATA)
                return false;
        *ret = (struct field){
                .offset = c->offset,
                .type = c->type == FIELD_ABS64 ? FIELD_FIXED_ABS64 :
                        c->type == FIELD_ABS32 ? FIELD_FIXED_ABS32 :
                                                 FIELD_FIXED_INVERSE,
                .target = NONE,
        };
        return true;
}

/* An address within its own fragment moves with it: no field, unless the KASLR
 * table or a later look at it has to know. */
static bool is_own(const struct fragment *f, const struct candidate *c)
{
        return !c->is_relocated && c->target >= f->addr &&
               c->target < f->addr + f->size;
}

static void add_candidate(struct variant *v, uint32_t index,
                          const struct candidate *c, uint32_t *end)
{
        struct fragment *f = &v->fragments.at[index];
        struct field field;

        if (c->offset < *end || is_own(f, c) ||
            c->offset + field_size(c->type) > f->size ||
            (!resolve(v, c, &field) && !fix(c, &field)))
                return;
        *VECTOR_ADD(&v->fields) = field;
        f->field_count++;
        *end = c->offset + field_size(c->type);
}

#define MAX_CANDIDATES (MULTI_IMAGE_MAX_BODY / 4)

/* Relocations and what the walk found, merged by offset. */
static void find_fields(struct variant *v, uint32_t index,
                        struct candidate *walked)
{
        const struct linked *linked = &v->input->linked;
        struct fragment *f = &v->fragments.at[index];
        const struct region *r = &v->regions.at[f->region];
        const struct record_table *table = record_table_find(r->name);
        bool is_code = r->flags & SECTION_CODE;
        size_t count = is_code ? walk_code(f, v->input->image.elf64 ? X86_64 : X86_32, walked,
                                             MAX_CANDIDATES) :
                       table   ? walk_record(f, table, walked) :
                                 0;
        size_t next = linked_first_relocation(linked, f->addr);
        uint32_t end = 0; /* of the last field */
        size_t w = 0;

        f->field_first = (uint32_t)v->fields.count;
        for (; next < linked->relocation_count &&
               linked->relocations[next].offset < f->addr + f->size;
             next++) {
                struct candidate c = { .symbol = NONE };

                if (!from_relocation(v, f, &linked->relocations[next], &c))
                        continue;
                /* What overlaps a relocation was read off the wrong track. */
                for (; w < count && walked[w].offset < c.offset; w++)
                        if (walked[w].offset + 4 <= c.offset)
                                add_candidate(v, index, &walked[w], &end);
                if (is_code)
                        adjust(&c, w < count && walked[w].offset == c.offset ?
                                           &walked[w] :
                                           NULL);
                add_candidate(v, index, &c, &end);
        }
        while (w < count)
                add_candidate(v, index, &walked[w++], &end);
}

/* Fragments of one name: the second, third … get a number. */
static void number_keys(struct variant *v, struct interner *names)
{
        VECTOR(uint32_t) seen = { 0 }; /* by key: region + 1, count */
        VECTOR(uint32_t) counts = { 0 };
        uint32_t i;

        for (i = 0; i < v->fragments.count; i++) {
                struct fragment *f = &v->fragments.at[i];

                if (f->key == NONE || f->is_pointer)
                        continue;
                while (seen.count <= f->key) {
                        *VECTOR_ADD(&seen) = 0;
                        *VECTOR_ADD(&counts) = 0;
                }
                if (seen.at[f->key] != f->region + 1) {
                        seen.at[f->key] = f->region + 1;
                        counts.at[f->key] = 1;
                        continue;
                }
                if (f->key == f->name)
                        f->number = counts.at[f->key] + 1;
                f->key = intern_format(names, "%u#%u", f->key,
                                       ++counts.at[f->key]);
        }
        free(seen.at);
        free(counts.at);
}

/* A record is called after what its first field points to, a pointer also
 * after the array that it is in. */
static void name_records(struct variant *v, struct interner *names)
{
        uint32_t i;

        for (i = 0; i < v->fragments.count; i++) {
                struct fragment *f = &v->fragments.at[i];
                const struct field *field = &v->fields.at[f->field_first];

                if (f->key != NONE && !f->is_pointer)
                        continue;
                f->key = f->field_count && field->target != NONE ?
                                 intern_format(
                                         names, "%u>%u+%u", f->key,
                                         v->fragments.at[field->target].key,
                                         field->addend) :
                                 intern(names, f->bytes, f->size);
                f->is_pointer = false;
        }
}

void variant_fields(struct variant *v, struct interner *names)
{
        struct candidate *walked = allocate(MAX_CANDIDATES, sizeof(*walked));
        uint32_t i;

        for (i = 0; i < v->fragments.count; i++) {
                const struct fragment *f = &v->fragments.at[i];

                if (v->input->has_linked && f->kind == ENTRY_BODY && f->size &&
                    v->regions.at[f->region].flags & SECTION_LOADED)
                        find_fields(v, i, walked);
        }
        free(walked);
        number_keys(v, names); /* so that records have distinct targets */
        name_records(v, names);
        number_keys(v, names);
}
