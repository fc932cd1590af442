/* SPDX-License-Identifier: MIT */
/*
 * The packer's main line: images in, store out, every variant rebuilt from it
 * by the stub's own reader and compared before anything is returned.
 */
#include "pack.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compress.h"
#include "frame.h"
#include "message.h"
#include "sha256.h"

static void step(const struct pack_options *options, const char *what)
{
        if (options->progress)
                options->progress(options->progress_context, what);
}

/* ---- tables of the store ------------------------------------------------ */

/* The payload without its folded pages, and the folds as the stub has them. */
static uint8_t *compact(const struct variant *v, uint64_t *ret_size,
                        struct fold *folds)
{
        const struct image *image = &v->input->image;
        uint8_t *out = allocate(image->unpacked_size, 1);
        uint64_t done = 0;
        size_t i;

        *ret_size = 0;
        for (i = 0; i <= v->run_count; i++) {
                uint64_t end = i < v->run_count ? v->runs[i].offset
                                                : image->unpacked_size;

                memcpy(out + *ret_size, image->payload + done, end - done);
                *ret_size += end - done;
                if (i == v->run_count)
                        break;
                folds[i] = (struct fold){ *ret_size,
                                          (uint32_t)(v->runs[i].size / PAGE),
                                          v->runs[i].value };
                done = end + v->runs[i].size;
        }
        return out;
}

static void digest_payload(const uint8_t *bytes, uint64_t size,
                           const struct fold *folds, size_t fold_count,
                           uint8_t ret_digest[SHA256_SIZE])
{
        struct sha256 s;
        size_t i;

        sha256_init(&s);
        sha256_update(&s, bytes, size);
        for (i = 0; i < fold_count; i++) {
                le32 words[3] = { put_le32((uint32_t)folds[i].position),
                                  put_le32(folds[i].page_count),
                                  put_le32(folds[i].value) };

                sha256_update(&s, words, sizeof(words));
        }
        sha256_final(&s, ret_digest);
}

/*
 * Room that multi_image_load() needs: the compact payload stands at the end of
 * it while the segments are spread forward, so at each byte the copy must not
 * have passed what is still to be read.
 */
static uint64_t load_room(const struct variant *v, uint64_t compact_size)
{
        const struct image *image = &v->input->image;
        uint64_t room = image->load_size > compact_size ? image->load_size
                                                        : compact_size;
        const Elf64_Ehdr *e = (const Elf64_Ehdr *)image->payload;
        const Elf64_Phdr *p = (const Elf64_Phdr *)(image->payload + e->e_phoff);
        int i;

        if (!image->elf64)
                return room + compact_size;
        for (i = 0; i < e->e_phnum; i++, p++) {
                /* Bytes up to offset, less what is folded: compact position. */
                uint64_t end = p->p_offset + p->p_filesz;
                uint64_t at = p->p_paddr - image->load_addr;
                uint64_t folded = 0;
                uint64_t need;
                size_t r;

                if (p->p_type != PT_LOAD)
                        continue;
                for (r = 0; r < v->run_count && v->runs[r].offset < end; r++)
                        folded += v->runs[r].size;
                /* At the segment's end the copy is furthest ahead. */
                need = at + p->p_filesz + compact_size -
                       (end > folded ? end - folded : 0);
                if (need > room)
                        room = need;
        }
        return room;
}

