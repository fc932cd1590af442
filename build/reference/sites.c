/* SPDX-License-Identifier: MIT */
/*
 * Compares the two lists of patch sites of a pv_ops kernel, and counts what
 * the sites cost.
 *
 *      sites KERNEL
 *
 * The first list is the section .pv_sites, which each site writes itself.  The
 * second follows from the compiler's relocations, kept by --emit-relocs: each
 * that points into the structure `operations` from behind the bytes ff 15
 * (call) or ff 25 (jmp) is a call site, each against very_read_only_NAME a
 * constant.  A site that is missing in either list would stay unpatched, or be
 * patched where no call is: exit status 1.
 *
 * Reference: the ELF specification; in a linked file r_offset is an address.
 */
#include <elf.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "operations.h"

#define CALL_DIRECT_SIZE 5
#define CONSTANT_PREFIX  "very_read_only_"

enum {
        MAX_SITES = 4096
};

struct site {
        uint64_t addr;
        unsigned number, kind;
};

static const char *const operation_names[] = {
#define OP(kind, type, name, parameters, arguments) #name,
        OPERATIONS(OP)
#undef OP
};
static const char *const constant_names[] = {
#define C(name) #name,
        CONSTANTS(C)
#undef C
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static uint8_t *file;
static size_t file_size;
static bool is64;
static struct site listed[MAX_SITES], found[MAX_SITES];
static size_t listed_count, found_count, other_count;

/* ---- the two sizes of ELF as one --------------------------------------- */

struct section {
        uint64_t addr, offset, size, flags;
        unsigned type, link, info;
        const char *name;
};

#define BOTH(type, p, field)                       \
        (is64 ? ((const Elf64_##type *)(p))->field \
              : ((const Elf32_##type *)(p))->field)

static void need(uint64_t offset, uint64_t size)
{
        if (offset > file_size || size > file_size - offset)
                errx(1, "the file ends before byte %llu",
                     (unsigned long long)(offset + size));
}

static struct section section_at(unsigned index, bool named)
{
        uint64_t size = is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
        uint64_t offset = BOTH(Ehdr, file, e_shoff) + index * size;
        need(offset, size);
        const uint8_t *p = file + offset;
        struct section s = {
                .addr = BOTH(Shdr, p, sh_addr),
                .offset = BOTH(Shdr, p, sh_offset),
                .size = BOTH(Shdr, p, sh_size),
                .flags = BOTH(Shdr, p, sh_flags),
                .type = BOTH(Shdr, p, sh_type),
                .link = BOTH(Shdr, p, sh_link),
                .info = BOTH(Shdr, p, sh_info),
        };
        if (s.type != SHT_NOBITS)
                need(s.offset, s.size);
        if (named)
                s.name =
                        (const char *)file +
                        section_at(BOTH(Ehdr, file, e_shstrndx), false).offset +
                        BOTH(Shdr, p, sh_name);
        return s;
}

struct symbol {
        const char *name;
        uint64_t value, size;
};

static struct symbol symbol_at(const struct section *table, uint64_t index)
{
        uint64_t size = is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
        if (index >= table->size / size)
                errx(1, "symbol %llu is not there", (unsigned long long)index);
        const uint8_t *p = file + table->offset + index * size;
        return (struct symbol){ (const char *)file +
                                        section_at(table->link, false).offset +
                                        BOTH(Sym, p, st_name),
                                BOTH(Sym, p, st_value), BOTH(Sym, p, st_size) };
}

static void add(struct site *list, size_t *count, struct site site)
{
        if (*count == MAX_SITES)
                errx(1, "more than %d sites", MAX_SITES);
        list[(*count)++] = site;
}

/* ---- first list: the table ---------------------------------------------- */
static uint64_t code_size; /* of all call sites */

static void read_table(const struct section *s)
{
        unsigned word = is64 ? 8 : 4;
        for (uint64_t at = 0; at + 2 * word <= s->size; at += 2 * word) {
                const uint8_t *row = file + s->offset + at;
                struct site site = { .number = row[word],
                                     .kind = row[word + 2] };
                memcpy(&site.addr, row, word);
                if (site.kind != SITE_CONSTANT)
                        code_size += row[word + 1];
                add(listed, &listed_count, site);
        }
}

/* ---- second list: the relocations ---------------------------------------- */

static void judge(const struct section *code, const struct symbol *operations,
                  uint64_t addr, const struct symbol *symbol, uint64_t target)
{
        const uint8_t *bytes = file + code->offset + (addr - code->addr);
        struct site site = { .addr = addr, .kind = SITE_CONSTANT };
        size_t prefix = strlen(CONSTANT_PREFIX);
        if (!strncmp(symbol->name, CONSTANT_PREFIX, prefix)) {
                while (site.number < COUNT(constant_names) &&
                       strcmp(symbol->name + prefix,
                              constant_names[site.number]))
                        site.number++;
                add(found, &found_count, site);
                return;
        }
        if (target < operations->value ||
            target >= operations->value + operations->size)
                return;
        if (addr - code->addr < 2 || bytes[-2] != 0xff ||
            (bytes[-1] != 0x15 && bytes[-1] != 0x25)) {
                other_count++; /* somebody reads or writes the structure */
                return;
        }
        site.addr = addr - 2;
        site.kind = bytes[-1] == 0x15 ? SITE_CALL : SITE_JUMP;
        site.number = (unsigned)((target - operations->value) / (is64 ? 8 : 4));
        add(found, &found_count, site);
}

static void read_relocations(const struct section *s,
                             const struct symbol *operations)
{
        struct section code = section_at(s->info, false);
        struct section symbols = section_at(s->link, false);
        if (!(code.flags & SHF_EXECINSTR))
                return;
        if (is64) {
                const Elf64_Rela *r = (const void *)(file + s->offset);
                for (uint64_t i = 0; i < s->size / sizeof *r; i++) {
                        struct symbol symbol =
                                symbol_at(&symbols, ELF64_R_SYM(r[i].r_info));
                        uint64_t target =
                                symbol.value + (uint64_t)r[i].r_addend;
                        /* Counted from the end of the field. */
                        if (ELF64_R_TYPE(r[i].r_info) == R_X86_64_PC32)
                                target += 4;
                        judge(&code, operations, r[i].r_offset, &symbol,
                              target);
                }
        } else {
                const Elf32_Rel *r = (const void *)(file + s->offset);
                for (uint64_t i = 0; i < s->size / sizeof *r; i++) {
                        struct symbol symbol =
                                symbol_at(&symbols, ELF32_R_SYM(r[i].r_info));
                        uint32_t target = 0;
                        /* The addend is in the field, already added up. */
                        if (ELF32_R_TYPE(r[i].r_info) == R_386_32)
                                memcpy(&target,
                                       file + code.offset +
                                               (r[i].r_offset - code.addr),
                                       4);
                        judge(&code, operations, r[i].r_offset, &symbol,
                              target);
                }
        }
}

/* ---- comparison ------------------------------------------------------------ */

static int by_addr(const void *a, const void *b)
{
        const struct site *x = a, *y = b;
        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static const char *site_name(const struct site *s)
{
        bool constant = s->kind == SITE_CONSTANT;
        if (s->number >=
            (constant ? COUNT(constant_names) : COUNT(operation_names)))
                return "?";
        return constant ? constant_names[s->number]
                        : operation_names[s->number];
}

static int only_in(const char *list, const struct site *s)
{
        printf("%#llx (%s) is a site only by the %s\n",
               (unsigned long long)s->addr, site_name(s), list);
        return 1;
}

static int compare(void)
{
        int status = 0;
        size_t i = 0, j = 0;
        qsort(listed, listed_count, sizeof *listed, by_addr);
        qsort(found, found_count, sizeof *found, by_addr);
        while (i < listed_count || j < found_count) {
                const struct site *a = &listed[i], *b = &found[j];
                if (j == found_count ||
                    (i < listed_count && a->addr < b->addr)) {
                        status = only_in("table", a);
                        i++;
                } else if (i == listed_count || b->addr < a->addr) {
                        status = only_in("relocations", b);
                        j++;
                } else {
                        if (a->number != b->number || a->kind != b->kind) {
                                printf("%#llx: table says %s, relocation %s\n",
                                       (unsigned long long)a->addr,
                                       site_name(a), site_name(b));
                                status = 1;
                        }
                        i++, j++;
                }
        }
        return status;
}

static void print_cost(uint64_t table_size)
{
        size_t calls = 0;
        for (size_t i = 0; i < listed_count; i++)
                calls += listed[i].kind != SITE_CONSTANT;
        printf("  SITES   %zu calls and %zu constants, by table and relocations; "
               "%llu bytes, %llu more than direct calls, table %llu; "
               "%zu other references\n",
               calls, listed_count - calls, (unsigned long long)code_size,
               (unsigned long long)(code_size - calls * CALL_DIRECT_SIZE),
               (unsigned long long)table_size, other_count);
}

static void read_file(const char *name)
{
        FILE *f = fopen(name, "rb");
        struct stat st;
        if (!f || fstat(fileno(f), &st))
                err(1, "%s", name);
        file_size = (size_t)st.st_size;
        file = malloc(file_size + 1);
        if (!file || fread(file, 1, file_size, f) != file_size)
                errx(1, "%s can't be read", name);
        fclose(f);
        if (file_size < sizeof(Elf64_Ehdr) || memcmp(file, ELFMAG, SELFMAG))
                errx(1, "%s is no ELF file", name);
        is64 = file[EI_CLASS] == ELFCLASS64;
}

int main(int argc, char **argv)
{
        struct symbol operations = { .size = 0 };
        uint64_t table_size = 0;
        if (argc != 2)
                errx(2, "usage: sites KERNEL");
        read_file(argv[1]);
        unsigned count = BOTH(Ehdr, file, e_shnum);
        for (unsigned i = 0; i < count; i++) {
                struct section s = section_at(i, true);
                uint64_t size = is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
                for (uint64_t n = 0; s.type == SHT_SYMTAB && n < s.size / size;
                     n++) {
                        struct symbol symbol = symbol_at(&s, n);
                        if (!strcmp(symbol.name, "operations"))
                                operations = symbol;
                }
                if (!strcmp(s.name, ".pv_sites")) {
                        table_size = s.size;
                        read_table(&s);
                }
        }
        if (!operations.size)
                errx(1, "%s: there is no structure `operations`", argv[1]);
        for (unsigned i = 0; i < count; i++) {
                struct section s = section_at(i, false);
                if (s.type == SHT_REL || s.type == SHT_RELA)
                        read_relocations(&s, &operations);
        }
        if (compare())
                errx(1, "%s: the two lists of patch sites differ", argv[1]);
        print_cost(table_size);
        return 0;
}
