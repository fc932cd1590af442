/* SPDX-License-Identifier: MIT */
/*
 * Takes a multi-image file apart: the reverse of compose.c, for files from
 * anywhere.  Only the frame that compose() writes is accepted, byte for byte
 * where it leaves no choice; so a flipped bit there is found by the shape, one
 * in the stub by the digest, and one in the store by the store's own digests.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "../stub/multi-image/sha256.h"
#include "../stub/parameters.h"
#include "compose.h"

#define SETUP_HEADER 0x1f1
#define SECTOR       512u
#define PARAGRAPH    16u
#define BOOT_FLAG    0xaa55
#define HEADER_MAGIC 0x53726448u /* "HdrS" */

/* Sizes of the parts of a bzImage; bounds hold once read_frame() succeeded. */
struct frame {
        size_t setup_size, payload, payload_size;
};

static int read_frame(const uint8_t *file, size_t size, struct frame *ret)
{
        struct setup_header h;
        REQUIRE(size >= SETUP_HEADER + sizeof h, COMPOSE_NOT_OURS);
        memcpy(&h, file + SETUP_HEADER, sizeof h);
        REQUIRE(h.boot_flag == BOOT_FLAG && h.header == HEADER_MAGIC,
                COMPOSE_NOT_OURS);
        size_t setup_size = (h.setup_sects + 1u) * SECTOR;
        REQUIRE(setup_size + HEAD_PARAMETERS + sizeof(struct head_parameters) <=
                        size,
                COMPOSE_NOT_OURS);
        struct head_parameters p;
        memcpy(&p, file + setup_size + HEAD_PARAMETERS, sizeof p);
        REQUIRE(get_le32(p.magic) == HEAD_MAGIC, COMPOSE_NOT_OURS);

        uint64_t body = (uint64_t)h.syssize * PARAGRAPH;
        REQUIRE(setup_size + body <= size, COMPOSE_TRUNCATED);
        REQUIRE(setup_size + body == size, COMPOSE_BAD_FRAME);
        uint64_t payload_end = (uint64_t)h.payload_offset + h.payload_length;
        REQUIRE(payload_end <= body && body - payload_end < PARAGRAPH,
                COMPOSE_BAD_FRAME);
        for (size_t i = setup_size + payload_end; i < size; i++)
                REQUIRE(!file[i], COMPOSE_BAD_FRAME);
        *ret = (struct frame){ setup_size, setup_size + h.payload_offset,
                               h.payload_length };
        return COMPOSE_OK;
}

/* Closes the stored blocks at in up into out, which has room for in_size. */
static int close_up(const uint8_t *in, size_t in_size, uint8_t *out,
                    size_t *ret_size)
{
        static const uint8_t gzip[GZIP_HEADER_SIZE] = { 0x1f, 0x8b, 8, 0, 0,
                                                        0,    0,    0, 0, 3 };
        size_t at = sizeof gzip, out_size = 0;
        bool last = false;
        REQUIRE(in_size >= sizeof gzip && !memcmp(in, gzip, sizeof gzip),
                COMPOSE_BAD_FRAME);
        while (!last) {
                REQUIRE(in_size - at > STORED_BLOCK_HEADER, COMPOSE_BAD_FRAME);
                const uint8_t *block = in + at;
                size_t size = block[1] | (size_t)block[2] << 8;
                size_t inverse = block[3] | (size_t)block[4] << 8;
                last = block[0];
                REQUIRE(block[0] <= 1 && size == (inverse ^ 0xffff) && size &&
                                (last ? size <= STORED_BLOCK_SIZE
                                      : size == STORED_BLOCK_SIZE),
                        COMPOSE_BAD_FRAME);
                at += STORED_BLOCK_HEADER;
                REQUIRE(size <= in_size - at, COMPOSE_BAD_FRAME);
                memcpy(out + out_size, in + at, size);
                out_size += size;
                at += size;
        }
        REQUIRE(in_size - at == GZIP_TRAILER_SIZE, COMPOSE_BAD_FRAME);
        le32 size;
        memcpy(&size, in + at + 4, sizeof size);
        REQUIRE(get_le32(size) == out_size, COMPOSE_BAD_FRAME);
        *ret_size = out_size;
        return COMPOSE_OK;
}