static void describe(const struct variant *v, struct format_variant *ret)
{
        const struct image *image = &v->input->image;
        struct fold *folds = allocate(v->run_count, sizeof(*folds));
        bool is_bzimage = image->kind == IMAGE_BZIMAGE && image->stored;
        uint64_t prefix_size, suffix_size = 0, size;
        uint8_t *bytes = compact(v, &size, folds);
        struct sha256 s;
        int i;

        prefix_size = is_bzimage                     ? image->payload_offset
                      : image->kind == IMAGE_BZIMAGE ? image->setup_size
                                                     : 0;
        if (is_bzimage)
                suffix_size = image->size - image->payload_offset -
                              image->payload_size;
        *ret = (struct format_variant){
                .kind = put_le32(is_bzimage     ? VARIANT_BZIMAGE
                                 : image->elf64 ? VARIANT_ELF
                                                : VARIANT_ELF_32),
                .payload_crc = put_le32((uint32_t)crc32_z(
                        0, image->payload, image->unpacked_size)),
                .image_size = put_le64(is_bzimage ? image->size
                                                  : image->unpacked_size),
                .setup_size =
                        put_le64(is_bzimage ? image->setup_size : prefix_size),
                .prefix_size = put_le64(prefix_size),
                .suffix_size = put_le64(suffix_size),
                .compact_size = put_le64(size),
                .payload_size = put_le64(image->unpacked_size),
                .init_size = put_le64(image->init_size > image->load_size
                                              ? image->init_size
                                              : image->load_size),
                .load_addr = put_le64(image->load_addr),
                .load_size = put_le64(image->load_size),
                .load_room = put_le64(load_room(v, size)),
                .pvh_entry = put_le64(image->pvh_entry),
                .xen_entry = put_le64(image->xen_entry),
                .xen_virt_base = put_le64(image->xen_virt_base),
                .fold_count = put_le32((uint32_t)v->run_count),
        };
        strncpy((char *)ret->name, v->input->name, sizeof(ret->name) - 1);
        for (i = 0; i < 3; i++)
                ret->slide_count[i] =
                        put_le32(v->derived.slide ? v->slide_count[i] : 0);
        digest_payload(bytes, size, folds, v->run_count, ret->payload_digest);
        sha256_init(&s);
        if (is_bzimage) {
                sha256_update(&s, image->data, image->size);
        } else {
                sha256_update(&s, image->data, prefix_size);
                sha256_update(&s, image->payload, image->unpacked_size);
        }
        sha256_final(&s, ret->image_digest);
        free(bytes);
        free(folds);
}

/* ---- the store ---------------------------------------------------------- */

/* The digest over the tables, once all their fields are set. */
static void seal(uint8_t *store)
{
        struct multi_image_header *h = (struct multi_image_header *)store;
        struct sha256 s;

        memset(h->table_digest, 0, sizeof(h->table_digest));
        sha256_init(&s);
        sha256_update(&s, store, get_le32(h->tables_size));
        sha256_final(&s, h->table_digest);
}

static void put_stream_table(struct bytes *b, const struct packed_streams *p)
{
        size_t chunk = 0;
        uint32_t i, n;

        for (i = 0; i < p->stream_count; i++) {
                uint64_t raw_size = 0;
                uint32_t largest = 0;
                struct format_stream f;

                for (n = 0; n < p->chunk_counts[i]; n++, chunk++) {
                        uint32_t raw = p->chunks.at[chunk].raw_size;

                        raw_size += raw;
                        largest = raw > largest ? raw : largest;
                }
                f = (struct format_stream){
                        .chunk_count = put_le32(p->chunk_counts[i]),
                        .max_chunk = put_le32(largest),
                        .raw_size = put_le64(raw_size),
                };
                put_bytes(b, &f, sizeof(f));
        }
        for (chunk = 0; chunk < p->chunks.count; chunk++) {
                struct format_chunk f = {
                        .packed_size =
                                put_le32(p->chunks.at[chunk].packed_size),
                        .raw_size = put_le32(p->chunks.at[chunk].raw_size),
                };

                put_bytes(b, &f, sizeof(f));
        }
}

