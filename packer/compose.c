/* SPDX-License-Identifier: MIT */
/*
 * Writes the file around a store:
 *
 *     set-up    real mode: boot sector, Linux header, 16-bit code
 *     head      32-bit and 64-bit entry
 *     payload   gzip stream of stored blocks of E
 *     zeros     to a multiple of 16, the unit of syssize
 *
 * and E: ELF header, program headers, parameters and notes in front of the
 * stub program, behind it the store.  E is one segment; a second one without
 * bytes, the hole, is where ELF entries load a variant.  Xen and QEMU read E's
 * notes; Xen unpacks the payload as it would a kernel's.
 *
 * The memory map that follows from it, at a bzImage entry, by offset from the
 * load address (all are constants of the file, so the head need not think):
 *
 *     0            the file's protected-mode part; then the rebuilt variant
 *     elf_offset   E: behind what rebuilding takes, and far enough up for the
 *                  head to close up the stored blocks in one pass
 *     + own_offset the stub's own memory, then memory lent to the reader
 *     init_size - WINDOW_TAIL  the edited command line
 *
 * and at an ELF entry, physical:
 *
 *     1 MiB        E, own memory, lent memory if it fits below the hole
 *     hole_addr    the hole; lent memory behind it otherwise
 *
 * A bare ELF, a kernel that came as no bzImage, runs where it is linked, and
 * what enters it is the 32-bit stub program, which E then holds as well.  The
 * file is not relocatable any more: loaders put it at LOAD_ADDR, multiboot
 * headers ask for that, and the room below E reaches to the highest such
 * kernel's end.
 */
#include "compose.h"

#include <asm/bootparam.h>
#include <libdeflate.h>
#include <multiboot/multiboot.h>
#include <stdlib.h>
#include <string.h>

#include "../stub/multi-image/sha256.h"
#include "../stub/multiboot2.h"
#include "../stub/parameters.h"
#include "compose-parts.h"

#define SETUP_HEADER 0x1f1
#define SECTOR       512u
#define PARAGRAPH    16u /* unit of syssize */

#define ELF_ADDR             0x100000u /* E, unless it does not fit below the hole */
#define ELF_ALIGNMENT        0x200000u /* where it does not */
#define STORE_ALIGNMENT      64u
#define MAX_FILE             0x40000000u /* Xen's limit for what it unpacks: 1 GiB */
#define RELOCATION_ALIGNMENT 0x200000u /* of a re-wrapped kernel's ELF */

/* Bits of xloadflags that hold for the stub: 64-bit entry, above 4 GiB,
 * 5-level paging.  The EFI ones belong to a PE header. */
#define XLOADFLAGS (XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G)

extern const uint8_t stub_setup[], stub_setup_end[], stub_head[],
        stub_head_end[], stub_deflate[], stub_deflate_end[], stub_xz[],
        stub_xz_end[], stub_zstd[], stub_zstd_end[], stub_setup_32[],
        stub_setup_32_end[], stub_head_32[], stub_head_32_end[],
        stub_deflate_32[], stub_deflate_32_end[];

static const struct {
        uint8_t codec;
        const uint8_t *start, *end;
        const uint8_t *start_32, *end_32; /* NULL: not in 32 bits */
} stubs[] = {
        { CODEC_DEFLATE, stub_deflate, stub_deflate_end, stub_deflate_32,
          stub_deflate_32_end },
        { CODEC_XZ, stub_xz, stub_xz_end, NULL, NULL },
        { CODEC_ZSTD, stub_zstd, stub_zstd_end, NULL, NULL },
};

