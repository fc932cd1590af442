/* SPDX-License-Identifier: MIT */
/*
 * Reads the linked kernel (vmlinux) that explains an image's bytes: sections,
 * symbols, and the relocations that the linker kept (--emit-relocs).
 *
 * A vmlinux of another build would explain other bytes, so each allocated
 * section is compared with the image's payload, at the place where the
 * payload's own program headers put its address.
 *
 * Debian's kernels have 1.2 million relocations: the file is mapped, the names
 * stay where they are, and one array takes all relocations, sorted at the end
 * only if the linker did not write them in order.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image-parts.h"
#include "message.h"
#include "../stub/multi-image/format.h"

/* More than any kernel has; bounds what a hostile header makes us allocate. */
#define MAX_SECTIONS    (1u << 20)
#define MAX_SYMBOLS     (16u << 20)
#define MAX_RELOCATIONS (64u << 20)

/* Everything that one call works on. */
struct linker_output {
        struct linked *linked;
        const struct image *image;
        Elf *elf;
        char **ret_message;
};

static int bad(struct linker_output *o, const char *place, const char *format,
               ...) __attribute__((format(printf, 3, 4)));

/* "FILE: PLACE: fault and values", as EXIT_BAD_INPUT */
static int bad(struct linker_output *o, const char *place, const char *format,
               ...)
{
        char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        fail(o->ret_message, EXIT_BAD_INPUT, "%s: %s: %s", o->linked->path,
             place, text ? text : "");
        free(text);
        return EXIT_BAD_INPUT;
}

static int out_of_memory(struct linker_output *o)
{
        errno = ENOMEM;
        return fail_errno(o->ret_message, o->linked->path, "memory");
}

static int open_elf(struct linker_output *o)
{
        struct linked *l = o->linked;
        GElf_Ehdr ehdr;

        l->fd = open(l->path, O_RDONLY | O_CLOEXEC);
        if (l->fd < 0)
                return fail_errno(o->ret_message, l->path, "open");
        if (elf_version(EV_CURRENT) == EV_NONE ||
            !(o->elf = elf_begin(l->fd, ELF_C_READ_MMAP, NULL)))
                return bad(o, "ELF header", "%s", elf_errmsg(-1));
        l->elf = o->elf;
        if (elf_kind(o->elf) != ELF_K_ELF || !gelf_getehdr(o->elf, &ehdr))
                return bad(o, "ELF header", "not an ELF file");
        if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
                return bad(o, "e_type", "%u: a linked kernel is needed",
                           ehdr.e_type);
        if (ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
            (ehdr.e_machine != EM_X86_64 && ehdr.e_machine != EM_386))
                return bad(o, "e_machine", "%u is unsupported (x86 only)",
                           ehdr.e_machine);
        if ((ehdr.e_ident[EI_CLASS] == ELFCLASS64) != o->image->elf64)
                return bad(o, "ELF header", "%s bits, but %s has %s",
                           o->image->elf64 ? "32" : "64", o->image->path,
                           o->image->elf64 ? "64" : "32");
        return 0;
}

static int read_sections(struct linker_output *o)
{
        struct linked *l = o->linked;
        size_t count, names;

        if (elf_getshdrnum(o->elf, &count) < 0 ||
            elf_getshdrstrndx(o->elf, &names) < 0)
                return bad(o, "section headers", "%s", elf_errmsg(-1));
        if (count == 0 || count > MAX_SECTIONS)
                return bad(o, "section headers",
                           "%zu sections, not from 1 to %u", count,
                           MAX_SECTIONS);
        l->sections = calloc(count, sizeof(*l->sections));
        if (!l->sections)
                return out_of_memory(o);
        l->section_count = count;

        for (size_t i = 0; i < count; i++) {
                Elf_Scn *scn = elf_getscn(o->elf, i);
                const char *name;
                GElf_Shdr shdr;

                if (!scn || !gelf_getshdr(scn, &shdr))
                        return bad(o, "section headers", "section %zu: %s", i,
                                   elf_errmsg(-1));
                name = elf_strptr(o->elf, names, shdr.sh_name);
                if (!name)
                        return bad(o, "section headers",
                                   "section %zu: name at %#x reaches beyond "
                                   "the string table",
                                   i, shdr.sh_name);
                l->sections[i] = (struct linked_section){
                        .name = name,
                        .addr = shdr.sh_addr,
                        .offset = shdr.sh_offset,
                        .size = shdr.sh_size,
                        .type = shdr.sh_type,
                        .flags = shdr.sh_flags,
                };
        }
        return 0;
}

/* The bytes of section index, which must be as many as its header says;
 * NULL after a failure, whose message is set. */
