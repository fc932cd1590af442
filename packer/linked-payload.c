/* SPDX-License-Identifier: MIT */
/*
 * What an image tells of itself, where its linked kernel is not at hand: the
 * payload still has its section headers, kallsyms has the symbols, and the KASLR
 * table has the fields that hold addresses.
 *
 * kallsyms has no symbol that says where it lies.  It is found by its own rules:
 * as many names as kallsyms_num_syms says, and behind them the position of every
 * 256th; then 256 tokens, and behind them the position of each.
 *
 * Sizes of symbols are guesses, and relative relocations are known in tables of
 * records only; the packer's walk finds those in code.  What is wrong costs bytes.
 */
#include <elf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "linked-parts.h"
#include "variant.h"

/* More than any kernel has: each symbol is looked for in all of them. */
#define MAX_SECTIONS 256

/* Fewer symbols are no Linux; more than any has. */
#define MIN_SYMBOLS 256u
#define MAX_SYMBOLS (1u << 20)
#define MAX_NAME 512

/* An object that seems larger is followed by what has no name, strings say. */
#define LARGE_OBJECT 4096
#define OBJECT_SIZE 256

/* kallsyms' tables, as offsets in one section (scripts/kallsyms.c, Linux 6.1). */
struct kallsyms_place {
        const uint8_t *bytes; /* of the section */
        uint64_t size;
        uint64_t addr;
        uint64_t offsets, base, names, markers, seqs, tokens, token_index;
        uint32_t count;
};

static uint16_t load16(const uint8_t *p)
{
        le16 v;

        memcpy(&v, p, sizeof(v));
        return get_le16(v);
}

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

static uint64_t align8(uint64_t n)
{
        return (n + 7) & ~(uint64_t)7;
}

/* The name at *at, which goes behind it; false if it has no end. */
static bool next_name(const struct kallsyms_place *k, uint64_t *at,
                      uint32_t *ret_size)
{
        uint32_t size;

        if (k->size - *at < 2)
                return false;
        size = k->bytes[(*at)++];
        if (size & 0x80)
                size = (size & 0x7f) | (uint32_t)k->bytes[(*at)++] << 7;
        if (!size || size > k->size - *at)
                return false;
        *ret_size = size;
        *at += size;
        return true;
}

/* Names from k->names on, and their markers: k->markers and *ret_end. */
static bool check_names(struct kallsyms_place *k, uint64_t *ret_end)
{
        uint64_t marker_count = (k->count + 255ull) / 256;
        uint64_t at = k->names;
        uint64_t *seen = allocate(marker_count, sizeof(*seen));
        bool ok = true;
        uint32_t i, size;

        for (i = 0; i < k->count && ok; i++) {
                if (i % 256 == 0)
                        seen[i / 256] = at - k->names;
                ok = next_name(k, &at, &size);
        }
        k->markers = align8(at);
        *ret_end = k->markers + 4 * marker_count;
        ok = ok && *ret_end <= k->size;
        for (i = 0; i < marker_count && ok; i++)
                ok = load32(k->bytes + k->markers + 4 * i) == seen[i];
        free(seen);
        return ok;
}

/* 256 tokens at start, and behind them where each begins. */
static bool check_tokens(struct kallsyms_place *k, uint64_t start)
{
        uint32_t begins[256];
        uint64_t at = start;
        int i;

        for (i = 0; i < 256; i++) {
                begins[i] = (uint32_t)(at - start);
                while (at < k->size && k->bytes[at])
                        at++;
                if (at++ >= k->size)
                        return false;
        }
        k->tokens = start;
        k->token_index = align8(at);
        if (k->token_index > k->size || k->size - k->token_index < 512)
                return false;
        for (i = 0; i < 256; i++)
                if (load16(k->bytes + k->token_index + 2 * i) != begins[i])
                        return false;
        return true;
}