/* Rows, each told by what differs from the one before. */
static void put_variants(struct bytes *b, const struct format_variant *rows,
                         size_t count)
{
        static const le32 none[FORMAT_VARIANT_WORDS];
        const le32 *before = none;
        size_t i, k;

        for (i = 0; i < count; i++) {
                const le32 *row = (const le32 *)&rows[i];
                uint64_t changed = 0;
                le64 bits;

                for (k = 0; k < FORMAT_VARIANT_WORDS; k++)
                        if (get_le32(row[k]) != get_le32(before[k]))
                                changed |= 1ull << k;
                bits = put_le64(changed);
                put_bytes(b, &bits, sizeof(bits));
                for (k = 0; k < FORMAT_VARIANT_WORDS; k++)
                        if (changed >> k & 1)
                                put_bytes(b, &row[k], sizeof(row[k]));
                before = row;
        }
}

/* The tables, then the chunks' bytes. */
static void assemble(const struct format_variant *rows, size_t count,
                     const struct pack_options *options,
                     const struct packed_streams *packed, uint8_t pool_mark,
                     struct bytes *ret)
{
        struct multi_image_header h = {
                .magic = MULTI_IMAGE_MAGIC,
                .version = put_le32(MULTI_IMAGE_VERSION),
                .variant_count = put_le32((uint32_t)count),
                .rule_count = put_le32((uint32_t)options->rule_count),
                .stream_count = put_le32(packed->stream_count),
                .chunk_count = put_le32((uint32_t)packed->chunks.count),
                .default_variant = put_le32(options->default_variant),
                .codec = (uint8_t)options->codec,
                .pool_mark = pool_mark,
        };
        struct multi_image_header *header;
        size_t tables_size, i;
        struct sha256 s;

        *ret = (struct bytes){ 0 };
        put_bytes(ret, &h, sizeof(h));
        put_variants(ret, rows, count);
        for (i = 0; i < options->rule_count; i++) {
                const struct pack_rule *r = &options->rules[i];
                struct format_rule f = {
                        .platform = (uint8_t)r->platform,
                        .level = (uint8_t)r->level,
                        .variant = put_le16((uint16_t)r->variant),
                        .priority = put_le32(r->priority),
                };

                put_bytes(ret, &f, sizeof(f));
        }
        put_stream_table(ret, packed);
        tables_size = ret->count;
        for (i = 0; i < packed->chunks.count; i++)
                put_bytes(ret, packed->chunks.at[i].packed,
                          packed->chunks.at[i].packed_size);
        header = (struct multi_image_header *)ret->at;
        header->tables_size = put_le32((uint32_t)tables_size);
        header->store_size = put_le64(ret->count);
        sha256_init(&s);
        sha256_update(&s, ret->at + tables_size, ret->count - tables_size);
        sha256_final(&s, header->store_digest);
        seal(ret->at);
}

/* ---- checking ----------------------------------------------------------- */

/* Far more than any rebuild uses; the real need is measured below. */
#define WORK_LIMIT (1u << 30)

/* Rebuilds variant i both ways, compares, and notes the work memory used. */
static int check_variant(uint8_t *store, size_t store_size, uint32_t i,
                         const struct pack_input *input, uint8_t *work,
                         uint64_t *ret_work_size, char **ret_message)
{
        const struct image *image = &input->image;
        struct multi_image mi;
        struct variant_info info;
        struct unpack_memory memory = { .work = work, .work_size = WORK_LIMIT };
        const uint8_t *expected;
        uint64_t entry;
        size_t unpack_used = 0, load_used = 0;
        int err, code = 0;

        if ((err = multi_image_open(store, store_size, &mi)) ||
            (err = multi_image_variant(&mi, i, &info)))
                return fail(ret_message, EXIT_DIFFERS, "%s: store: %s",
                            input->name, multi_image_strerror(err));
        memory.setup = allocate(info.setup_size, 1);
        memory.body_room = multi_image_body_room(&info);
        memory.body = allocate(memory.body_room, 1);
        memory.ret_work_used = &unpack_used;
        err = multi_image_unpack(&mi, i, &memory);
        expected = info.kind == VARIANT_BZIMAGE ? image->data + info.setup_size
                                                : image->payload;
        if (err)
                code = fail(ret_message, EXIT_DIFFERS,
                            "%s: rebuilding the packed image: %s", input->name,
                            multi_image_strerror(err));
        else if (memcmp(memory.setup, image->data, info.setup_size) ||
                 memcmp(memory.body, expected, memory.body_room))
                code = fail(ret_message, EXIT_DIFFERS,
                            "%s: the rebuilt image differs from %s",
                            input->name, image->path);
        free(memory.body);

        memory.body_room = info.load_room;
        memory.body = allocate(memory.body_room, 1);
        memory.ret_work_used = &load_used;
        if (!code && info.load_size &&
            (err = multi_image_load(&mi, i, &memory, &entry)))
                code = fail(ret_message, EXIT_DIFFERS,
                            "%s: loading the packed image: %s", input->name,
                            multi_image_strerror(err));
        *ret_work_size = unpack_used > load_used ? unpack_used : load_used;
        free(memory.body);
        free(memory.setup);
        return code;
}