static Elf_Data *section_data(struct linker_output *o, size_t index)
{
        const struct linked_section *s = &o->linked->sections[index];
        Elf_Scn *scn = elf_getscn(o->elf, index);
        Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

        if (!data) {
                bad(o, s->name, "%s", elf_errmsg(-1));
                return NULL;
        }
        if (data->d_size != s->size || (data->d_size && !data->d_buf)) {
                bad(o, s->name,
                    "%#" PRIx64 " bytes at %#" PRIx64 " reach beyond the file",
                    s->size, s->offset);
                return NULL;
        }
        return data;
}

/* Where the payload holds [addr, addr + size); NULL: nowhere. */
static const uint8_t *payload_at(const struct image *image, uint64_t addr,
                                 uint64_t size)
{
        for (uint32_t i = 0; i < image->segment_count; i++) {
                const struct image_segment *s = &image->segments[i];

                if (addr >= s->vaddr && addr - s->vaddr <= s->filesz &&
                    size <= s->filesz - (addr - s->vaddr))
                        return image->payload + s->offset + (addr - s->vaddr);
        }
        return NULL;
}

static int compare_sections(struct linker_output *o)
{
        const struct linked *l = o->linked;
        const struct image *image = o->image;

        for (size_t i = 1; i < l->section_count; i++) {
                const struct linked_section *s = &l->sections[i];
                const uint8_t *there, *here;
                Elf_Data *data;
                uint64_t at = 0;

                if (!(s->flags & SHF_ALLOC) || s->type == SHT_NOBITS ||
                    s->size == 0)
                        continue;
                there = payload_at(image, s->addr, s->size);
                if (!there)
                        return bad(o, s->name,
                                   "%#" PRIx64 " bytes at %#" PRIx64
                                   " lie in no segment of %s",
                                   s->size, s->addr, image->path);
                data = section_data(o, i);
                if (!data)
                        return EXIT_BAD_INPUT;
                here = data->d_buf;
                if (!memcmp(here, there, s->size))
                        continue;
                while (here[at] == there[at])
                        at++;
                return bad(o, s->name,
                           "byte at +%#" PRIx64 " is %#x, but in %s it is "
                           "%#x: not the vmlinux of this image",
                           at, here[at], image->path, there[at]);
        }
        return 0;
}

static size_t find_section(const struct linked *l, uint32_t type)
{
        for (size_t i = 1; i < l->section_count; i++)
                if (l->sections[i].type == type)
                        return i;
        return 0;
}

/* sh_link of section index; 0 if it names no section. */
static size_t section_link(struct linker_output *o, size_t index)
{
        GElf_Shdr shdr;

        if (!gelf_getshdr(elf_getscn(o->elf, index), &shdr) ||
            shdr.sh_link >= o->linked->section_count)
                return 0;
        return shdr.sh_link;
}

static int read_symbols(struct linker_output *o)
{
        struct linked *l = o->linked;
        size_t table = find_section(l, SHT_SYMTAB);
        size_t extended = find_section(l, SHT_SYMTAB_SHNDX);
        Elf_Data *data, *names, *indexes = NULL;
        const char *file = "";
        size_t count, link;

        if (table == 0)
                return 0; /* stripped: sections and bytes are of use still */
        link = section_link(o, table);
        if (link == 0)
                return bad(o, l->sections[table].name,
                           "sh_link names no string table");
        if (!(data = section_data(o, table)) ||
            !(names = section_data(o, link)) ||
            (extended && !(indexes = section_data(o, extended))))
                return EXIT_BAD_INPUT;
        count = data->d_size / gelf_fsize(o->elf, ELF_T_SYM, 1, EV_CURRENT);
        if (count > MAX_SYMBOLS)
                return bad(o, l->sections[table].name,
                           "%zu symbols are more than %u", count, MAX_SYMBOLS);
        if (names->d_size == 0 ||
            ((const char *)names->d_buf)[names->d_size - 1] != '\0')
                return bad(o, l->sections[link].name, "last name has no end");
        l->symbols = calloc(count ? count : 1, sizeof(*l->symbols));
        if (!l->symbols)
                return out_of_memory(o);
        l->symbol_count = count;

        for (size_t i = 0; i < count; i++) {
                Elf32_Word index = 0;
                GElf_Sym sym;

                if (!gelf_getsymshndx(data, indexes, (int)i, &sym, &index))
                        return bad(o, l->sections[table].name, "symbol %zu: %s",
                                   i, elf_errmsg(-1));
                if (sym.st_name >= names->d_size)
                        return bad(o, l->sections[table].name,
                                   "symbol %zu: name at %#x reaches beyond "
                                   "%#zx",
                                   i, sym.st_name, names->d_size);
                if (sym.st_shndx != SHN_XINDEX)
                        index = sym.st_shndx;
                if (index >= l->section_count &&
                    (sym.st_shndx == SHN_XINDEX || index < SHN_LORESERVE))
                        return bad(o, l->sections[table].name,
                                   "symbol %zu: there is no section %u", i,
                                   index);
                l->symbols[i] = (struct linked_symbol){
                        .name = (const char *)names->d_buf + sym.st_name,
                        .value = sym.st_value,
                        .size = sym.st_size,
                        .section = index,
                        .type = GELF_ST_TYPE(sym.st_info),
                        .binding = GELF_ST_BIND(sym.st_info),
                };
                if (l->symbols[i].type == STT_FILE)
                        file = l->symbols[i].name;
                l->symbols[i].file =
                        l->symbols[i].binding == STB_LOCAL ? file : "";
        }
        return 0;
}

