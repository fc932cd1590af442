/* SPDX-License-Identifier: MIT */
/*
 * Loads a variant's payload as an ELF loader would, for entries that take the
 * kernel proper and not its bzImage (Xen PV, PVH, the 64-bit boot protocol of
 * a stock kernel).
 *
 * The compact payload is built at the end of the room and its segments are
 * spread forward from there.  A segment's bytes move towards lower addresses
 * as long as the room behind them (bss, or what the packer added to load_room)
 * is at least as large as what follows the last segment in the file; the
 * packer has tried, and expand() checks each step.
 */
#include <elf.h>
#include <string.h>

#include "sha256.h"
#include "unpack.h"

/* Only what is needed of either class. */
struct segment {
        uint64_t offset, paddr, filesz, memsz;
};

struct elf_view {
        uint64_t entry;
        uint32_t segment_count;
        struct segment segments[MULTI_IMAGE_MAX_SEGMENTS];
};

static int check_payload(const struct unpacker *u)
{
        const struct format_variant *v = u->row;
        uint8_t digest[SHA256_SIZE];
        struct sha256 s;
        uint32_t i;

        sha256_init(&s);
        sha256_update(&s, u->compact, u->compact_size);
        for (i = 0; i < u->fold_count; i++) {
                const struct fold *f = &u->folds[i];
                le32 words[3] = { put_le32((uint32_t)f->position),
                                  put_le32(f->page_count), put_le32(f->value) };

                sha256_update(&s, words, sizeof(words));
        }
        sha256_final(&s, digest);
        return memcmp(digest, v->payload_digest, SHA256_SIZE) == 0 ?
                       MULTI_IMAGE_OK :
                       MULTI_IMAGE_BAD_DIGEST;
}

static int add_segment(struct elf_view *elf, uint32_t type, struct segment s)
{
        if (type != PT_LOAD)
                return MULTI_IMAGE_OK;
        REQUIRE(elf->segment_count < MULTI_IMAGE_MAX_SEGMENTS,
                MULTI_IMAGE_BAD_ELF);
        REQUIRE(s.filesz <= s.memsz, MULTI_IMAGE_BAD_ELF);
        elf->segments[elf->segment_count++] = s;
        return MULTI_IMAGE_OK;
}

/* ELF header and program headers, which must lie before the first fold. */
static int read_elf(const uint8_t *bytes, uint64_t size, struct elf_view *ret)
{
        Elf64_Ehdr e;
        Elf32_Ehdr e32;
        uint64_t at, entry_size;
        uint32_t count, i;
        bool is_64;
        int err;

        *ret = (struct elf_view){ .entry = 0 };
        REQUIRE(size >= sizeof(e) && memcmp(bytes, ELFMAG, SELFMAG) == 0,
                MULTI_IMAGE_BAD_ELF);
        is_64 = bytes[EI_CLASS] == ELFCLASS64;
        memcpy(&e, bytes, sizeof(e));
        memcpy(&e32, bytes, sizeof(e32));
        at = is_64 ? e.e_phoff : e32.e_phoff;
        count = is_64 ? e.e_phnum : e32.e_phnum;
        entry_size = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
        ret->entry = is_64 ? e.e_entry : e32.e_entry;
        REQUIRE((is_64 ? e.e_phentsize : e32.e_phentsize) == entry_size &&
                        at <= size && count <= (size - at) / entry_size,
                MULTI_IMAGE_BAD_ELF);
        for (i = 0; i < count; i++, at += entry_size) {
                Elf64_Phdr p;
                Elf32_Phdr p32;

                memcpy(&p32, bytes + at, sizeof(p32));
                if (is_64)
                        memcpy(&p, bytes + at, sizeof(p));
                err = is_64 ? add_segment(ret, p.p_type,
                                          (struct segment){ p.p_offset, p.p_paddr,
                                                            p.p_filesz,
                                                            p.p_memsz }) :
                              add_segment(ret, p32.p_type,
                                          (struct segment){
                                                  p32.p_offset, p32.p_paddr,
                                                  p32.p_filesz, p32.p_memsz });
                if (err)
                        return err;
        }
        REQUIRE(ret->segment_count, MULTI_IMAGE_BAD_ELF);
        return MULTI_IMAGE_OK;
}

/* Segments in order of address and of file offset; what lies between them and
 * behind them up to load_size is zeroed. */
static int spread(const struct unpacker *u, const struct elf_view *elf,
                  uint8_t *load)
{
        const struct format_variant *v = u->row;
        uint64_t base = get_le64(v->load_addr);
        uint64_t load_size = get_le64(v->load_size);
        struct expander e = { .u = u };
        uint64_t done = 0;
        uint32_t i;
        int err;

        for (i = 0; i < elf->segment_count; i++) {
                const struct segment *s = &elf->segments[i];
                uint64_t at = s->paddr - base;
                const uint8_t *unread = u->compact + e.compact;

                REQUIRE(s->paddr >= base && at >= done && at <= load_size &&
                                s->memsz <= load_size - at,
                        MULTI_IMAGE_BAD_ELF);
                REQUIRE(load + at <= unread, MULTI_IMAGE_NO_MEMORY);
                memset(load + done, 0, at - done);
                /* a segment of bss alone may give any offset */
                if (s->filesz &&
                    (err = expand(&e, s->offset, s->filesz, load + at)))
                        return err;
                done = at + s->filesz;
        }
        memset(load + done, 0, load_size - done);
        return MULTI_IMAGE_OK;
}

int multi_image_load(const struct multi_image *mi, uint32_t variant,
                     const struct unpack_memory *memory, uint64_t *ret_entry)
{
        struct unpacker u = {
                .mi = mi,
                .variant = variant,
                .arena = { .base = memory->work, .size = memory->work_size },
        };
        const struct format_variant *v;
        struct elf_view elf;
        uint64_t room;
        int err;

        REQUIRE(variant < mi->variant_count, MULTI_IMAGE_BAD_ARGUMENT);
        v = &mi->variants[variant];
        room = get_le64(v->load_room);
        REQUIRE(room && room >= get_le64(v->load_size) &&
                        room >= get_le64(v->compact_size),
                MULTI_IMAGE_BAD_ELF);
        REQUIRE(room <= memory->body_room, MULTI_IMAGE_NO_MEMORY);
        if ((err = streams_open(&u)) || (err = layout(&u)))
                return err;
        u.compact = memory->body + room - u.compact_size;
        /* The boot code around the payload is not needed: it goes to scratch. */
        u.prefix_setup = u.prefix = arena_take(&u.arena, u.prefix_size);
        if (memory->setup)
                u.prefix_setup = memory->setup;
        u.suffix = arena_take(&u.arena, u.suffix_size);
        REQUIRE(u.prefix && u.suffix, MULTI_IMAGE_NO_MEMORY);
        if ((err = rebuild(&u)) || (err = check_payload(&u)) ||
            (err = read_elf(u.compact,
                            u.fold_count ? u.folds[0].position : u.compact_size,
                            &elf)) ||
            (err = spread(&u, &elf, memory->body)))
                return err;
        if (memory->ret_work_used)
                *memory->ret_work_used = u.arena.peak;
        *ret_entry = elf.entry;
        return MULTI_IMAGE_OK;
}