/* Are base, count and names at this offset of the section? */
static bool is_kallsyms(struct kallsyms_place *k, uint64_t at)
{
        uint64_t end;

        k->base = at;
        k->count = load32(k->bytes + at + 8);
        k->names = at + 16;
        if (load64(k->bytes + at) >> 31 != UINT64_MAX >> 31 ||
            k->count < MIN_SYMBOLS || k->count > MAX_SYMBOLS ||
            load32(k->bytes + at + 12) || align8(4ull * k->count) > at ||
            !check_names(k, &end))
                return false;
        k->offsets = at - align8(4ull * k->count);
        k->seqs = 0;
        if (check_tokens(k, align8(end)))
                return true;
        k->seqs = align8(end);
        return check_tokens(k, align8(k->seqs + 3ull * k->count));
}

static bool find_kallsyms_in(const struct linker_output *o,
                             struct kallsyms_place *k)
{
        const struct linked *l = o->linked;
        size_t i;

        for (i = 1; i < l->section_count; i++) {
                const struct linked_section *s = &l->sections[i];
                uint64_t at;

                if (strcmp(s->name, ".rodata") || s->type == SHT_NOBITS ||
                    s->offset > o->image->unpacked_size ||
                    s->size > o->image->unpacked_size - s->offset)
                        continue;
                k->bytes = o->image->payload + s->offset;
                k->size = s->size;
                k->addr = s->addr;
                for (at = 0; at + 16 <= k->size; at += 8)
                        if (is_kallsyms(k, at))
                                return true;
        }
        return false;
}

/* ---- symbols ------------------------------------------------------------ */

static uint32_t find_section(const struct linked *l, uint64_t addr)
{
        uint32_t ends_here = SHN_ABS;
        size_t i;

        for (i = 1; i < l->section_count; i++) {
                const struct linked_section *s = &l->sections[i];

                if (!(s->flags & SHF_ALLOC) || addr < s->addr)
                        continue;
                if (addr - s->addr < s->size)
                        return (uint32_t)i;
                if (addr - s->addr == s->size)
                        ends_here = (uint32_t)i;
        }
        return ends_here;
}

static bool ends_with(const char *name, const char *end)
{
        size_t size = strlen(name), n = strlen(end);

        return size > n && !strcmp(name + size - n, end);
}

/* A label of the linker script, behind which other things stand. */
static bool looks_like_label(const struct linked *l, const struct linked_symbol *y)
{
        return !strncmp(y->name, "__start", 7) || !strncmp(y->name, "__stop", 6) ||
               !strncmp(y->name, "__end", 5) || ends_with(y->name, "_start") ||
               ends_with(y->name, "_end") || ends_with(y->name, "_begin") ||
               (y->section < l->section_count &&
                record_table_find(l->sections[y->section].name));
}

static void add_symbol(struct linker_output *o, const char *name, uint64_t value,
                       bool is_global)
{
        struct linked *l = o->linked;
        struct linked_symbol *y = &l->symbols[l->symbol_count++];

        *y = (struct linked_symbol){
                .name = name,
                .file = "",
                .value = value,
                .section = find_section(l, value),
                .type = STT_OBJECT,
                .binding = is_global ? STB_GLOBAL : STB_LOCAL,
        };
        if (!looks_like_label(l, y))
                return;
        y->type = STT_NOTYPE;
        y->binding = STB_GLOBAL;
}

