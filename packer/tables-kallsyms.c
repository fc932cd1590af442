/* SPDX-License-Identifier: MIT */
/* kallsyms: names, addresses, tokens of all symbols (scripts/kallsyms.c). */
#include <stdlib.h>

#include "tables-parts.h"

struct kallsyms {
        const struct fragment *offsets, *names, *markers, *seqs;
        const uint8_t *token_table, *token_index;
        uint64_t base; /* kallsyms_relative_base */
        uint32_t count;
        struct bytes text;    /* the names, expanded, NUL-terminated */
        uint32_t *text_at;    /* by symbol */
        struct bytes coded;   /* the names as token bytes */
        uint32_t *coded_at;
        uint16_t *coded_size;
};

/* Bytes of the fragments behind a label, NULL unless there are that many. */
static const uint8_t *bytes_at(const struct variant *v, const char *name,
                               uint64_t size)
{
        const struct linked *linked = &v->input->linked;
        size_t i;

        for (i = 0; i < linked->symbol_count; i++) {
                const struct fragment *f;
                const struct region *r;

                if (strcmp(linked->symbols[i].name, name) != 0 ||
                    v->symbol_fragment[i] == NONE)
                        continue;
                f = &v->fragments.at[v->symbol_fragment[i]];
                r = &v->regions.at[f->region];
                if (!f->bytes || f->addr - r->addr + size > r->size)
                        return NULL;
                return f->bytes;
        }
        return NULL;
}

/* Expands the names; false where the table is not in order. */
static bool read_names(struct kallsyms *k)
{
        uint64_t at = 0;
        uint32_t i;

        k->text_at = allocate(k->count, sizeof(*k->text_at));
        k->coded_at = allocate(k->count, sizeof(*k->coded_at));
        k->coded_size = allocate(k->count, sizeof(*k->coded_size));
        for (i = 0; i < k->count; i++) {
                uint32_t size, n;

                if (k->names->size - at < 2)
                        return false;
                size = k->names->bytes[at++];
                if (size & 0x80)
                        size = (size & 0x7f) |
                               (uint32_t)k->names->bytes[at++] << 7;
                if (!size || size > k->names->size - at)
                        return false;
                k->text_at[i] = (uint32_t)k->text.count;
                k->coded_at[i] = (uint32_t)k->coded.count;
                k->coded_size[i] = (uint16_t)size;
                put_bytes(&k->coded, k->names->bytes + at, size);
                for (n = 0; n < size; n++, at++) {
                        uint8_t code = k->names->bytes[at];
                        const char *token =
                                (const char *)k->token_table +
                                load16(k->token_index + 2 * code);

                        put_bytes(&k->text, token, strlen(token));
                }
                put_byte(&k->text, 0);
                if (k->text.count - k->text_at[i] > 512 ||
                    k->text.count - k->text_at[i] < 3)
                        return false;
        }
        return true;
}

static const char *token(const struct kallsyms *k, unsigned code)
{
        return (const char *)k->token_table + load16(k->token_index + 2 * code);
}

/* Replaces the pair by code in a name of size bytes; its new size. */
static uint32_t replace(uint8_t *name, uint32_t size, uint8_t left,
                        uint8_t right, uint8_t code)
{
        uint32_t i, n = 0;

        for (i = 0; i < size; n++) {
                if (i + 1 < size && name[i] == left && name[i + 1] == right) {
                        name[n] = code;
                        i += 2;
                } else {
                        name[n] = name[i++];
                }
        }
        return n;
}

/*
 * Finds of which pair each token was made: the table only tells the text that
 * it stands for.  Codes were given from 255 down; at each step the pair that
 * spells the token's text and is most frequent in the names as they stand must
 * be the one, for that is how it was chosen.
 */
static bool find_tokens(struct variant *v, struct kallsyms *k)
{
        uint8_t *names = allocate(k->text.count, 1);
        uint16_t *sizes = allocate(k->count, sizeof(*sizes));
        uint32_t *pairs = allocate(65536, sizeof(*pairs));
        uint32_t i, n;
        int code;
        bool ok = true;

        memcpy(names, k->text.at, k->text.count);
        for (i = 0; i < k->count; i++)
                sizes[i] = (uint16_t)strlen((char *)names + k->text_at[i]);
        v->token_count = 0;
        for (code = 255; code >= 0; code--) {
                const char *text = token(k, (unsigned)code);
                size_t size = strlen(text);
                uint32_t best = 0, left, right;

                if (size < 2)
                        continue;
                memset(pairs, 0, 65536 * sizeof(*pairs));
                for (i = 0; i < k->count; i++)
                        for (n = 0; n + 1 < sizes[i]; n++)
                                pairs[names[k->text_at[i] + n] << 8 |
                                      names[k->text_at[i] + n + 1]]++;
                for (i = 0; i < 65536; i++) {
                        const char *l = token(k, i >> 8);
                        const char *r = token(k, i & 255);
                        size_t l_size;

                        if (!pairs[i] || pairs[i] <= pairs[best])
                                continue;
                        l_size = strlen(l);
                        if (l_size + strlen(r) == size &&
                            memcmp(l, text, l_size) == 0 &&
                            strcmp(r, text + l_size) == 0)
                                best = i;
                }
                left = best >> 8;
                right = best & 255;
                if (!best) {
                        ok = false;
                        break;
                }
                for (i = 0; i < k->count; i++)
                        sizes[i] = (uint16_t)replace(names + k->text_at[i],
                                                     sizes[i], (uint8_t)left,
                                                     (uint8_t)right,
                                                     (uint8_t)code);
                v->tokens[v->token_count][0] = (uint8_t)code;
                v->tokens[v->token_count][1] = (uint8_t)left;
                v->tokens[v->token_count++][2] = (uint8_t)right;
        }
        for (i = 0; i < k->count && ok; i++)
                ok = sizes[i] == k->coded_size[i] &&
                     memcmp(names + k->text_at[i], k->coded.at + k->coded_at[i],
                            sizes[i]) == 0;
        free(names);
        free(sizes);
        free(pairs);
        return ok;
}