const char *compose_strerror(int error)
{
        static const char *const texts[COMPOSE_ERROR_COUNT] = {
                [COMPOSE_OK] = "no error",
                [COMPOSE_NO_MEMORY] = "not enough memory",
                [COMPOSE_NO_STUB] = "no stub has this codec",
                [COMPOSE_BAD_VARIANTS] =
                        "variants that ELF loaders load at different addresses",
                [COMPOSE_LOW_KERNEL] = "a kernel that is loaded below 1 MiB",
                [COMPOSE_LARGE_SETUP] = "set-up of more than 64 sectors",
                [COMPOSE_TOO_LARGE] = "more than 1 GiB",
                [COMPOSE_NOT_OURS] = "not a multi-image",
                [COMPOSE_TRUNCATED] = "the file ends too early",
                [COMPOSE_BAD_FRAME] = "what surrounds the store is damaged",
                [COMPOSE_BAD_DIGEST] = "the stub was changed (SHA-256 or CRC)",
        };
        return error >= 0 && error < COMPOSE_ERROR_COUNT ? texts[error]
                                                         : "unknown error";
}

static uint64_t max(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

static uint64_t min(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static void add_header(struct compose_input *input, const uint8_t *setup)
{
        struct setup_header h;
        memcpy(&h, setup + SETUP_HEADER, sizeof h);
        input->pref_address = max(input->pref_address, h.pref_address);
        input->kernel_alignment =
                (uint32_t)max(input->kernel_alignment, h.kernel_alignment);
        input->min_alignment =
                (uint8_t)max(input->min_alignment, h.min_alignment);
        input->relocatable &= h.relocatable_kernel != 0;
        input->xloadflags &= h.xloadflags;
        input->cmdline_size =
                (uint32_t)min(input->cmdline_size, h.cmdline_size);
        input->initrd_addr_max =
                (uint32_t)min(input->initrd_addr_max, h.initrd_addr_max);
        input->init_size = max(input->init_size, h.init_size);
}

int compose_add_variant(struct compose_input *input,
                        const struct variant_info *info, const uint8_t *setup)
{
        bool bzimage = info->kind == VARIANT_BZIMAGE;
        uint64_t hole = 0;

        if (info->setup_size > OWN_SETUP_SIZE)
                return COMPOSE_LARGE_SETUP;

        if (setup)
                add_header(input, setup);
        if (bzimage)
                input->body_room =
                        max(input->body_room, multi_image_body_room(info));
        else if (info->setup_size)
                input->body_room = max(input->body_room,
                                       info->load_room + RELOCATION_ALIGNMENT);
        else {
                if (info->load_addr < LOAD_ADDR)
                        return COMPOSE_LOW_KERNEL;
                input->in_32 = true;
                input->body_room =
                        max(input->body_room,
                            info->load_addr - LOAD_ADDR + info->load_room);
        }
        input->work_size = max(input->work_size, info->work_size);
        input->chunk_size = max(input->chunk_size, info->chunk_size);

        /* PVH takes a bzImage without its own PVH entry as well. */
        if (info->pvh_entry || info->xen_entry)
                hole = info->load_room;
        if (bzimage && !info->pvh_entry)
                hole = max(hole,
                           max(info->init_size, multi_image_body_room(info)));
        if (!hole)
                return COMPOSE_OK;
        if (input->hole_addr && input->hole_addr != info->load_addr)
                return COMPOSE_BAD_VARIANTS;
        input->hole_addr = info->load_addr;
        input->hole_room = max(input->hole_room, hole);
        input->has_pvh |= info->pvh_entry || bzimage;
        if (info->xen_entry) {
                if (input->has_xen &&
                    input->xen_virt_base != info->xen_virt_base)
                        return COMPOSE_BAD_VARIANTS;
                input->has_xen = true;
                input->xen_virt_base = info->xen_virt_base;
        }
        return COMPOSE_OK;
}

static int plan_elf(const struct compose_input *input, struct plan *p)
{
        if (p->program_32)
                p->program_32_offset =
                        align_up(p->program_size, STORE_ALIGNMENT);
        p->store_offset = align_up(
                max(p->program_size, p->program_32_offset + p->program_32_size),
                STORE_ALIGNMENT);
        p->elf_size = p->store_offset + input->store_size;
        p->own_offset = align_up(p->elf_size, PAGE);
        /* liblzma's dictionary is as large as a chunk, and some slack. */
        p->lent_size = align_up(input->work_size, 64) +
                       align_up(input->codec->memory_size, PAGE) + PAGE;
        if (input->codec->id == CODEC_XZ)
                p->lent_size += align_up(input->chunk_size, PAGE) + PAGE;
        p->lent_size = align_up(p->lent_size, PAGE);

        uint64_t own_end = p->own_offset + STUB_OWN_SIZE;
        p->elf_addr = ELF_ADDR;
        p->hole_size = align_up(input->hole_room, PAGE);
        if (!input->hole_addr)
                p->elf_lent_addr = p->elf_addr + own_end;
        else if (p->elf_addr + own_end + p->lent_size <= input->hole_addr)
                p->elf_lent_addr = p->elf_addr + own_end;
        else if (p->elf_addr + own_end <= input->hole_addr) {
                p->elf_lent_addr = input->hole_addr + p->hole_size;
                p->hole_size += p->lent_size;
        } else {
                p->elf_addr = align_up(input->hole_addr + p->hole_size,
                                       ELF_ALIGNMENT);
                p->elf_lent_addr = p->elf_addr + own_end;
        }
        return p->elf_lent_addr + p->lent_size > UINT32_MAX ? COMPOSE_TOO_LARGE
                                                            : COMPOSE_OK;
}

static int plan_file(const struct compose_input *input, struct plan *p)
{
        bool in_32 = p->program_32;
        p->setup = in_32 ? stub_setup_32 : stub_setup;
        p->head = in_32 ? stub_head_32 : stub_head;
        p->setup_size = (size_t)(in_32 ? stub_setup_32_end - stub_setup_32
                                       : stub_setup_end - stub_setup);
        p->head_size = (size_t)(in_32 ? stub_head_32_end - stub_head_32
                                      : stub_head_end - stub_head);
        p->block_count =
                (p->elf_size + STORED_BLOCK_SIZE - 1) / STORED_BLOCK_SIZE;
        p->payload_size = GZIP_HEADER_SIZE +
                          p->block_count * STORED_BLOCK_HEADER + p->elf_size +
                          GZIP_TRAILER_SIZE;
        p->file_size = p->setup_size +
                       align_up(p->head_size + p->payload_size, PARAGRAPH);

        /* The head closes blocks up without looking for overlaps: see there.
         * It writes whole words, hence 8 more at the end; those fall into the
         * stub's own memory or its page's padding. */
        uint64_t behind = p->own_offset + STUB_OWN_SIZE + p->lent_size;
        uint64_t clear = p->head_size + GZIP_HEADER_SIZE + STORED_BLOCK_HEADER +
                         STORED_BLOCK_SIZE +
                         p->block_count * STORED_BLOCK_HEADER + 8;
        p->elf_offset = align_up(max(input->body_room, clear), PAGE);
        p->init_size = p->elf_offset + behind + WINDOW_TAIL;
        uint64_t least = align_up(input->init_size, PAGE) + WINDOW_TAIL;
        if (p->init_size < least) {
                p->elf_offset += least - p->init_size;
                p->init_size = least;
        }
        return p->file_size > MAX_FILE || p->init_size > MAX_FILE
                       ? COMPOSE_TOO_LARGE
                       : COMPOSE_OK;
}

static void write_setup(const struct compose_input *input, const struct plan *p,
                        uint8_t *file)
{
        struct setup_header h;
        memcpy(file, p->setup, p->setup_size);
        memcpy(&h, file + SETUP_HEADER, sizeof h);
        h.setup_sects = (uint8_t)(p->setup_size / SECTOR - 1);
        h.syssize = (uint32_t)((p->file_size - p->setup_size) / PARAGRAPH);
        h.initrd_addr_max = input->initrd_addr_max;
        h.kernel_alignment = input->kernel_alignment;
        h.relocatable_kernel = input->relocatable && !p->program_32;
        h.min_alignment = input->min_alignment;
        h.xloadflags = input->xloadflags & XLOADFLAGS;
        h.cmdline_size = input->cmdline_size;
        h.payload_offset = (uint32_t)p->head_size;
        h.payload_length = (uint32_t)p->payload_size;
        h.pref_address = input->pref_address;
        h.init_size = (uint32_t)p->init_size;
        memcpy(file + SETUP_HEADER, &h, sizeof h);
}

/* Both headers ask for the protected-mode part at LOAD_ADDR and for the whole
 * window.  Multiboot 0.6.96, 3.1.3; Multiboot2 2.0, 3.1.5, 3.1.7. */
static void write_multiboot(const struct plan *p, uint8_t *head)
{
        const uint32_t load_end =
                LOAD_ADDR + (uint32_t)(p->file_size - p->setup_size);
        const uint32_t window_end = LOAD_ADDR + (uint32_t)p->init_size;
        const uint32_t entry = LOAD_ADDR + HEAD_ENTRY_MULTIBOOT;
        const uint32_t flags = MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO |
                               MULTIBOOT_AOUT_KLUDGE;
        const uint32_t one[] = {
                MULTIBOOT_HEADER_MAGIC,
                flags,
                -(MULTIBOOT_HEADER_MAGIC + flags),
                LOAD_ADDR + HEAD_MULTIBOOT1,
                LOAD_ADDR,
                load_end,
                window_end,
                entry,
        };
        const uint32_t two[16] = {
                MULTIBOOT2_HEADER_MAGIC,
                MULTIBOOT2_ARCHITECTURE_I386,
                sizeof(uint32_t[16]),
                -(MULTIBOOT2_HEADER_MAGIC + (uint32_t)sizeof(uint32_t[16])),
                MULTIBOOT2_HEADER_TAG_ADDRESS,
                24,
                LOAD_ADDR + HEAD_MULTIBOOT2,
                LOAD_ADDR,
                load_end,
                window_end,
                MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS,
                12,
                entry,
                0, /* tags are aligned by 8 */
                0, /* the end */
                8,
        };
        _Static_assert(HEAD_MULTIBOOT1 + sizeof one <= HEAD_MULTIBOOT2 &&
                               HEAD_MULTIBOOT2 + sizeof two <= HEAD_32_SIZE,
                       "head.S leaves this room");
        memcpy(head + HEAD_MULTIBOOT1, one, sizeof one);
        memcpy(head + HEAD_MULTIBOOT2, two, sizeof two);
}

static void write_head(const struct plan *p, uint8_t *head)
{
        const struct head_parameters parameters = {
                .magic = put_le32(HEAD_MAGIC),
                .data_offset =
                        put_le32((uint32_t)(p->head_size + GZIP_HEADER_SIZE +
                                            STORED_BLOCK_HEADER)),
                .block_count = put_le32((uint32_t)p->block_count),
                .last_block_size = put_le32(
                        (uint32_t)(p->elf_size -
                                   (p->block_count - 1) * STORED_BLOCK_SIZE)),
                .elf_offset = put_le32((uint32_t)p->elf_offset),
                .own_offset =
                        put_le32((uint32_t)(p->elf_offset + p->own_offset)),
                .program_32_offset = put_le32((uint32_t)p->program_32_offset),
        };
        memcpy(head, p->head, p->head_size);
        memcpy(head + HEAD_PARAMETERS, &parameters, sizeof parameters);
        if (p->program_32)
                write_multiboot(p, head);
}

static void digest(const uint8_t *bytes, size_t size, uint8_t *ret, size_t room)
{
        uint8_t whole[SHA256_SIZE];
        struct sha256 s;
        sha256_init(&s);
        sha256_update(&s, bytes, size);
        sha256_final(&s, whole);
        memcpy(ret, whole, room);
}

/* Both digests in E's parameters; the second covers the first. */
static void write_digests(const struct plan *p, const uint8_t *file,
                          uint8_t *elf)
{
        struct stub_parameters parameters;
        memcpy(&parameters, elf + STUB_PARAMETERS, sizeof parameters);
        digest(file, p->setup_size + p->head_size, parameters.head_digest,
               sizeof parameters.head_digest);
        memcpy(elf + STUB_PARAMETERS, &parameters, sizeof parameters);
        digest(elf, p->store_offset, parameters.stub_digest,
               sizeof parameters.stub_digest);
        memcpy(elf + STUB_PARAMETERS, &parameters, sizeof parameters);
}

static void write_payload(const struct plan *p, const uint8_t *elf,
                          uint8_t *out)
{
        static const uint8_t gzip[GZIP_HEADER_SIZE] = { 0x1f, 0x8b, 8, 0, 0,
                                                        0,    0,    0, 0, 3 };
        memcpy(out, gzip, sizeof gzip);
        out += sizeof gzip;
        for (uint64_t at = 0; at < p->elf_size; at += STORED_BLOCK_SIZE) {
                uint64_t size = min(p->elf_size - at, STORED_BLOCK_SIZE);
                const uint8_t block[STORED_BLOCK_HEADER] = {
                        at + size == p->elf_size, (uint8_t)size,
                        (uint8_t)(size >> 8),     (uint8_t)~size,
                        (uint8_t)(~size >> 8),
                };
                memcpy(out, block, sizeof block);
                memcpy(out + sizeof block, elf + at, size);
                out += sizeof block + size;
        }
        le32 crc = put_le32(libdeflate_crc32(0, elf, p->elf_size));
        le32 size = put_le32((uint32_t)p->elf_size);
        memcpy(out, &crc, sizeof crc);
        memcpy(out + sizeof crc, &size, sizeof size);
}

static int plan(const struct compose_input *input, struct plan *p)
{
        int err;
        *p = (struct plan){ 0 };
        for (size_t i = 0; i < sizeof stubs / sizeof stubs[0]; i++)
                if (stubs[i].codec == input->codec->id) {
                        p->program = stubs[i].start;
                        p->program_size =
                                (size_t)(stubs[i].end - stubs[i].start);
                        if (input->in_32)
                                p->program_32 = stubs[i].start_32;
                        if (p->program_32)
                                p->program_32_size =
                                        (size_t)(stubs[i].end_32 -
                                                 stubs[i].start_32);
                }
        if (!p->program)
                return COMPOSE_NO_STUB;
        if (input->store_size > MAX_FILE || input->body_room > MAX_FILE ||
            input->hole_room > MAX_FILE || input->hole_addr > MAX_FILE ||
            input->work_size > MAX_FILE || input->init_size > MAX_FILE)
                return COMPOSE_TOO_LARGE;
        (void)((err = plan_elf(input, p)) || (err = plan_file(input, p)));
        return err;
}

bool compose_has_32(const struct codec *codec)
{
        for (size_t i = 0; i < sizeof stubs / sizeof stubs[0]; i++)
                if (stubs[i].codec == codec->id)
                        return stubs[i].start_32 != NULL;
        return false;
}

int compose(const struct compose_input *input, uint8_t **ret_file,
            size_t *ret_size)
{
        struct plan p;
        int err = plan(input, &p);
        if (err)
                return err;
        uint8_t *file = calloc(1, p.file_size);
        uint8_t *elf = calloc(1, p.elf_size);
        if (!file || !elf) {
                free(file);
                free(elf);
                return COMPOSE_NO_MEMORY;
        }
        write_setup(input, &p, file);
        write_head(&p, file + p.setup_size);
        compose_write_elf(input, &p, elf);
        write_digests(&p, file, elf);
        write_payload(&p, elf, file + p.setup_size + p.head_size);
        free(elf);
        *ret_file = file;
        *ret_size = p.file_size;
        return COMPOSE_OK;
}