static int by_value(const void *a, const void *b)
{
        const struct linked_symbol *x = a, *y = b;

        if (x->value != y->value)
                return x->value < y->value ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* Each goes up to the next one. */
static void guess_sizes(struct linked *l)
{
        uint64_t next = 0; /* address behind that of the symbol */
        size_t i;

        for (i = l->symbol_count; i-- > 1;) {
                struct linked_symbol *y = &l->symbols[i];
                const struct linked_section *s;

                if (i + 1 < l->symbol_count && y[1].value != y->value)
                        next = y[1].value;
                if (y->section >= l->section_count || y->type == STT_NOTYPE)
                        continue;
                s = &l->sections[y->section];
                y->size = (next > y->value && next < s->addr + s->size ?
                                   next :
                                   s->addr + s->size) -
                          y->value;
                if (s->flags & SHF_EXECINSTR)
                        y->type = STT_FUNC;
                else if (y->size > LARGE_OBJECT && s->type != SHT_NOBITS)
                        y->size = OBJECT_SIZE;
        }
}

/* Expands the names to l->names; false: out of order. */
static bool expand_names(struct linked *l, const struct kallsyms_place *k)
{
        struct bytes text = { 0 };
        uint64_t at = k->names;
        uint32_t i, n, size;

        for (i = 0; i < k->count; i++) {
                size_t start = text.count;

                next_name(k, &at, &size);
                for (n = 0; n < size; n++) {
                        const uint8_t *index = k->bytes + k->token_index +
                                               2 * k->bytes[at - size + n];
                        const char *token = (const char *)k->bytes + k->tokens +
                                            load16(index);

                        put_bytes(&text, token, strlen(token));
                }
                put_byte(&text, 0);
                if (text.count - start < 3 || text.count - start > MAX_NAME) {
                        free(text.at);
                        return false;
                }
        }
        l->names = (char *)text.at;
        return true;
}

/* Symbol 0 is none, as in an ELF file; the tables' own are not in kallsyms. */
static bool add_symbols(struct linker_output *o, const struct kallsyms_place *k)
{
        const struct {
                const char *name;
                uint64_t offset;
        } own[] = {
                { "kallsyms_offsets", k->offsets },
                { "kallsyms_relative_base", k->base },
                { "kallsyms_num_syms", k->base + 8 },
                { "kallsyms_names", k->names },
                { "kallsyms_markers", k->markers },
                { "kallsyms_seqs_of_names", k->seqs },
                { "kallsyms_token_table", k->tokens },
                { "kallsyms_token_index", k->token_index },
        };
        uint64_t base = load64(k->bytes + k->base);
        struct linked *l = o->linked;
        const char *name;
        uint32_t i;

        l->symbols = allocate(k->count + 1 + sizeof(own) / sizeof(*own),
                              sizeof(*l->symbols));
        l->symbol_count = 1;
        l->symbols[0].name = l->symbols[0].file = "";
        if (!expand_names(l, k))
                return false;
        name = l->names;
        for (i = 0; i < k->count; i++, name += strlen(name) + 1) {
                int32_t offset = (int32_t)load32(k->bytes + k->offsets + 4 * i);

                add_symbol(o, name + 1,
                           offset >= 0 ? (uint64_t)offset :
                                         base - 1 - (uint64_t)(int64_t)offset,
                           name[0] >= 'A' && name[0] <= 'Z');
        }
        for (i = 0; i < sizeof(own) / sizeof(*own); i++)
                if (own[i].offset)
                        add_symbol(o, own[i].name, k->addr + own[i].offset, true);
        qsort(l->symbols + 1, l->symbol_count - 1, sizeof(*l->symbols), by_value);
        guess_sizes(l);
        return true;
}

/* ---- relocations -------------------------------------------------------- */

/* The image's bytes at addr; NULL unless a section has size of them there. */
static const uint8_t *bytes_at(const struct linker_output *o, uint64_t addr,
                               uint64_t size)
{
        uint32_t i = find_section(o->linked, addr);
        const struct linked_section *s = &o->linked->sections[i];

        if (i >= o->linked->section_count || s->type == SHT_NOBITS ||
            size > s->size - (addr - s->addr))
                return NULL;
        return o->image->payload + s->offset + (addr - s->addr);
}

/* A symbol that is no per-CPU one: what the KASLR table lists as an address is
 * none either, even if it is 0. */
static uint32_t find_anchor(const struct linked *l)
{
        uint32_t i;

        for (i = 1; i < l->symbol_count; i++)
                if (l->symbols[i].type == STT_FUNC)
                        return i;
        return 0;
}

/* A field whose target is what its bytes say: any symbol, and the rest as
 * addend. */
static void add_relocation(struct linker_output *o, uint64_t addr, uint32_t type,
                           uint32_t symbol)
{
        bool is_64 = type == R_X86_64_64;
        const uint8_t *bytes = bytes_at(o, addr, is_64 ? 8 : 4);
        struct linked *l = o->linked;
        uint64_t target;

        if (!bytes)
                return;
        target = is_64 ? load64(bytes) :
                         (uint64_t)(int64_t)(int32_t)load32(bytes);
        if (type == R_X86_64_PC32)
                target += addr;
        l->relocations[l->relocation_count++] = (struct linked_relocation){
                .offset = addr,
                .type = type,
                .symbol = symbol,
                .addend = (int64_t)(target - l->symbols[symbol].value),
        };
}

/* The KASLR table from its end: three lists, a zero in front of each. */
static void add_slide(struct linker_output *o, uint64_t start)
{
        static const uint32_t types[] = { R_X86_64_32S, R_X86_64_PC32,
                                          R_X86_64_64 };
        const struct linked *l = o->linked;
        uint64_t percpu_size = 0, percpu_load = 0, offset;
        uint64_t at = o->image->unpacked_size;
        uint32_t anchor = find_anchor(l);
        int list = 0;
        size_t i;

        for (i = 1; i < l->section_count; i++)
                if (!strcmp(l->sections[i].name, ".data..percpu")) {
                        percpu_size = l->sections[i].size;
                        image_find_addr(o->image, l->sections[i].addr,
                                        percpu_size, &offset, &percpu_load);
                }
        while (list < 3 && at >= start + 4) {
                uint64_t addr;

                at -= 4;
                addr = (uint64_t)(int64_t)(int32_t)load32(o->image->payload + at);
                if (!addr) {
                        list++;
                        continue;
                }
                if (addr - percpu_load < percpu_size)
                        addr -= percpu_load; /* it counts from 0 */
                add_relocation(o, addr, types[list],
                               types[list] == R_X86_64_PC32 ? 0 : anchor);
        }
}

/* The table of records that a section is; NULL if it is none. */
static const struct record_table *find_records(const struct linked_section *s)
{
        const struct record_table *t = record_table_find(s->name);

        return t && !t->unlinked && s->flags & SHF_ALLOC &&
                               s->type != SHT_NOBITS ?
                       t :
                       NULL;
}

static void add_records(struct linker_output *o)
{
        const struct linked *l = o->linked;
        size_t i;

        for (i = 1; i < l->section_count; i++) {
                const struct linked_section *s = &l->sections[i];
                const struct record_table *t = find_records(s);
                uint64_t at;
                unsigned column;

                if (!t)
                        continue;
                for (at = 0; at + t->size <= s->size; at += t->size)
                        for (column = 0; column < t->columns; column++)
                                add_relocation(o, s->addr + at + 4 * column,
                                               R_X86_64_PC32, 0);
        }
}

static void add_relocations(struct linker_output *o)
{
        const struct image *image = o->image;
        const Elf64_Ehdr *e = (const Elf64_Ehdr *)image->payload;
        uint64_t start = e->e_shoff + (uint64_t)e->e_shnum * e->e_shentsize;
        struct linked *l = o->linked;
        uint64_t room = 0;
        size_t i, kept;

        if (start < image->unpacked_size)
                room = (image->unpacked_size - start) / 4;
        for (i = 1; i < l->section_count; i++)
                if (find_records(&l->sections[i]))
                        room += l->sections[i].size / 4;
        l->relocations = allocate(room, sizeof(*l->relocations));
        if (start < image->unpacked_size)
                add_slide(o, start);
        add_records(o);
        linked_sort_relocations(l);
        /* A record's field may be in the KASLR table as well: that one comes
         * first, or is the same. */
        for (i = kept = 0; i < l->relocation_count; i++)
                if (!kept || l->relocations[i].offset !=
                                     l->relocations[kept - 1].offset)
                        l->relocations[kept++] = l->relocations[i];
        l->relocation_count = kept;
}

bool linked_from_payload(const struct image *image, struct linked *ret_linked)
{
        struct linked linked = { .fd = -1 };
        char *message = NULL;
        struct linker_output o = { .linked = &linked,
                                   .image = image,
                                   .ret_message = &message };
        struct kallsyms_place k = { 0 };

        if (image->kind != IMAGE_BZIMAGE || !image->elf64 ||
            elf_version(EV_CURRENT) == EV_NONE)
                return false;
        linked.path = strdup(image->path);
        linked.elf = o.elf = elf_memory((char *)image->payload,
                                        image->unpacked_size);
        if (linked.path && o.elf && !linked_read_sections(&o) &&
            linked.section_count <= MAX_SECTIONS && !linked_compare_sections(&o) && find_kallsyms_in(&o, &k) &&
            add_symbols(&o, &k)) {
                add_relocations(&o);
                *ret_linked = linked;
                return true;
        }
        free(message);
        linked_free(&linked);
        return false;
}