/* The fragment that symbol i names: the label of that name if there is one. */
static uint32_t find_symbol(const struct variant *v, const struct interner *names,
                            uint64_t addr, const char *name)
{
        uint32_t i = variant_find(v, addr);
        uint32_t low = 0, high = v->by_addr_count;

        while (low < high) {
                uint32_t middle = (low + high) / 2;

                if (v->fragments.at[v->by_addr[middle]].addr < addr)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < v->by_addr_count; low++) {
                const struct fragment *f = &v->fragments.at[v->by_addr[low]];

                if (f->addr != addr)
                        break;
                if (strcmp(interned(names, f->key, NULL), name) == 0)
                        return v->by_addr[low];
        }
        return i;
}

static bool find_addresses(struct variant *v, struct kallsyms *k,
                           struct interner *names)
{
        bool has_base = false;
        uint32_t i;

        for (i = 0; i < k->count; i++) {
                int32_t offset = (int32_t)load32(k->offsets->bytes + 4 * i);
                uint64_t addr = offset >= 0 ? (uint64_t)offset :
                                              k->base - 1 - (int64_t)offset;
                const char *name = (const char *)k->text.at + k->text_at[i];
                uint32_t index = find_symbol(v, names, addr, name + 1);
                const struct fragment *f;

                if (index == NONE)
                        return false;
                f = &v->fragments.at[index];
                if (!(v->regions.at[f->region].flags & SECTION_PERCPU) !=
                    (offset < 0))
                        return false;
                if (offset < 0 && !has_base) {
                        has_base = true;
                        if (addr != k->base)
                                return false;
                }
                *VECTOR_ADD(&v->symbols) = (struct kernel_symbol){
                        .fragment = index,
                        .offset = (uint32_t)(addr - f->addr),
                        .name = intern(names, name, strlen(name)),
                };
        }
        return true;
}

static const struct kallsyms *sorted_kallsyms; /* qsort takes no context */

static int by_name(const void *a, const void *b)
{
        const struct kallsyms *k = sorted_kallsyms;
        uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
        int order = strcmp((const char *)k->text.at + k->text_at[i] + 1,
                           (const char *)k->text.at + k->text_at[j] + 1);

        return order ? order : i < j ? -1 : 1;
}

/* kallsyms_seqs_of_names: is it the order of the names? */
static bool check_seqs(const struct kallsyms *k)
{
        uint32_t *order = allocate(k->count, sizeof(*order));
        bool ok = k->seqs->size >= 3ull * k->count;
        uint32_t i;

        for (i = 0; i < k->count; i++)
                order[i] = i;
        sorted_kallsyms = k;
        qsort(order, k->count, sizeof(*order), by_name);
        for (i = 0; i < k->count && ok; i++) {
                const uint8_t *p = k->seqs->bytes + 3 * i;

                ok = ((uint32_t)p[0] << 16 | p[1] << 8 | p[2]) == order[i];
        }
        free(order);
        return ok;
}

static bool is_zero_from(const struct fragment *f, uint64_t size)
{
        for (; size < f->size; size++)
                if (f->bytes[size])
                        return false;
        return true;
}

bool find_kallsyms(struct variant *v, struct interner *names)
{
        struct kallsyms k = { 0 };
        const uint8_t *base, *count;
        bool ok = false;

        k.offsets = find_kind(v, ENTRY_SYMBOL_OFFSETS);
        k.names = find_kind(v, ENTRY_SYMBOL_NAMES);
        k.markers = find_kind(v, ENTRY_SYMBOL_MARKERS);
        k.seqs = find_kind(v, ENTRY_SYMBOL_SEQS);
        base = bytes_at(v, "kallsyms_relative_base", 8);
        count = bytes_at(v, "kallsyms_num_syms", 4);
        k.token_table = bytes_at(v, "kallsyms_token_table", 512);
        k.token_index = bytes_at(v, "kallsyms_token_index", 512);
        if (!k.offsets || !k.names || !k.markers || !base || !count ||
            !k.token_table || !k.token_index)
                return false;
        k.base = load32(base) | (uint64_t)load32(base + 4) << 32;
        k.count = load32(count);
        /* Room for the most that the stub reads off the table's size. */
        if (k.offsets->size / 4 < k.count || k.offsets->size / 4 > k.count + 1 ||
            k.markers->size < (k.count + 255ull) / 256 * 4)
                return false;
        ok = read_names(&k) && find_tokens(v, &k) &&
             find_addresses(v, &k, names) && (!k.seqs || check_seqs(&k)) &&
             is_zero_from(k.offsets, 4ull * k.count) &&
             is_zero_from(k.markers, (k.count + 255ull) / 256 * 4) &&
             (!k.seqs || is_zero_from(k.seqs, 3ull * k.count));
        free(k.text.at);
        free(k.text_at);
        free(k.coded.at);
        free(k.coded_at);
        free(k.coded_size);
        return ok;
}
