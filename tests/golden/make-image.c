/* SPDX-License-Identifier: MIT */
/*
 * make-image: wraps an ELF kernel as a bzImage, as the kernel's make does, and
 * makes the golden inputs, one thing wrong in each of them.
 *
 *      make-image CODEC ELF OUT        a bzImage; CODEC: stored gzip xz zstd lz4
 *      make-image --golden ELF FOLDER  every row of goldens[], and FOLDER/list:
 *                                      name, exit code, text of the message
 *
 * ELF is what tests/golden/kernel.S is linked to, stripped.
 */
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "multi-image/format.h"
#include "multi-image/frame.h"

#define SETUP_SECTS    4
#define SETUP_SIZE     ((SETUP_SECTS + 1) * 512)
#define BOOT_CODE_SIZE 1024       /* before the payload; never run */
#define ROOM           (1u << 20) /* more than any file here takes */

/* A file as it grows. */
struct file {
        uint8_t bytes[ROOM];
        size_t size;
};

static void die(const char *what, const char *name)
{
        fprintf(stderr, "make-image: %s: %s\n", name, what);
        exit(2);
}

static void put(struct file *f, const void *bytes, size_t size)
{
        if (size > ROOM - f->size)
                die("too large", "image");
        memcpy(f->bytes + f->size, bytes, size);
        f->size += size;
}

static void set(uint8_t *at, uint64_t value, size_t size)
{
        for (; size; size--, value >>= 8)
                *at++ = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
        le32 v;

        memcpy(&v, at, sizeof(v));
        return get_le32(v);
}

static void put32(struct file *f, uint32_t value)
{
        le32 v = put_le32(value);

        put(f, &v, sizeof(v));
}

/* --- Payloads: the ELF compressed, and its size behind it (gzip has it). --- */

static void pack_stored(struct file *f, const struct file *elf)
{
        static uint8_t compact[ROOM];
        struct fold folds[ROOM / PAGE];
        size_t count = 0, compact_size = 0;
        uint64_t size;
        int last = -1;

        for (size_t at = 0; at < elf->size; at += PAGE) {
                size_t n = elf->size - at < PAGE ? elf->size - at : PAGE;
                int value = n == PAGE ? frame_page_value(elf->bytes + at) : -1;

                if (value >= 0 && value == last) {
                        folds[count - 1].page_count++;
                } else if (value >= 0) {
                        folds[count++] = (struct fold){ compact_size, 1,
                                                        (uint32_t)value };
                } else {
                        memcpy(compact + compact_size, elf->bytes + at, n);
                        compact_size += n;
                }
                last = value;
        }
        size = frame_size(folds, count, compact_size);
        if (size > ROOM - f->size)
                die("too large", "payload");
        frame_write(f->bytes + f->size, compact, compact_size, folds, count,
                    (uint32_t)crc32(0, elf->bytes, (uInt)elf->size), elf->size);
        f->size += size;
}

static void pack_gzip(struct file *f, const struct file *elf)
{
        z_stream z = { .next_in = (Bytef *)elf->bytes,
                       .avail_in = (uInt)elf->size,
                       .next_out = f->bytes + f->size,
                       .avail_out = (uInt)(ROOM - f->size) };

        if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9,
                         Z_DEFAULT_STRATEGY) != Z_OK ||
            deflate(&z, Z_FINISH) != Z_STREAM_END)
                die("zlib", "gzip");
        f->size += z.total_out;
        deflateEnd(&z);
}

static void pack_xz(struct file *f, const struct file *elf)
{
        if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, elf->bytes,
                                    elf->size, f->bytes, &f->size,
                                    ROOM) != LZMA_OK)
                die("liblzma", "xz");
        put32(f, (uint32_t)elf->size);
}

static void pack_zstd(struct file *f, const struct file *elf)
{
        ZSTD_CCtx *context = ZSTD_createCCtx();
        size_t n;

        /* as the zstd program does by itself */
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        n = ZSTD_compress2(context, f->bytes + f->size, ROOM - f->size,
                           elf->bytes, elf->size);
        if (ZSTD_isError(n))
                die("libzstd", "zstd");
        ZSTD_freeCCtx(context);
        f->size += n;
        put32(f, (uint32_t)elf->size);
}