/* The store in E; it reaches to E's end. */
static int read_elf(struct composed *c)
{
        struct stub_parameters p;
        REQUIRE(c->elf_size >= STUB_PROGRAM && !memcmp(c->elf, ELFMAG, SELFMAG),
                COMPOSE_NOT_OURS);
        memcpy(&p, c->elf + STUB_PARAMETERS, sizeof p);
        REQUIRE(!memcmp(p.magic, STUB_MAGIC, sizeof p.magic), COMPOSE_NOT_OURS);
        uint64_t offset = get_le32(p.store_offset);
        uint64_t size = get_le64(p.store_size);
        REQUIRE(offset >= STUB_PROGRAM && offset <= c->elf_size &&
                        size <= c->elf_size - offset,
                COMPOSE_TRUNCATED);
        REQUIRE(size == c->elf_size - offset, COMPOSE_BAD_FRAME);
        c->store = c->elf + offset;
        c->store_size = size;
        c->init_size = get_le32(p.init_size);
        return COMPOSE_OK;
}

int compose_open(const uint8_t *file, size_t size, struct composed *ret)
{
        struct composed c = { 0 };
        struct frame frame;
        int err = COMPOSE_OK;

        c.elf = malloc(size + 1);
        if (!c.elf)
                return COMPOSE_NO_MEMORY;
        if (size >= SELFMAG && !memcmp(file, ELFMAG, SELFMAG)) {
                memcpy(c.elf, file, size);
                c.elf_size = size;
        } else {
                c.is_bzimage = true;
                (void)((err = read_frame(file, size, &frame)) ||
                       (err = close_up(file + frame.payload, frame.payload_size,
                                       c.elf, &c.elf_size)));
        }
        if (!err)
                err = read_elf(&c);
        if (err) {
                free(c.elf);
                return err;
        }
        c.stub_size = size - c.store_size;
        *ret = c;
        return COMPOSE_OK;
}

void compose_close(struct composed *composed)
{
        free(composed->elf);
        *composed = (struct composed){ 0 };
}

static bool digest_is(struct sha256 *s, const uint8_t *expected, size_t size)
{
        uint8_t digest[SHA256_SIZE];
        sha256_final(s, digest);
        return !memcmp(digest, expected, size);
}

/* E up to the store, its own digest taken as zeros. */
static bool stub_is_whole(const struct composed *c,
                          const struct stub_parameters *p)
{
        static const uint8_t zeros[sizeof p->stub_digest];
        const size_t at =
                STUB_PARAMETERS + offsetof(struct stub_parameters, stub_digest);
        size_t stub = c->elf_size - c->store_size;
        struct sha256 s;
        sha256_init(&s);
        sha256_update(&s, c->elf, at);
        sha256_update(&s, zeros, sizeof zeros);
        sha256_update(&s, c->elf + at + sizeof zeros, stub - at - sizeof zeros);
        return digest_is(&s, p->stub_digest, sizeof p->stub_digest);
}

int compose_verify(const uint8_t *file, size_t size,
                   const struct composed *composed)
{
        struct stub_parameters p;
        struct frame frame;
        struct sha256 s;
        le32 crc;
        int err;

        memcpy(&p, composed->elf + STUB_PARAMETERS, sizeof p);
        REQUIRE(stub_is_whole(composed, &p), COMPOSE_BAD_DIGEST);
        if (!composed->is_bzimage)
                return COMPOSE_OK;
        err = read_frame(file, size, &frame);
        if (err)
                return err;
        sha256_init(&s);
        sha256_update(&s, file, frame.payload);
        REQUIRE(digest_is(&s, p.head_digest, sizeof p.head_digest),
                COMPOSE_BAD_DIGEST);
        memcpy(&crc,
               file + frame.payload + frame.payload_size - GZIP_TRAILER_SIZE,
               sizeof crc);
        REQUIRE(get_le32(crc) ==
                        libdeflate_crc32(0, composed->elf, composed->elf_size),
                COMPOSE_BAD_DIGEST);
        return COMPOSE_OK;
}
