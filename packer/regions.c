/* SPDX-License-Identifier: MIT */
/*
 * Lays an image out in regions.
 *
 * The unpacked payload is a file: its ELF header, sections one after the other,
 * section headers, and for a relocatable Linux the KASLR table behind them.
 * Each section becomes a region, and so does what lies between sections; what
 * surrounds the payload is a region in front and one behind.
 *
 * Whole pages of one value are left out of the stored payload by the frame.
 * They are found here, and cut where a section begins on a page, so that each
 * section has its own.
 */
#include <elf.h>
#include <string.h>

#include "frame.h"
#include "variant.h"

/* Sections of the kernel that are tables of equal records.  The linker script
 * fixes them: include/asm-generic/vmlinux.lds.h, arch/x86/kernel/vmlinux.lds.S. */
static const struct record_table record_tables[] = {
        { "__ex_table", 12, 2, 0x3 },   /* struct exception_table_entry; its
                                         * relocations are void, as it is
                                         * sorted after the link */
        { "__bug_table", 12, 2, 0 },     /* struct bug_entry */
        { ".altinstructions", 14, 2, 0 }, /* struct alt_instr */
        { ".retpoline_sites", 4, 1, 0 },
        { ".return_sites", 4, 1, 0 },
        { ".call_sites", 4, 1, 0 },
        { ".ibt_endbr_seal", 4, 1, 0 },
        { ".smp_locks", 4, 1, 0 },
        { ".parainstructions", 16, 1, 0 }, /* struct paravirt_patch_site */
        { ".pci_fixup", 16, 1, 0 },
        { "__ksymtab", 12, 3, 0 },
        { "__ksymtab_gpl", 12, 3, 0 },
};

const struct record_table *record_table_find(const char *name)
{
        size_t i;

        for (i = 0; i < sizeof(record_tables) / sizeof(*record_tables); i++)
                if (strcmp(record_tables[i].name, name) == 0)
                        return &record_tables[i];
        return NULL;
}

struct region_rule {
        const char *name;
        uint8_t body;
};

/* Sections with a stream of their own; else code by its flag, else data. */
static const struct region_rule region_rules[] = {
        { "__ksymtab_strings", GROUP_BODY_STRING },
        { ".notes", GROUP_BODY_OTHER },
};

static uint8_t region_body(const struct linked_section *y)
{
        size_t i;

        for (i = 0; i < sizeof(region_rules) / sizeof(*region_rules); i++)
                if (strcmp(region_rules[i].name, y->name) == 0)
                        return region_rules[i].body - GROUP_BODY_FIRST;
        if (record_table_find(y->name))
                return GROUP_BODY_RECORD - GROUP_BODY_FIRST;
        return (y->flags & SHF_EXECINSTR ? GROUP_BODY_CODE : GROUP_BODY_DATA) -
               GROUP_BODY_FIRST;
}

static struct region *add_region(struct variant *v, const char *name,
                                 uint8_t part, const uint8_t *bytes,
                                 uint64_t size)
{
        struct region *r = VECTOR_ADD(&v->regions);

        *r = (struct region){
                .name = name,
                .part = part,
                .linked = NONE,
                .body = GROUP_BODY_OTHER - GROUP_BODY_FIRST,
                .columns = 1,
                .size = size,
                .bytes = bytes,
        };
        return r;
}

/* The payload's bytes [start, end), which no section holds.  addr: where they
 * would be loaded, for labels that the linker script puts there; 0: unknown. */
static void add_gap(struct variant *v, struct interner *names, const char *behind,
                    uint64_t start, uint64_t end, uint64_t addr)
{
        const char *name = interned(names, intern_format(names, "(%s)", behind),
                                    NULL);
        struct region *r;

        if (start == end)
                return;
        r = add_region(v, name, PART_PAYLOAD, v->input->image.payload + start,
                       end - start);
        r->payload_offset = start;
        r->addr = r->load_addr = addr;
        if (addr)
                r->flags = SECTION_LOADED | SECTION_SLOTS;
}

/* The end of the last run of folded pages that begins before offset. */
static uint64_t folded_until(const struct variant *v, uint64_t offset)
{
        uint64_t end = 0;
        size_t i;

        for (i = 0; i < v->pieces.count && v->pieces.at[i].offset < offset; i++)
                end = v->pieces.at[i].offset + v->pieces.at[i].size;
        return end;
}

/* Leaves out what the fold before the region covers of it. */
static void skip_folded(const struct variant *v, struct region *r)
{
        uint64_t end = folded_until(v, r->payload_offset);
        uint64_t skip;

        if (end <= r->payload_offset)
                return;
        skip = end - r->payload_offset < r->size ? end - r->payload_offset :
                                                   r->size;
        r->addr += skip;
        r->load_addr += skip;
        r->bytes += skip;
        r->payload_offset += skip;
        r->size -= skip;
}

static void add_section(struct variant *v, uint32_t section, uint64_t offset,
                        uint64_t load_addr)
{
        const struct linked_section *y = &v->input->linked.sections[section];
        const struct record_table *table = record_table_find(y->name);
        bool has_bytes = y->type != SHT_NOBITS;
        struct region *r;

        r = add_region(v, y->name, has_bytes ? PART_PAYLOAD : PART_NONE,
                       has_bytes ? v->input->image.payload + offset : NULL,
                       y->size);
        r->linked = section;
        r->addr = y->addr;
        r->load_addr = load_addr;
        r->payload_offset = offset;
        r->body = region_body(y);
        r->flags = SECTION_LOADED | SECTION_SLOTS;
        if (!v->input->image.elf64)
                r->flags |= SECTION_32;
        if (y->flags & SHF_EXECINSTR)
                r->flags |= SECTION_CODE;
        if (load_addr != y->addr)
                r->flags |= SECTION_PERCPU;
        if (table) {
                r->flags |= SECTION_RECORD;
                r->columns = table->columns;
        }
        if (has_bytes)
                skip_folded(v, r);
}