/* The legacy frame, of one block. */
static void pack_lz4(struct file *f, const struct file *elf)
{
        static char out[LZ4_COMPRESSBOUND(ROOM)];
        int n = LZ4_compress_default((const char *)elf->bytes, out,
                                     (int)elf->size, sizeof(out));

        put32(f, 0x184c2102);
        put32(f, (uint32_t)n);
        put(f, out, (size_t)n);
        put32(f, (uint32_t)elf->size);
}

static const struct codec {
        const char *name;
        void (*pack)(struct file *f, const struct file *elf);
} codecs[] = {
        { "stored", pack_stored }, { "gzip", pack_gzip }, { "xz", pack_xz },
        { "zstd", pack_zstd },     { "lz4", pack_lz4 },
};
#define CODEC_COUNT (sizeof(codecs) / sizeof(codecs[0]))

static const struct codec *find_codec(const char *name)
{
        for (size_t i = 0; i < CODEC_COUNT; i++)
                if (!strcmp(codecs[i].name, name))
                        return &codecs[i];
        die("unknown codec", name);
        return NULL;
}

/* --- The bzImage around it: fields of boot.rst, protocol 2.15. --- */

static void make_bzimage(struct file *f, const struct codec *codec,
                         const struct file *elf)
{
        uint8_t *h = f->bytes;
        size_t payload;

        memset(f, 0, sizeof(*f));
        f->size = SETUP_SIZE;
        for (int i = 0; i < BOOT_CODE_SIZE; i++)
                f->bytes[f->size++] = (uint8_t)(i * 7 + i / 256);
        payload = f->size;
        codec->pack(f, elf);
        set(h + 0x248, payload - SETUP_SIZE, 4); /* payload_offset */
        set(h + 0x24c, f->size - payload, 4);    /* payload_length */
        while ((f->size - SETUP_SIZE) % 16)
                f->bytes[f->size++] = 0;

        h[0x1f1] = SETUP_SECTS;
        set(h + 0x1f4, (f->size - SETUP_SIZE) / 16, 4); /* syssize */
        set(h + 0x1fe, 0xaa55, 2);                      /* boot_flag */
        set(h + 0x200, 0x66eb, 2);                      /* jump */
        memcpy(h + 0x202, "HdrS", 4);
        set(h + 0x206, 0x20f, 2);      /* version */
        h[0x211] = 1;                  /* loadflags: LOADED_HIGH */
        set(h + 0x214, 0x100000, 4);   /* code32_start */
        set(h + 0x22c, 0x7fffffff, 4); /* initrd_addr_max */
        set(h + 0x230, 0x200000, 4);   /* kernel_alignment */
        h[0x234] = 1;                  /* relocatable_kernel */
        h[0x235] = 21;                 /* min_alignment: 2 MiB */
        set(h + 0x236, 3, 2);          /* xloadflags: 64 bits, above 4 GiB */
        set(h + 0x238, 2047, 4);       /* cmdline_size */
        set(h + 0x258, 0x1000000, 8);  /* pref_address */
        set(h + 0x260, 0x100000, 4);   /* init_size */
}

/* --- Golden inputs --- */

enum shape {
        ELF,
        BZIMAGE
};

/* What the offset of a patch counts from. */
enum where {
        IN_FILE,
        IN_ELF,           /* patched before it is compressed */
        FROM_PAYLOAD_END, /* bytes in front of it */
};