/* Fields of REL relocations: their bytes, and whether the linker takes the
 * field's own address off (psABI for i386, table 2.3).  Others are 4 bytes. */
static const struct rel_type {
        uint32_t type;
        unsigned size;
        bool is_relative;
} rel_types[] = {
        { R_386_NONE, 0, false }, { R_386_32, 4, false },
        { R_386_PC32, 4, true },  { R_386_PLT32, 4, true },
        { R_386_16, 2, false },   { R_386_PC16, 2, true },
        { R_386_8, 1, false },    { R_386_PC8, 1, true },
};

static const struct rel_type *find_rel_type(uint32_t type)
{
        static const struct rel_type other = { .size = 4 };

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
                return bad(o, place, "offset %#" PRIx64 " lies outside of %s",
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
        Elf_Data *data = section_data(o, index), *bytes = NULL;
        struct linked_relocation *grown;
        size_t count;
        int err;

        if (!data || (!rela && l->sections[target].type != SHT_NOBITS &&
                      !(bytes = section_data(o, target))))
                return EXIT_BAD_INPUT;
        count = data->d_size / entry_size;
        if (count > MAX_RELOCATIONS - l->relocation_count)
                return bad(o, place, "more than %u relocations",
                           MAX_RELOCATIONS);
        if (count == 0)
                return 0;
        grown = realloc(l->relocations, (l->relocation_count + count) *
                                                sizeof(*l->relocations));
        if (!grown)
                return out_of_memory(o);
        l->relocations = grown;

        for (size_t i = 0; i < count; i++) {
                struct linked_relocation *r = &grown[l->relocation_count];
                GElf_Rela entry = { 0 };
                GElf_Rel rel;

                if (rela) {
                        if (!gelf_getrela(data, (int)i, &entry))
                                return bad(o, place, "%s", elf_errmsg(-1));
                } else {
                        if (!gelf_getrel(data, (int)i, &rel))
                                return bad(o, place, "%s", elf_errmsg(-1));
                        entry.r_offset = rel.r_offset;
                        entry.r_info = rel.r_info;
                }
                *r = (struct linked_relocation){
                        .offset = entry.r_offset,
                        .type = (uint32_t)GELF_R_TYPE(entry.r_info),
                        .symbol = (uint32_t)GELF_R_SYM(entry.r_info),
                        .addend = entry.r_addend,
                };
                if (r->symbol >= l->symbol_count && r->symbol != 0)
                        return bad(o, place,
                                   "relocation at %#" PRIx64
                                   ": there is no symbol %u",
                                   r->offset, r->symbol);
                if (!rela && (err = read_addend(o, place, &l->sections[target],
                                                bytes, r)))
                        return err;
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

static void sort_relocations(struct linked *l)
{
        struct linked_relocation *r = l->relocations;
        size_t i = 1;

        while (i < l->relocation_count &&
               compare_relocations(&r[i - 1], &r[i]) <= 0)
                i++;
        if (i < l->relocation_count)
                qsort(r, l->relocation_count, sizeof(*r), compare_relocations);
}

static int read_relocations(struct linker_output *o)
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
                        return bad(o, l->sections[i].name,
                                   "sh_info names no section");
                if (shdr.sh_info == 0 ||
                    !(l->sections[shdr.sh_info].flags & SHF_ALLOC))
                        continue; /* debug information, or dynamic linking */
                if ((err = read_table(o, i, shdr.sh_info)))
                        return err;
        }
        sort_relocations(l);
        return 0;
}

int linked_read(const char *path, const struct image *image,
                struct linked *ret_linked, char **ret_message)
{
        struct linked linked = { .fd = -1 };
        struct linker_output o = { .linked = &linked,
                                   .image = image,
                                   .ret_message = ret_message };
        int err;

        linked.path = strdup(path);
        if (!linked.path)
                return fail_errno(ret_message, path, "memory");
        if ((err = open_elf(&o)) || (err = read_sections(&o)) ||
            (err = compare_sections(&o)) || (err = read_symbols(&o)) ||
            (err = read_relocations(&o))) {
                linked_free(&linked);
                return err;
        }
        *ret_linked = linked;
        return 0;
}

void linked_free(struct linked *linked)
{
        free(linked->sections);
        free(linked->symbols);
        free(linked->relocations);
        elf_end(linked->elf);
        if (linked->fd >= 0)
                close(linked->fd);
        free(linked->path);
        memset(linked, 0, sizeof(*linked));
        linked->fd = -1;
}
