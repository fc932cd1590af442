/* SPDX-License-Identifier: MIT */
/* BTF: the kernel's description of its types (include/uapi/linux/btf.h). */
#include <stdlib.h>

#include "tables-parts.h"

/* Unnamed types are called after what they consist of, that many deep. */
#define MAX_DEPTH 32

struct finder {
        struct variant *v;
        struct interner *names;
};

uint32_t btf_string(const struct btf *b, uint32_t offset)
{
        size_t low = 0, high = b->strings.count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (b->strings.at[middle].offset < offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < b->strings.count && b->strings.at[low].offset == offset ?
                       (uint32_t)low :
                       NONE;
}

/* False unless the strings are an empty one and distinct others. */
static bool read_strings(const struct finder *f, const uint8_t *bytes,
                         uint32_t size)
{
        struct btf *b = &f->v->btf;
        struct interner *seen;
        uint32_t at, end;
        bool ok = size && !bytes[0] && !bytes[size - 1];

        seen = interner_new();
        for (at = 1; at < size && ok; at = end + 1) {
                for (end = at; bytes[end]; end++)
                        ;
                *VECTOR_ADD(&b->strings) = (struct btf_string){
                        at, intern(f->names, bytes + at, end - at)
                };
                ok = end > at &&
                     intern(seen, bytes + at, end - at) + 1 == b->strings.count;
        }
        interner_free(seen);
        return ok;
}

/* False where the records are not as the format has them. */
static bool read_records(struct btf *b, uint32_t word_count)
{
        uint32_t at = 0;

        while (at < word_count) {
                uint32_t info, kind, count;
                uint64_t size;

                if (word_count - at < BTF_RECORD_WORDS)
                        return false;
                info = load32(b->words + 4 * (at + 1));
                kind = info >> 24 & BTF_KIND;
                count = info & BTF_MAX_MEMBERS;
                if (!kind || kind >= BTF_KIND_COUNT || info & 0x60ff0000 ||
                    (count && !btf_has_count((uint8_t)kind)))
                        return false;
                size = BTF_RECORD_WORDS + btf_kinds[kind].fixed_count +
                       (uint64_t)btf_kinds[kind].member_count * count;
                if (size > word_count - at)
                        return false;
                *VECTOR_ADD(&b->types) = (struct btf_type){
                        .start = at,
                        .size = (uint32_t)size,
                        .kind = (uint8_t)kind,
                        .key = NONE,
                };
                at += (uint32_t)size;
        }
        return true;
}

/* Does each name begin a string, and is each type there? */
static bool check_references(const struct btf *b)
{
        uint32_t t, i;

        for (t = 0; t < b->types.count; t++) {
                const struct btf_type *y = &b->types.at[t];

                for (i = 0; i < y->size; i++) {
                        uint32_t n = load32(b->words + 4 * (y->start + i));
                        uint8_t word = btf_word(y->kind, i);

                        if (word == BTF_NAME ? n && btf_string(b, n) == NONE :
                                               word != BTF_NUMBER &&
                                                       n > b->types.count)
                                return false;
                }
        }
        return true;
}

/* What type t is called: kind and name if it has one, else its words, with
 * names and keys in place of numbers. */
static uint32_t find_key(const struct finder *f, uint32_t t, int depth)
{
        const struct btf *b = &f->v->btf;
        const struct btf_type *y = &b->types.at[t];
        struct bytes text = { 0 };
        uint32_t i, key;
        bool is_named = load32(b->words + 4 * y->start) && y->size;

        if (y->key != NONE || !depth)
                return y->key;
        put_byte(&text, y->kind);
        for (i = 0; i < (is_named ? 1 : y->size); i++) {
                uint32_t n = load32(b->words + 4 * (y->start + i));
                uint8_t word = btf_word(y->kind, i);
                le32 v;

                if (n && word == BTF_NAME)
                        n = b->strings.at[btf_string(b, n)].name;
                else if (n && word != BTF_NUMBER)
                        n = find_key(f, n - 1, depth - 1);
                v = put_le32(n);
                put_bytes(&text, &v, sizeof(v));
        }
        key = intern(f->names, text.at, text.count);
        free(text.at);
        return key;
}

/* Of types with one key, the second, third … get a number. */
static void number_keys(const struct finder *f)
{
        struct btf *b = &f->v->btf;
        struct interner *seen = interner_new();
        VECTOR(uint32_t) counts = { 0 };
        uint32_t t;

        for (t = 0; t < b->types.count; t++) {
                le32 key[2] = { put_le32(b->types.at[t].key) };
                uint32_t i = intern(seen, key, sizeof(*key));

                if (i == counts.count)
                        *VECTOR_ADD(&counts) = 0;
                key[1] = put_le32(counts.at[i]++);
                b->types.at[t].key = intern(f->names, key, sizeof(key));
        }
        free(counts.at);
        interner_free(seen);
}

bool find_btf(struct variant *v, struct interner *names)
{
        const struct fragment *t = find_kind(v, ENTRY_BTF);
        const struct finder f = { v, names };
        struct btf *b = &v->btf;
        const struct btf_header *h;
        uint64_t types, strings;
        uint32_t i;

        if (!t || t->size < sizeof(*h))
                return false;
        h = (const struct btf_header *)t->bytes;
        types = get_le32(h->types_size);
        strings = get_le32(h->strings_size);
        if (get_le16(h->magic) != BTF_MAGIC || h->version != 1 || h->flags ||
            get_le32(h->header_size) != sizeof(*h) ||
            get_le32(h->types_offset) || types % 4 ||
            get_le32(h->strings_offset) != types ||
            t->size != sizeof(*h) + types + strings)
                return false;
        b->words = t->bytes + sizeof(*h);
        if (!read_strings(&f, b->words + types, (uint32_t)strings) ||
            !read_records(b, (uint32_t)(types / 4)) || !check_references(b))
                return false;
        for (i = 0; i < b->types.count; i++)
                b->types.at[i].key = find_key(&f, i, MAX_DEPTH);
        number_keys(&f);
        return true;
}