/* One change of a good file. */
static const struct golden {
        const char *name;
        enum shape shape;
        const char *codec; /* BZIMAGE only */
        enum where where;
        size_t offset; /* of the patch */
        size_t size;   /* bytes of the patch, 0: none */
        uint64_t value;
        long cut;         /* bytes to keep, 0: all; negative: all but these */
        int code;         /* exit code of ingot pack */
        const char *text; /* part of its message; "" if the code is 0 */
} goldens[] = {
        { "good-stored", BZIMAGE, "stored", IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-gzip", BZIMAGE, "gzip", IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-xz", BZIMAGE, "xz", IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-zstd", BZIMAGE, "zstd", IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-lz4", BZIMAGE, "lz4", IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-elf", ELF, NULL, IN_FILE, 0, 0, 0, 0, 0, "" },
        { "good-unknown-note", ELF, NULL, IN_FILE, 0x1008, 4, 7, 0, 0, "" },

        { "bad-empty", ELF, NULL, IN_FILE, 0, 0, 0, -(long)ROOM, 3,
          "neither a bzImage nor an ELF kernel" },
        { "bad-magic", BZIMAGE, "stored", IN_FILE, 0x202, 4, 0, 0, 3,
          "neither a bzImage nor an ELF kernel" },
        { "bad-boot-flag", BZIMAGE, "stored", IN_FILE, 0x1fe, 2, 0x1234, 0, 3,
          "boot_flag: 0x1234 instead of 0xaa55" },
        { "bad-setup-sects", BZIMAGE, "stored", IN_FILE, 0x1f1, 1, 0xff, 0, 3,
          "setup_sects: 255 sectors reach beyond" },
        { "bad-syssize", BZIMAGE, "stored", IN_FILE, 0x1f4, 4, 0xffffffff, 0, 3,
          "syssize: file is truncated" },
        { "bad-truncated-header", BZIMAGE, "stored", IN_FILE, 0, 0, 0, 0x250, 3,
          "neither a bzImage nor an ELF kernel" },
        { "bad-truncated-setup", BZIMAGE, "stored", IN_FILE, 0, 0, 0, 0x300, 3,
          "setup_sects: 4 sectors reach beyond" },
        { "bad-truncated-payload", BZIMAGE, "stored", IN_FILE, 0, 0, 0, -4096,
          3, "syssize: file is truncated" },
        { "bad-payload-offset", BZIMAGE, "stored", IN_FILE, 0x248, 4,
          0xfffffff0, 0, 3, "payload_offset: 0xfffffff0" },
        { "bad-payload-length", BZIMAGE, "stored", IN_FILE, 0x24c, 4,
          0xffffffff, 0, 3, "reach beyond the protected-mode code" },
        { "bad-no-payload", BZIMAGE, "stored", IN_FILE, 0x24c, 4, 0, 0, 3,
          "payload_length: the image has no payload" },
        { "bad-init-size-small", BZIMAGE, "stored", IN_FILE, 0x260, 4, 0x1000,
          0, 3, "init_size: 0x1000 is less than" },
        { "bad-init-size-large", BZIMAGE, "stored", IN_FILE, 0x260, 4,
          0x7fffffff, 0, 3, "init_size: 0x7fffffff is more than the limit" },
        { "bad-alignment", BZIMAGE, "stored", IN_FILE, 0x230, 4, 0x300000, 0, 3,
          "kernel_alignment: 0x300000 is no power of two" },
        { "unsupported-version", BZIMAGE, "stored", IN_FILE, 0x206, 2, 0x204, 0,
          3, "boot protocol 2.04 is older than 2.10 and unsupported" },
        { "unsupported-zimage", BZIMAGE, "stored", IN_FILE, 0x211, 1, 0, 0, 3,
          "a zImage is unsupported" },

        { "bad-payload-magic", BZIMAGE, "stored", IN_FILE, 0xe00, 2, 0, 0, 3,
          "unknown compression" },
        { "unsupported-bzip2", BZIMAGE, "stored", IN_FILE, 0xe00, 3, 0x685a42,
          0, 3, "compression with bzip2 is unsupported" },
        { "unsupported-lzma", BZIMAGE, "stored", IN_FILE, 0xe00, 3, 0x5d, 0, 3,
          "compression with lzma is unsupported" },
        { "unsupported-lzo", BZIMAGE, "stored", IN_FILE, 0xe00, 4, 0x4f5a4c89,
          0, 3, "compression with lzo is unsupported" },
        { "bad-gzip-data", BZIMAGE, "gzip", IN_FILE, 0x1000, 8, 0, 0, 3,
          "payload at 0xe00: gzip" },
        { "bad-xz-data", BZIMAGE, "xz", IN_FILE, 0x1000, 8, 0, 0, 3,
          "xz: stream is damaged" },
        { "bad-zstd-data", BZIMAGE, "zstd", IN_FILE, 0xf00, 8, ~0ull, 0, 3,
          "payload at 0xe00: zstd" },
        { "bad-lz4-data", BZIMAGE, "lz4", IN_FILE, 0xe08, 8, ~0ull, 0, 3,
          "payload at 0xe00: lz4" },
        { "bad-lz4-block-size", BZIMAGE, "lz4", IN_FILE, 0xe04, 4, 0x7fffffff,
          0, 3, "lz4: block reaches beyond the stream" },
        { "bad-gzip-crc", BZIMAGE, "gzip", FROM_PAYLOAD_END, 8, 4, 0, 0, 3,
          "gzip: incorrect data check" },
        { "bad-gzip-size", BZIMAGE, "gzip", FROM_PAYLOAD_END, 4, 4, 100, 0, 3,
          "gzip: unpacks to another size than announced" },
        { "bad-xz-size", BZIMAGE, "xz", FROM_PAYLOAD_END, 4, 4, 100, 0, 3,
          "xz: unpacks to another size than announced" },
        { "bad-zstd-size", BZIMAGE, "zstd", FROM_PAYLOAD_END, 4, 4, 100000, 0,
          3, "zstd: unpacks to another size than announced" },
        { "bad-lz4-size", BZIMAGE, "lz4", FROM_PAYLOAD_END, 4, 4, 100000, 0, 3,
          "lz4: unpacks to another size than announced" },
        { "bad-size-word", BZIMAGE, "xz", FROM_PAYLOAD_END, 4, 4, 0x50000000, 0,
          3, "unpacked size 1342177280 is not from 1 to" },

        { "bad-elf-magic", BZIMAGE, "stored", IN_ELF, 0, 4, 0, 0, 3,
          "payload: no ELF header" },
        { "bad-elf-truncated", ELF, NULL, IN_FILE, 0, 0, 0, 40, 3, "ELF" },
        { "unsupported-elf-class", ELF, NULL, IN_FILE, 4, 1, 3, 0, 3,
          "e_ident: class 3, data encoding 1 is unsupported" },
        { "unsupported-big-endian", ELF, NULL, IN_FILE, 5, 1, 2, 0, 3,
          "e_ident: class 2, data encoding 2 is unsupported" },
        { "unsupported-machine", ELF, NULL, IN_FILE, 18, 2, 183, 0, 3,
          "e_machine: 183 is unsupported" },
        { "unsupported-object", ELF, NULL, IN_FILE, 16, 2, 1, 0, 3,
          "e_type: 1 is neither ET_EXEC nor ET_DYN" },
        { "bad-phentsize", ELF, NULL, IN_FILE, 54, 2, 32, 0, 3,
          "e_phentsize: 32 instead of 56" },
        { "bad-phnum", ELF, NULL, IN_FILE, 56, 2, 0, 0, 3, "e_phnum: 0" },
        { "bad-phnum-many", ELF, NULL, IN_FILE, 56, 2, 0xffff, 0, 3,
          "e_phnum: 65535" },
        { "bad-phoff", ELF, NULL, IN_FILE, 32, 8, ~0ull - 60, 0, 3,
          "e_phoff: 5 program headers" },
        { "bad-entry", ELF, NULL, IN_FILE, 24, 8, 0x100, 0, 3,
          "e_entry: 0x100 lies in no segment" },
        { "bad-segment-offset", ELF, NULL, IN_FILE, 64 + 8, 8, ~0ull - 1, 0, 3,
          "program header 0: 0x6000 bytes at 0xfffffffffffffffe reach beyond" },
        { "bad-segment-filesz", ELF, NULL, IN_FILE, 64 + 32, 8, 0x100000, 0, 3,
          "program header 0: 0x100000 bytes at 0x1000 reach beyond" },
        { "bad-segment-memsz", ELF, NULL, IN_FILE, 64 + 40, 8, 1, 0, 3,
          "program header 0: p_filesz 0x6000 is more than p_memsz 0x1" },
        { "bad-segment-wraps", ELF, NULL, IN_FILE, 64 + 24, 8, ~0ull - 16, 0, 3,
          "wrap around" },
        { "bad-segment-overlap", ELF, NULL, IN_FILE, 64 + 56 + 24, 8, 0x1001000,
          0, 3, "program header 1: address 0x1001000 lies in the segment" },
        { "unsupported-segment-order", ELF, NULL, IN_FILE, 64 + 56 + 24, 8,
          0x800000, 0, 3, "program header 1: segment at address 0x800000" },
        { "bad-segment-far", ELF, NULL, IN_FILE, 64 + 3 * 56 + 24, 8, 0x90000000, 0,
          3, "span more than the limit" },
        { "bad-note-size", BZIMAGE, "xz", IN_ELF, 0x1004, 4, 0x10000000, 0, 3,
          "note at 0" },
        { "bad-note-entry", ELF, NULL, IN_FILE, 0x1004, 4, 3, 0, 3,
          "Xen note 1: 3 bytes instead of 4 or 8" },
};

static void read_file(const char *path, struct file *ret)
{
        FILE *in = fopen(path, "rb");

        if (!in)
                die(strerror(errno), path);
        ret->size = fread(ret->bytes, 1, ROOM, in);
        fclose(in);
}

static void write_file(const char *path, const struct file *f)
{
        FILE *out = fopen(path, "wb");

        if (!out || fwrite(f->bytes, 1, f->size, out) != f->size || fclose(out))
                die(strerror(errno), path);
}

static void patch(struct file *f, const struct golden *g)
{
        size_t at = g->offset;

        if (g->where == FROM_PAYLOAD_END)
                at = SETUP_SIZE + get32(f->bytes + 0x248) +
                     get32(f->bytes + 0x24c) - at;
        if (at + g->size > f->size)
                die("patch lies outside of the file", g->name);
        set(f->bytes + at, g->value, g->size);
}

static void make_golden(const struct golden *g, const struct file *kernel,
                        struct file *f)
{
        static struct file elf;

        elf = *kernel;
        if (g->where == IN_ELF)
                patch(&elf, g);
        if (g->shape == ELF)
                *f = elf;
        else
                make_bzimage(f, find_codec(g->codec), &elf);
        if (g->where != IN_ELF)
                patch(f, g);
        if (g->cut > 0)
                f->size = (size_t)g->cut;
        else if (g->cut < 0)
                f->size = f->size > (size_t)-g->cut ? f->size + g->cut : 0;
}

static void make_goldens(const struct file *kernel, const char *folder)
{
        static struct file f;
        char path[4096];
        FILE *list;

        snprintf(path, sizeof(path), "%s/list", folder);
        list = fopen(path, "w");
        if (!list)
                die(strerror(errno), path);
        for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
                const struct golden *g = &goldens[i];

                make_golden(g, kernel, &f);
                snprintf(path, sizeof(path), "%s/%s", folder, g->name);
                write_file(path, &f);
                fprintf(list, "%s %d %s\n", g->name, g->code, g->text);
        }
        if (fclose(list))
                die(strerror(errno), "list");
}

int main(int argc, char **argv)
{
        static struct file elf, f;

        if (argc != 4) {
                fputs("usage: make-image CODEC ELF OUT\n"
                      "       make-image --golden ELF FOLDER\n",
                      stderr);
                return 2;
        }
        read_file(argv[2], &elf);
        if (!strcmp(argv[1], "--golden")) {
                make_goldens(&elf, argv[3]);
                return 0;
        }
        make_bzimage(&f, find_codec(argv[1]), &elf);
        write_file(argv[3], &f);
        return 0;
}
