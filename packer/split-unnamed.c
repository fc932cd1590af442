/* SPDX-License-Identifier: MIT */
/*
 * Cuts what no symbol names: records of tables, strings where it reads as such,
 * else pieces where something points to; without any symbols, by content.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "split-parts.h"

static bool is_text(uint8_t c)
{
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == 1;
}

/* At least 8 bytes, and mostly printable with a NUL now and then; a section may
 * be filled up behind them. */
static bool is_string_area(const uint8_t *p, uint64_t size)
{
        uint64_t text = 0, zero = 0, i;

        while (size && !p[size - 1])
                size--;
        for (i = 0; i < size; i++) {
                text += is_text(p[i]);
                zero += !p[i];
        }
        return size >= 8 && text >= size / 2 && (text + zero) * 50 >= size * 49;
}

static uint64_t relocation_size(const struct linked_relocation *r)
{
        return r->type == R_X86_64_64 || r->type == R_X86_64_PC64 ? 8 : 4;
}

/* Does a relocated field reach across addr? */
static bool is_inside_field(const struct splitter *s, uint64_t addr)
{
        size_t next = linked_first_relocation(s->linked, addr);
        const struct linked_relocation *r = s->linked->relocations + next - 1;

        if (!next)
                return false;
        return addr - r->offset < relocation_size(r);
}

/* What an unnamed piece is called: after what it holds besides fields, where much is
 * unnamed; else after its place behind a named one, so that counterparts are found
 * that differ. */
static uint32_t unnamed_key(struct splitter *s, const struct region *r,
                            uint64_t start, uint64_t end)
{
        size_t next = linked_first_relocation(s->linked, r->addr + start);
        uint64_t hash = 0, at;

        if (!s->linked->names || !r->bytes)
                return intern_format(s->names, "%s+%u",
                                     interned(s->names, s->last_key, NULL),
                                     ++s->behind);
        for (at = start; at < end; at++) {
                const struct linked_relocation *f =
                        s->linked->relocations + next;
                uint8_t byte = r->bytes[at];

                if (next < s->linked->relocation_count &&
                    f->offset <= r->addr + at) {
                        byte = 0xff;
                        if (r->addr + at + 1 - f->offset == relocation_size(f))
                                next++;
                }
                hash = (hash ^ byte) * 0x100000001b3u;
        }
        return intern_format(s->names, "=%llx:%llu", (unsigned long long)hash,
                             (unsigned long long)(end - start));
}

void split_strings(struct splitter *s, uint32_t region, uint64_t start,
                   uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        const uint8_t *p = r->bytes;

        while (start < end) {
                uint64_t at = start;
                uint32_t key;

                while (at < end && p[at])
                        at++;
                while (at < end && !p[at]) /* padding goes with it */
                        at++;
                while (at < end && is_inside_field(s, r->addr + at))
                        at++; /* that was no string */
                /* The terminator and padding vary with what follows: not part
                 * of the key. */
                key = intern_format(s->names, "\"%.*s", (int)(at - start),
                                    (const char *)p + start);
                split_add_pieces(s, region, key, start, at);
                start = at;
        }
}

static size_t first_target(const struct splitter *s, uint64_t addr)
{
        size_t low = 0, high = s->target_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (s->targets[middle] < addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/*
 * Content-defined pieces: a cut follows wherever a hash of the last bytes has
 * CUT_BITS zero bits, so that equal runs of bytes are cut alike wherever they
 * stand.  The hash shifts a byte out after 64 of them.
 */
#define CUT_BITS  9 /* 512 bytes on average */
#define MIN_PIECE 64

static void split_by_content(struct splitter *s, uint32_t region,
                             uint64_t start, uint64_t end)
{
        const uint8_t *p = s->v->regions.at[region].bytes;
        uint64_t cut_hash = 0, key_hash = 0, at;

        for (at = start; at < end;) {
                /* Any odd multiplier spreads a byte over the high bits. */
                uint64_t mixed = (p[at] + 1) * 0x9e3779b97f4a7c15u;

                cut_hash = (cut_hash << 1) + mixed;
                key_hash = (key_hash ^ p[at]) * 0x100000001b3u;
                at++;
                if (at < end && at - start < MULTI_IMAGE_MAX_BODY &&
                    (at - start < MIN_PIECE || cut_hash >> (64 - CUT_BITS)))
                        continue;
                split_add_pieces(s, region,
                                 intern_format(s->names, "=%016llx",
                                               (unsigned long long)key_hash),
                                 start, at);
                start = at;
                key_hash = 0;
        }
}

/* Boot code is nearly the same everywhere: pieces small enough for what a patch
 * may differ in. */
#define BOOT_PIECE 16384

static void split_boot(struct splitter *s, uint32_t region, uint64_t start,
                       uint64_t end)
{
        for (; start < end; start += BOOT_PIECE)
                split_add_pieces(
                        s, region,
                        intern_format(s->names, "%s+%u",
                                      interned(s->names, s->last_key, NULL),
                                      ++s->behind),
                        start,
                        end - start < BOOT_PIECE ? end : start + BOOT_PIECE);
}

/* What lies between symbols: records, strings, or pieces named after their
 * place. */
void split_unnamed(struct splitter *s, uint32_t region, uint64_t start,
                   uint64_t end)
{
        const struct region *r = &s->v->regions.at[region];
        const struct record_table *table = record_table_find(r->name);
        size_t t;

        if (r->part == PART_PREFIX || r->part == PART_SUFFIX) {
                /* Boot code: nearly the same everywhere, so as a whole. */
                split_boot(s, region, start, end);
                return;
        }
        if (r->part != PART_NONE &&
            (!s->linked || !(r->flags & SECTION_LOADED))) {
                split_by_content(s, region, start, end);
                return;
        }
        if (table && r->bytes && start % table->size == 0) {
                for (; end - start >= table->size; start += table->size)
                        split_add_pieces(s, region, NONE, start,
                                         start + table->size);
        }
        if (r->bytes && !(r->flags & SECTION_CODE) &&
            is_string_area(r->bytes + start, end - start)) {
                split_strings(s, region, start, end);
                return;
        }
        t = first_target(s, r->addr + start + 1);
        while (start < end) {
                uint64_t next = end;

                for (; t < s->target_count && s->targets[t] < r->addr + end &&
                       next == end;
                     t++)
                        if (!is_inside_field(s, s->targets[t]))
                                next = s->targets[t] - r->addr;
                split_add_pieces(s, region, unnamed_key(s, r, start, next),
                                 start, next);
                start = next;
        }
}
