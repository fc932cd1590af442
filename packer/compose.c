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
 */
#include "compose.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../stub/multi-image/sha256.h"
#include "../stub/parameters.h"

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
        stub_xz_end[];

static const struct {
        uint8_t codec;
        const uint8_t *start, *end;
} stubs[] = {
        { CODEC_DEFLATE, stub_deflate, stub_deflate_end },
        { CODEC_XZ, stub_xz, stub_xz_end },
};

/* Where everything stands. */
struct plan {
        const uint8_t *program; /* stub program: E without header and store */
        size_t program_size;
        uint64_t store_offset, elf_size; /* in E, of E */
        uint64_t own_offset;
        uint64_t lent_size;
        uint64_t elf_offset, init_size;              /* in the window */
        uint64_t elf_addr, elf_lent_addr, hole_size; /* physical */
        uint64_t setup_size, head_size;
        uint64_t block_count, payload_size, file_size;
};

const char *compose_strerror(int error)
{
        static const char *const texts[COMPOSE_ERROR_COUNT] = {
                [COMPOSE_OK] = "no error",
                [COMPOSE_NO_MEMORY] = "not enough memory",
                [COMPOSE_NO_STUB] = "no stub has this codec",
                [COMPOSE_BAD_VARIANTS] =
                        "variants that ELF loaders load at different addresses",
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

static uint64_t align_up(uint64_t value, uint64_t to)
{
        return (value + to - 1) & ~(to - 1);
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
        else
                input->body_room = max(input->body_room,
                                       info->load_room + RELOCATION_ALIGNMENT);
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
        p->store_offset = align_up(p->program_size, STORE_ALIGNMENT);
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
        p->setup_size = (size_t)(stub_setup_end - stub_setup);
        p->head_size = (size_t)(stub_head_end - stub_head);
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
        memcpy(file, stub_setup, p->setup_size);
        memcpy(&h, file + SETUP_HEADER, sizeof h);
        h.setup_sects = (uint8_t)(p->setup_size / SECTOR - 1);
        h.syssize = (uint32_t)((p->file_size - p->setup_size) / PARAGRAPH);
        h.initrd_addr_max = input->initrd_addr_max;
        h.kernel_alignment = input->kernel_alignment;
        h.relocatable_kernel = input->relocatable;
        h.min_alignment = input->min_alignment;
        h.xloadflags = input->xloadflags & XLOADFLAGS;
        h.cmdline_size = input->cmdline_size;
        h.payload_offset = (uint32_t)p->head_size;
        h.payload_length = (uint32_t)p->payload_size;
        h.pref_address = input->pref_address;
        h.init_size = (uint32_t)p->init_size;
        memcpy(file + SETUP_HEADER, &h, sizeof h);
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
        };
        memcpy(head, stub_head, p->head_size);
        memcpy(head + HEAD_PARAMETERS, &parameters, sizeof parameters);
}

/* Adds a note of owner "Xen" at *at; returns what is behind it. */
static uint8_t *add_note(uint8_t *at, uint32_t type, const void *bytes,
                         uint32_t size)
{
        const Elf64_Nhdr note = { .n_namesz = 4,
                                  .n_descsz = size,
                                  .n_type = type };
        memcpy(at, &note, sizeof note);
        memcpy(at + sizeof note, "Xen", 4);
        memcpy(at + sizeof note + 4, bytes, size);
        return at + sizeof note + 4 + align_up(size, 4);
}

static uint8_t *add_text(uint8_t *at, uint32_t type, const char *text)
{
        return add_note(at, type, text, (uint32_t)strlen(text) + 1);
}

static uint8_t *add_number(uint8_t *at, uint32_t type, uint64_t value)
{
        return add_note(at, type, &value, sizeof value);
}

/* As Linux 6.1 has them (arch/x86/xen/xen-head.S), entries our own. */
static size_t write_notes(const struct compose_input *input,
                          const struct plan *p, uint8_t *start)
{
        uint8_t *at = start;
        uint64_t base = input->xen_virt_base;

        if (input->has_xen) {
                /* valid bit and mask of the present bit */
                static const uint64_t l1_mfn_valid[2] = { 1, 1 };
                static const uint32_t features = 1u << 0 | 1u << 11 | 1u << 15;
                static const uint32_t one = 1;
                at = add_text(at, XEN_ELFNOTE_GUEST_OS, "linux");
                at = add_text(at, XEN_ELFNOTE_GUEST_VERSION, "2.6");
                at = add_text(at, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
                at = add_number(at, XEN_ELFNOTE_VIRT_BASE, base);
                at = add_number(at, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
                at = add_number(at, XEN_ELFNOTE_ENTRY,
                                base + p->elf_addr + STUB_ENTRY_XEN);
                at = add_text(at, XEN_ELFNOTE_FEATURES,
                              "!writable_page_tables|pae_pgdir_above_4gb");
                at = add_note(at, XEN_ELFNOTE_SUPPORTED_FEATURES, &features,
                              sizeof features);
                at = add_text(at, XEN_ELFNOTE_PAE_MODE, "yes");
                at = add_text(at, XEN_ELFNOTE_LOADER, "generic");
                at = add_note(at, XEN_ELFNOTE_L1_MFN_VALID, l1_mfn_valid,
                              sizeof l1_mfn_valid);
                at = add_note(at, XEN_ELFNOTE_SUSPEND_CANCEL, &one, sizeof one);
                at = add_note(at, XEN_ELFNOTE_MOD_START_PFN, &one, sizeof one);
                at = add_number(at, XEN_ELFNOTE_HV_START_LOW,
                                0xffff800000000000);
                at = add_number(at, XEN_ELFNOTE_PADDR_OFFSET, 0);
        }
        if (input->has_pvh)
                at = add_number(at, XEN_ELFNOTE_PHYS32_ENTRY,
                                p->elf_addr + STUB_ENTRY_PVH);
        return (size_t)(at - start);
}

static void write_elf_headers(const struct compose_input *input,
                              const struct plan *p, uint8_t *elf)
{
        uint64_t virt =
                input->has_xen ? input->xen_virt_base : 0xffffffff80000000;
        size_t notes_size = write_notes(input, p, elf + STUB_NOTES);
        Elf64_Phdr headers[3] = { 0 };
        size_t count = 0;

        Elf64_Phdr stub = {
                .p_type = PT_LOAD,
                .p_flags = PF_R | PF_W | PF_X,
                .p_vaddr = virt + p->elf_addr,
                .p_paddr = p->elf_addr,
                .p_filesz = p->elf_size,
                .p_memsz = p->own_offset + STUB_OWN_SIZE,
                .p_align = PAGE,
        };
        if (p->elf_lent_addr == p->elf_addr + stub.p_memsz)
                stub.p_memsz += p->lent_size;
        Elf64_Phdr hole = {
                .p_type = PT_LOAD,
                .p_flags = PF_R | PF_W | PF_X,
                .p_vaddr = virt + input->hole_addr,
                .p_paddr = input->hole_addr,
                .p_memsz = p->hole_size,
                .p_align = PAGE,
        };
        /* Ascending, as the specification wants them. */
        if (p->elf_addr < input->hole_addr || !input->hole_addr)
                headers[count++] = stub;
        if (input->hole_addr)
                headers[count++] = hole;
        if (p->elf_addr >= input->hole_addr && input->hole_addr)
                headers[count++] = stub;
        if (notes_size)
                headers[count++] = (Elf64_Phdr){
                        .p_type = PT_NOTE,
                        .p_flags = PF_R,
                        .p_offset = STUB_NOTES,
                        .p_vaddr = stub.p_vaddr + STUB_NOTES,
                        .p_paddr = stub.p_paddr + STUB_NOTES,
                        .p_filesz = notes_size,
                        .p_memsz = notes_size,
                        .p_align = 4,
                };
        const Elf64_Ehdr header = {
                .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                             ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = p->elf_addr + STUB_ENTRY_PVH,
                .e_phoff = sizeof header,
                .e_ehsize = sizeof header,
                .e_phentsize = sizeof headers[0],
                .e_phnum = (uint16_t)count,
        };
        memcpy(elf, &header, sizeof header);
        memcpy(elf + sizeof header, headers, sizeof headers);
}

static void write_elf(const struct compose_input *input, const struct plan *p,
                      uint8_t *elf)
{
        const struct stub_parameters parameters = {
                .magic = STUB_MAGIC,
                .store_offset = put_le32((uint32_t)p->store_offset),
                .own_offset = put_le32((uint32_t)p->own_offset),
                .store_size = put_le64(input->store_size),
                .hole_addr = put_le64(input->hole_addr),
                .hole_size = put_le64(p->hole_size),
                .elf_lent_addr = put_le64(p->elf_lent_addr),
                .lent_size = put_le64(p->lent_size),
                .init_size = put_le32((uint32_t)p->init_size),
                .elf_offset = put_le32((uint32_t)p->elf_offset),
                .elf_addr = put_le64(p->elf_addr),
        };
        le32 addr = put_le32((uint32_t)p->elf_addr);
        memcpy(elf, p->program, p->program_size);
        write_elf_headers(input, p, elf);
        memcpy(elf + STUB_PARAMETERS, &parameters, sizeof parameters);
        memcpy(elf + STUB_PVH_BASE, &addr, sizeof addr);
        memcpy(elf + p->store_offset, input->store, input->store_size);
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
        write_elf(input, &p, elf);
        write_digests(&p, file, elf);
        write_payload(&p, elf, file + p.setup_size + p.head_size);
        free(elf);
        *ret_file = file;
        *ret_size = p.file_size;
        return COMPOSE_OK;
}