/* Cuts the runs where sections begin on a page. */
static void cut_runs(struct variant *v)
{
        const struct linked *linked = &v->input->linked;
        size_t i, k;

        for (i = 0; i < v->run_count; i++)
                *VECTOR_ADD(&v->pieces) = v->runs[i];
        for (k = 0; k < linked->section_count && v->input->has_linked; k++) {
                const struct linked_section *y = &linked->sections[k];
                uint64_t offset, load_addr;

                if (!(y->flags & SHF_ALLOC) || y->type == SHT_NOBITS ||
                    !image_find_addr(&v->input->image, y->addr, y->size, &offset,
                                  &load_addr) ||
                    offset % PAGE)
                        continue;
                for (i = 0; i < v->pieces.count; i++) {
                        struct run *p = &v->pieces.at[i];
                        struct run rest = *p;

                        if (offset <= p->offset || offset - p->offset >= p->size)
                                continue;
                        rest.offset = offset;
                        rest.size = p->offset + p->size - offset;
                        p->size = offset - p->offset;
                        VECTOR_RESERVE(&v->pieces, 1);
                        memmove(&v->pieces.at[i + 2], &v->pieces.at[i + 1],
                                (v->pieces.count - i - 1) * sizeof(rest));
                        v->pieces.at[i + 1] = rest;
                        v->pieces.count++;
                        break;
                }
        }
}

/* All regions of the payload, in the order of the file; sections without bytes
 * where the section headers have them. */
static void lay_out_payload(struct variant *v, struct interner *names)
{
        const struct image *image = &v->input->image;
        const struct linked *linked = &v->input->linked;
        const char *behind = "header";
        uint64_t done = 0;
        uint64_t shift = 0; /* addr - offset of the section before; 0: none */
        uint64_t elf_end;
        size_t i;

        for (i = 0; i < linked->section_count && v->input->has_linked; i++) {
                const struct linked_section *y = &linked->sections[i];
                uint64_t offset = 0, load_addr = y->addr;

                if (!(y->flags & SHF_ALLOC))
                        continue;
                if (y->type != SHT_NOBITS) {
                        if (!image_find_addr(image, y->addr, y->size, &offset,
                                          &load_addr) ||
                            offset < done)
                                continue;
                        if (folded_until(v, done) > done)
                                done = folded_until(v, done);
                        if (done < offset)
                                add_gap(v, names, behind, done, offset,
                                        shift ? done + shift : 0);
                        if (done < offset + y->size)
                                done = offset + y->size;
                        behind = y->name;
                        shift = y->addr - offset;
                } else {
                        shift = 0; /* the addresses behind are its own */
                }
                add_section(v, (uint32_t)i, offset, load_addr);
        }
        if (folded_until(v, done) > done)
                done = folded_until(v, done);
        elf_end = v->slide_offset > done ? v->slide_offset : done;
        if (v->slide_offset && elf_end == v->slide_offset) {
                struct region *r;

                add_gap(v, names, "sections", done, elf_end, 0);
                r = add_region(v, "(slide)", PART_PAYLOAD,
                               image->payload + elf_end,
                               image->unpacked_size - elf_end);
                r->payload_offset = elf_end;
        } else {
                add_gap(v, names, "sections", done, image->unpacked_size, 0);
        }
}

static void find_runs(struct variant *v)
{
        const struct image *image = &v->input->image;
        size_t pages = image->unpacked_size / PAGE;
        size_t i;

        v->runs = allocate(pages, sizeof(*v->runs));
        v->run_count = 0;
        for (i = 0; i < pages; i++) {
                int value = frame_page_value(image->payload + i * PAGE);
                struct run *last = &v->runs[v->run_count - 1];

                if (value < 0)
                        continue;
                if (v->run_count && last->value == value &&
                    last->offset + last->size == i * PAGE)
                        last->size += PAGE;
                else
                        v->runs[v->run_count++] = (struct run){
                                i * PAGE, PAGE, (uint8_t)value
                        };
        }
}

/* Where the ELF file in the payload ends, and the KASLR table of a relocatable
 * kernel begins; 0 if nothing follows. */
static uint64_t find_slide(const struct image *image)
{
        const Elf64_Ehdr *e = (const Elf64_Ehdr *)image->payload;
        uint64_t end;

        if (image->kind != IMAGE_BZIMAGE || !image->elf64)
                return 0;
        end = e->e_shoff + (uint64_t)e->e_shnum * e->e_shentsize;
        return end < image->unpacked_size && end > sizeof(*e) ? end : 0;
}

void variant_regions(struct variant *v, struct interner *names)
{
        const struct image *image = &v->input->image;

        find_runs(v);
        cut_runs(v);
        v->slide_offset = find_slide(image);
        /* The set-up goes to a place of its own when a variant is rebuilt. */
        if (image->kind == IMAGE_BZIMAGE)
                add_region(v, "(set-up)", PART_PREFIX, image->data,
                           image->setup_size);
        if (image->stored)
                add_region(v, "(boot)", PART_PREFIX,
                           image->data + image->setup_size,
                           image->payload_offset - image->setup_size);
        lay_out_payload(v, names);
        if (image->stored)
                add_region(v, "(boot end)", PART_SUFFIX,
                           image->data + image->payload_offset +
                                   image->payload_size,
                           image->size - image->payload_offset -
                                   image->payload_size);
}
