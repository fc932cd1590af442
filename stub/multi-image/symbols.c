/* SPDX-License-Identifier: MIT */
/*
 * Derives kallsyms: the kernel's table of its own symbols.
 *
 * The store keeps each name once, as text, with the slot that it names.  From
 * these follow, in the manner of the kernel's scripts/kallsyms.c:
 *
 *   kallsyms_offsets        address relative to the lowest symbol, or absolute
 *                           for the per-CPU area
 *   kallsyms_names          length and name, pairs of bytes replaced by tokens
 *   kallsyms_markers        position of every 256th name
 *   kallsyms_seqs_of_names  numbers of the symbols in the order of their names
 */
#include "symbols.h"

/* This variant's symbols to symbols and addrs, up to max. */
static int read_symbols(struct unpacker *u, struct symbol *symbols,
                        uint32_t *addrs, uint8_t *is_absolute, uint32_t max,
                        uint32_t *ret_count)
{
        struct reader membership = u->streams[STREAM_SYMBOL_MEMBERSHIP];
        const uint8_t *text = u->streams[STREAM_SYMBOL_NAME].at;
        const struct symbol_name *name = u->names;
        const struct symbol_name *end = name + u->name_count;
        uint32_t count = 0;

        for (; name < end; name++) {
                uint32_t m = read_varint_fast(&membership);
                uint32_t slot = name->at.slot;

                REQUIRE(slot < u->slot_count && m <= u->membership_count &&
                                name->size < MAX_NAME && name->size >= 2,
                        MULTI_IMAGE_BAD_DERIVED);
                if (m ? !u->memberships[m - 1].is_member
                      : u->slots[slot].addr == SLOT_ABSENT)
                        continue;
                REQUIRE(u->slots[slot].addr != SLOT_ABSENT && count < max,
                        MULTI_IMAGE_BAD_DERIVED);
                symbols[count] = (struct symbol){
                        .key = __builtin_bswap64(
                                leading(load_le64(name->text), name->size - 1)),
                        .name = (uint32_t)(name->text - 1 - text),
                        .sequence = count,
                };
                is_absolute[count] = slot - u->percpu_first < u->percpu_count;
                addrs[count++] = u->slots[slot].addr + name->at.offset;
        }
        REQUIRE(reader_done(&membership), MULTI_IMAGE_BAD_DERIVED);
        *ret_count = count;
        return MULTI_IMAGE_OK;
}

static void derive_offsets(struct unpacker *u, const uint32_t *addrs,
                           const uint8_t *is_absolute, uint32_t count)
{
        uint8_t *out = u->compact + u->derived[ENTRY_SYMBOL_OFFSETS].offset;
        uint32_t base = 0; /* the lowest that is not absolute */
        uint32_t i;

        for (i = 0; i < count; i++)
                if (!is_absolute[i]) {
                        base = addrs[i];
                        break;
                }
        for (i = 0; i < count; i++) {
                le32 v = put_le32(is_absolute[i] ? addrs[i]
                                                 : base - addrs[i] - 1);

                memcpy(out + i * sizeof(v), &v, sizeof(v));
        }
}

/* By name, then by number. */
static bool is_before(const struct symbol *a, const struct symbol *b,
                      const uint8_t *text)
{
        const uint8_t *x, *y;

        if (a->key != b->key)
                return a->key < b->key;
        if (!(a->key & 0xff)) /* the name ends within the key */
                return a->sequence < b->sequence;
        x = text + a->name + 9;
        y = text + b->name + 9;
        while (*x && *x == *y)
                x++, y++;
        return *x != *y ? *x < *y : a->sequence < b->sequence;
}

/* Merge sort, bottom up. */
struct symbol *symbols_sort(struct symbol *a, struct symbol *b, uint32_t count,
                            const uint8_t *text)
{
        uint32_t width, start;

        for (width = 1; width < count; width *= 2) {
                struct symbol *swap = a;

                for (start = 0; start < count; start += 2 * width) {
                        uint32_t i = start;
                        uint32_t middle =
                                count - start > width ? start + width : count;
                        uint32_t j = middle;
                        uint32_t end = count - start > 2 * width
                                               ? start + 2 * width
                                               : count;
                        uint32_t n;

                        for (n = start; n < end; n++)
                                b[n] = j == end || (i < middle &&
                                                    is_before(&a[i], &a[j],
                                                              text))
                                               ? a[i++]
                                               : a[j++];
                }
                a = b;
                b = swap;
        }
        return a;
}

