/* SPDX-License-Identifier: MIT */
/*
 * Rebuilds one variant: the stages in their order, then the frame around the
 * payload.
 *
 * Memory: the compact payload is built at the end of the room that the whole
 * image takes.  The frame only adds bytes in front of bytes, so while it is
 * written from the start it never overtakes what is still to be framed:
 *
 *      | prefix |<-- growth -->|      compact payload      | suffix |
 *      | prefix |hdr| block |hdr| block | ...   | block |..| suffix |
 */
#include "unpack.h"

#include <string.h>

#include "sha256.h"

int rebuild(struct unpacker *u)
{
        size_t mark;
        int err;

        mark = u->arena.used;
        if ((err = bodies_open(u)) || (err = place(u)))
                return err;
        u->arena.used = mark; /* chunks are done with */
        if ((err = streams_open_late(u, STREAM_SYMBOL_MEMBERSHIP,
                                     STREAM_EXPORT_PLACE)))
                return err;
        if ((err = names_find(u)))
                return err;
        mark = u->arena.used;
        if ((err = strings_derive(u)) || (err = slide_check(u)) ||
            (err = btf_derive(u)))
                return err;
        u->arena.used = mark;
        return symbols_derive(u);
}

int expand(struct expander *e, uint64_t offset, uint64_t size, uint8_t *out)
{
        const struct unpacker *u = e->u;

        REQUIRE(offset >= e->offset && offset <= u->payload_size &&
                        size <= u->payload_size - offset,
                MULTI_IMAGE_BAD_ELF);
        while (e->offset < offset + size) {
                bool is_wanted = e->offset >= offset;
                uint64_t n = (is_wanted ? offset + size : offset) - e->offset;
                const uint8_t *in = u->compact + e->compact;

                if (e->fold < u->fold_count &&
                    u->folds[e->fold].position == e->compact) {
                        const struct fold *f = &u->folds[e->fold];
                        uint64_t left =
                                (uint64_t)f->page_count * PAGE - e->fold_done;

                        n = n < left ? n : left;
                        if (is_wanted) {
                                REQUIRE(out <= in && n <= (uint64_t)(in - out),
                                        MULTI_IMAGE_NO_MEMORY);
                                memset(out, (int)f->value, n);
                        }
                        e->fold_done += n;
                        if (n == left) {
                                e->fold++;
                                e->fold_done = 0;
                        }
                } else {
                        uint64_t left = (e->fold < u->fold_count ?
                                                 u->folds[e->fold].position :
                                                 u->compact_size) -
                                        e->compact;

                        n = n < left ? n : left;
                        if (is_wanted) {
                                REQUIRE(out <= in, MULTI_IMAGE_NO_MEMORY);
                                memmove(out, in, n);
                        }
                        e->compact += n;
                }
                e->offset += n;
                if (is_wanted)
                        out += n;
        }
        return MULTI_IMAGE_OK;
}

static int check_image(const struct unpacker *u, const uint8_t *setup,
                       const uint8_t *body, uint64_t body_size)
{
        const struct format_variant *v = u->row;
        uint8_t digest[SHA256_SIZE];
        struct sha256 s;

        sha256_init(&s);
        sha256_update(&s, setup, get_le64(v->setup_size));
        sha256_update(&s, body, body_size);
        sha256_final(&s, digest);
        return memcmp(digest, v->image_digest, SHA256_SIZE) == 0 ?
                       MULTI_IMAGE_OK :
                       MULTI_IMAGE_BAD_DIGEST;
}

static uint64_t body_size(const struct format_variant *v)
{
        return get_le32(v->kind) != VARIANT_BZIMAGE ?
                       get_le64(v->payload_size) :
                       get_le64(v->image_size) - get_le64(v->setup_size);
}

uint64_t multi_image_body_room(const struct variant_info *info)
{
        return variant_is_elf(info) ? info->payload_size :
                                      info->image_size - info->setup_size;
}

int multi_image_unpack(const struct multi_image *mi, uint32_t variant,
                       const struct unpack_memory *memory)
{
        struct unpacker u = {
                .mi = mi,
                .variant = variant,
                .arena = { .base = memory->work, .size = memory->work_size },
        };
        const struct format_variant *v;
        uint64_t rest; /* of the prefix, behind the set-up */
        uint64_t framed;
        uint64_t room;
        int err;

        REQUIRE(variant < mi->variant_count, MULTI_IMAGE_BAD_ARGUMENT);
        if ((err = streams_open(&u)) || (err = layout(&u)))
                return err;

        v = u.row;
        room = body_size(v);
        REQUIRE(room <= memory->body_room, MULTI_IMAGE_NO_MEMORY);
        rest = u.prefix_size - get_le64(v->setup_size);
        framed = get_le32(v->kind) != VARIANT_BZIMAGE ?
                         u.payload_size :
                         frame_size(u.folds, u.fold_count, u.compact_size);
        REQUIRE(room == rest + framed + u.suffix_size, MULTI_IMAGE_BAD_LAYOUT);
        u.prefix_setup = memory->setup;
        u.prefix = memory->body;
        u.suffix = memory->body + room - u.suffix_size;
        u.compact = u.suffix - u.compact_size;
        if ((err = rebuild(&u)))
                return err;

        if (get_le32(v->kind) != VARIANT_BZIMAGE) {
                struct expander e = { .u = &u };

                err = expand(&e, 0, u.payload_size, memory->body);
                if (err)
                        return err;
        } else {
                frame_write(memory->body + rest, u.compact, u.compact_size,
                            u.folds, u.fold_count, get_le32(v->payload_crc),
                            u.payload_size);
        }
        if (memory->ret_work_used)
                *memory->ret_work_used = u.arena.peak;
        return check_image(&u, memory->setup, memory->body, room);
}