/* All variants; notes in the rows what work memory they take. */
static int check(struct bytes *store, const struct pack_input *inputs,
                 struct format_variant *rows, size_t count, char **ret_message)
{
        uint8_t *work = allocate(WORK_LIMIT, 1);
        int code = 0;
        size_t i;

        for (i = 0; i < count && !code; i++) {
                uint64_t size = 0;

                code = check_variant(store->at, store->count, (uint32_t)i,
                                     &inputs[i], work, &size, ret_message);
                rows[i].work_size = put_le64(size);
        }
        free(work);
        return code;
}

int pack(const struct pack_input *inputs, size_t count,
         const struct pack_options *options, uint8_t **ret_store,
         size_t *ret_size, struct pack_report *ret_report, char **ret_message)
{
        struct variant *variants = allocate(count, sizeof(*variants));
        struct interner *names = interner_new();
        struct streams *streams = allocate(1, sizeof(*streams));
        struct format_variant *rows = allocate(count, sizeof(*rows));
        struct packed_streams packed;
        struct bytes store;
        struct master m;
        uint8_t pool_mark;
        size_t i;
        int code;

        step(options, "splitting");
        for (i = 0; i < count; i++) {
                variant_make(&variants[i], &inputs[i], names);
                ret_report->orc[i] = variants[i].derived.orc;
                ret_report->kallsyms[i] = variants[i].derived.kallsyms;
                ret_report->slide[i] = variants[i].derived.slide;
                ret_report->btf[i] = variants[i].derived.btf;
                ret_report->exports[i] = variants[i].derived.exports;
                ret_report->sites[i] =
                        variants[i].derived.sites[SITE_RETURN] &&
                        variants[i].derived.sites[SITE_RETPOLINE];
        }
        step(options, "merging");
        merge(&m, variants, (uint32_t)count);
        ret_report->fragment_count = m.places.count;
        ret_report->version_count = m.versions.count;
        encode(&m, names, options->codec, options->aim, streams);
        pool_mark = (uint8_t)(m.pool.base >> 24);
        master_free(&m);
        step(options, "compressing");
        streams_compress(streams, options->codec, options->threads, &packed);
        for (i = 0; i < count; i++) {
                describe(&variants[i], &rows[i]);
                variant_free(&variants[i]);
        }
        free(variants);
        interner_free(names);
        streams_free(streams);
        free(streams);
        assemble(rows, count, options, &packed, pool_mark, &store);

        step(options, "checking");
        code = check(&store, inputs, rows, count, ret_message);
        /* Once more: the rows say now what they could not before. */
        free(store.at);
        assemble(rows, count, options, &packed, pool_mark, &store);
        packed_streams_free(&packed);
        free(rows);
        if (code) {
                free(store.at);
                return code;
        }
        *ret_store = store.at;
        *ret_size = store.count;
        return 0;
}