/* Sorts from one array to the other by two characters of the key, shift bits
 * from its end; what is equal keeps its order.  counts has room for 65536 and
 * one. */
static void sort_by_two(const struct symbol *from, struct symbol *to,
                        uint32_t count, uint32_t *counts, unsigned shift)
{
        uint32_t i;

        memset(counts, 0, 65537 * sizeof(*counts));
        for (i = 0; i < count; i++)
                counts[(uint16_t)(from[i].key >> shift) + 1]++;
        for (i = 0; i < 65536; i++)
                counts[i + 1] += counts[i];
        for (i = 0; i < count; i++)
                to[counts[(uint16_t)(from[i].key >> shift)]++] = from[i];
}

/* Sorts by name.  First by four characters: few names are left with the same
 * ones for the merge sort. */
static void sort_names(struct symbol *symbols, struct symbol *spare,
                       uint32_t count, uint32_t *counts, const uint8_t *text)
{
        uint32_t start, end;

        sort_by_two(symbols, spare, count, counts, 32);
        sort_by_two(spare, symbols, count, counts, 48);
        for (start = 0; start < count; start = end) {
                struct symbol *sorted;

                for (end = start + 1;
                     end < count &&
                     symbols[end].key >> 32 == symbols[start].key >> 32;
                     end++)
                        ;
                sorted = symbols_sort(symbols + start, spare + start,
                                      end - start, text);
                if (sorted != symbols + start)
                        memcpy(symbols + start, sorted,
                               (end - start) * sizeof(*sorted));
        }
}

static void derive_seqs(struct unpacker *u, const struct symbol *sorted,
                        uint32_t count)
{
        uint8_t *out = u->compact + u->derived[ENTRY_SYMBOL_SEQS].offset;
        uint32_t i;

        for (i = 0; i < count; i++) {
                *out++ = (uint8_t)(sorted[i].sequence >> 16);
                *out++ = (uint8_t)(sorted[i].sequence >> 8);
                *out++ = (uint8_t)sorted[i].sequence;
        }
}

int symbols_derive(struct unpacker *u)
{
        const struct derived *offsets = &u->derived[ENTRY_SYMBOL_OFFSETS];
        const struct derived *seqs = &u->derived[ENTRY_SYMBOL_SEQS];
        const uint8_t *text = u->streams[STREAM_SYMBOL_NAME].at;
        uint32_t max = (uint32_t)(offsets->size / sizeof(le32));
        uint32_t count;
        struct symbol *symbols, *spare;
        uint8_t *is_absolute;
        uint32_t *addrs, *counts;
        int err;

        if (!max)
                return MULTI_IMAGE_OK;
        symbols = arena_take(&u->arena, (uint64_t)max * sizeof(*symbols));
        spare = arena_take(&u->arena, (uint64_t)max * sizeof(*spare));
        addrs = arena_take(&u->arena, (uint64_t)max * sizeof(*addrs));
        is_absolute = arena_take(&u->arena, max);
        counts = arena_take(&u->arena, 65537 * sizeof(*counts));
        REQUIRE(symbols && spare && addrs && is_absolute && counts,
                MULTI_IMAGE_NO_MEMORY);
        if ((err = read_symbols(u, symbols, addrs, is_absolute, max, &count)))
                return err;

        REQUIRE(u->derived[ENTRY_SYMBOL_MARKERS].size >=
                                (count + 255ull) / 256 * sizeof(le32) &&
                        (!seqs->size || seqs->size >= 3ull * count),
                MULTI_IMAGE_BAD_DERIVED);
        derive_offsets(u, addrs, is_absolute, count);
        if ((err = symbol_names_derive(u, symbols, count, text)))
                return err;
        if (seqs->size) { /* kernels before 6.2 lack it, stable ones do not */
                sort_names(symbols, spare, count, counts, text);
                derive_seqs(u, symbols, count);
        }
        return MULTI_IMAGE_OK;
}
