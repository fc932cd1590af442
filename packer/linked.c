/* SPDX-License-Identifier: MIT */
/*
 * Reads the linked kernel (vmlinux) that explains an image's bytes: sections,
 * symbols, and the relocations that the linker kept (--emit-relocs).
 *
 * A vmlinux of another build would explain other bytes, so each allocated
 * section is compared with the image's payload, at the place where the
 * payload's own program headers put its address.
 *
 * Debian's kernels have 1.2 million relocations and 120,000 symbols: the file is
 * mapped, and the names stay where they are.
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

#include "linked-parts.h"
#include "message.h"
#include "../stub/multi-image/format.h"

/* More than any kernel has; bounds what a hostile header makes us allocate. */
#define MAX_SECTIONS (1u << 20)
#define MAX_SYMBOLS  (16u << 20)

int linked_bad(struct linker_output *o, const char *place, const char *format,
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

int linked_out_of_memory(struct linker_output *o)
{
        errno = ENOMEM;
        return fail_errno(o->ret_message, o->linked->path, "memory");
}

uint64_t linked_addr(const struct linker_output *o, uint64_t addr)
{
        return o->image->elf64 ? addr : (uint64_t)(int32_t)addr;
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
                return linked_bad(o, "ELF header", "%s", elf_errmsg(-1));
        l->elf = o->elf;
        if (elf_kind(o->elf) != ELF_K_ELF || !gelf_getehdr(o->elf, &ehdr))
                return linked_bad(o, "ELF header", "not an ELF file");
        if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
                return linked_bad(o, "e_type", "%u: a linked kernel is needed",
                                  ehdr.e_type);
        if (ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
            (ehdr.e_machine != EM_X86_64 && ehdr.e_machine != EM_386))
                return linked_bad(o, "e_machine",
                                  "%u is unsupported (x86 only)",
                                  ehdr.e_machine);
        if ((ehdr.e_ident[EI_CLASS] == ELFCLASS64) != o->image->elf64)
                return linked_bad(o, "ELF header", "%s bits, but %s has %s",
                                  o->image->elf64 ? "32" : "64", o->image->path,
                                  o->image->elf64 ? "64" : "32");
        return 0;
}

int linked_read_sections(struct linker_output *o)
{
        struct linked *l = o->linked;
        size_t count, names;

        if (elf_getshdrnum(o->elf, &count) < 0 ||
            elf_getshdrstrndx(o->elf, &names) < 0)
                return linked_bad(o, "section headers", "%s", elf_errmsg(-1));
        if (count == 0 || count > MAX_SECTIONS)
                return linked_bad(o, "section headers",
                                  "%zu sections, not from 1 to %u", count,
                                  MAX_SECTIONS);
        l->sections = calloc(count, sizeof(*l->sections));
        if (!l->sections)
                return linked_out_of_memory(o);
        l->section_count = count;

        for (size_t i = 0; i < count; i++) {
                Elf_Scn *scn = elf_getscn(o->elf, i);
                const char *name;
                GElf_Shdr shdr;

                if (!scn || !gelf_getshdr(scn, &shdr))
                        return linked_bad(o, "section headers",
                                          "section %zu: %s", i, elf_errmsg(-1));
                name = elf_strptr(o->elf, names, shdr.sh_name);
                if (!name)
                        return linked_bad(
                                o, "section headers",
                                "section %zu: name at %#x reaches beyond "
                                "the string table",
                                i, shdr.sh_name);
                l->sections[i] = (struct linked_section){
                        .name = name,
                        .addr = linked_addr(o, shdr.sh_addr),
                        .offset = shdr.sh_offset,
                        .size = shdr.sh_size,
                        .type = shdr.sh_type,
                        .flags = shdr.sh_flags,
                };
        }
        return 0;
}

Elf_Data *linked_section_data(struct linker_output *o, size_t index)
{
        const struct linked_section *s = &o->linked->sections[index];
        Elf_Scn *scn = elf_getscn(o->elf, index);
        Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

        if (!data) {
                linked_bad(o, s->name, "%s", elf_errmsg(-1));
                return NULL;
        }
        if (data->d_size != s->size || (data->d_size && !data->d_buf)) {
                linked_bad(o, s->name,
                           "%#" PRIx64 " bytes at %#" PRIx64
                           " reach beyond the file",
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

int linked_compare_sections(struct linker_output *o)
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
                        return linked_bad(o, s->name,
                                          "%#" PRIx64 " bytes at %#" PRIx64
                                          " lie in no segment of %s",
                                          s->size, s->addr, image->path);
                data = linked_section_data(o, i);
                if (!data)
                        return EXIT_BAD_INPUT;
                here = data->d_buf;
                if (!memcmp(here, there, s->size))
                        continue;
                while (here[at] == there[at])
                        at++;
                return linked_bad(o, s->name,
                                  "byte at +%#" PRIx64
                                  " is %#x, but in %s it is "
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
                return linked_bad(o, l->sections[table].name,
                                  "sh_link names no string table");
        if (!(data = linked_section_data(o, table)) ||
            !(names = linked_section_data(o, link)) ||
            (extended && !(indexes = linked_section_data(o, extended))))
                return EXIT_BAD_INPUT;
        count = data->d_size / gelf_fsize(o->elf, ELF_T_SYM, 1, EV_CURRENT);
        if (count > MAX_SYMBOLS)
                return linked_bad(o, l->sections[table].name,
                                  "%zu symbols are more than %u", count,
                                  MAX_SYMBOLS);
        if (names->d_size == 0 ||
            ((const char *)names->d_buf)[names->d_size - 1] != '\0')
                return linked_bad(o, l->sections[link].name,
                                  "last name has no end");
        l->symbols = calloc(count ? count : 1, sizeof(*l->symbols));
        if (!l->symbols)
                return linked_out_of_memory(o);
        l->symbol_count = count;

        for (size_t i = 0; i < count; i++) {
                Elf32_Word index = 0;
                GElf_Sym sym;

                if (!gelf_getsymshndx(data, indexes, (int)i, &sym, &index))
                        return linked_bad(o, l->sections[table].name,
                                          "symbol %zu: %s", i, elf_errmsg(-1));
                if (sym.st_name >= names->d_size)
                        return linked_bad(
                                o, l->sections[table].name,
                                "symbol %zu: name at %#x reaches beyond "
                                "%#zx",
                                i, sym.st_name, names->d_size);
                if (sym.st_shndx != SHN_XINDEX)
                        index = sym.st_shndx;
                if (index >= l->section_count &&
                    (sym.st_shndx == SHN_XINDEX || index < SHN_LORESERVE))
                        return linked_bad(o, l->sections[table].name,
                                          "symbol %zu: there is no section %u",
                                          i, index);
                l->symbols[i] = (struct linked_symbol){
                        .name = (const char *)names->d_buf + sym.st_name,
                        .value = linked_addr(o, sym.st_value),
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
        if ((err = open_elf(&o)) || (err = linked_read_sections(&o)) ||
            (err = linked_compare_sections(&o)) || (err = read_symbols(&o)) ||
            (err = linked_read_relocations(&o))) {
                linked_free(&linked);
                return err;
        }
        *ret_linked = linked;
        return 0;
}

size_t linked_first_relocation(const struct linked *linked, uint64_t addr)
{
        size_t low = 0, high = linked->relocation_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (linked->relocations[middle].offset < addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void linked_free(struct linked *linked)
{
        free(linked->sections);
        free(linked->symbols);
        free(linked->relocations);
        free(linked->names);
        elf_end(linked->elf);
        if (linked->fd >= 0)
                close(linked->fd);
        free(linked->path);
        memset(linked, 0, sizeof(*linked));
        linked->fd = -1;
}
