/* SPDX-License-Identifier: MIT */
/*
 * Reads what a loader reads of a kernel's ELF file: the header, the program
 * headers, and Xen's notes in PT_NOTE segments (ELF specification; Xen's
 * public/elfnote.h).  Section headers are not looked at: a boot loader has no
 * use for them, and kernels are often stripped of them.
 *
 * 32- and 64-bit headers differ only in the places and widths of their
 * fields, so each is first copied into a common, wide form.
 */
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "image-parts.h"
#include "message.h"
#include "../stub/multi-image/format.h"

/* The most that readers of multi-images take, and as many others beside. */
#define MAX_PROGRAM_HEADERS 64
#define MAX_NOTES           1024

/* Numbers of Xen's notes (public/elfnote.h). */
#define XEN_ELFNOTE_ENTRY        1
#define XEN_ELFNOTE_VIRT_BASE    3
#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* One file being read. */
struct reader {
        struct image *image;
        uint64_t phoff;
        uint32_t phentsize, phnum;
        uint32_t type;
        uint32_t machine;
        char **ret_message;
};

static uint64_t get(const uint8_t *bytes, size_t size)
{
        uint64_t v = 0;

        while (size--)
                v = v << 8 | bytes[size];
        return v;
}

#define FIELD(bytes, type, field) \
        get((bytes) + offsetof(type, field), sizeof(((type *)0)->field))
#define EITHER(elf64, bytes, struct_name, field)            \
        ((elf64) ? FIELD(bytes, Elf64_##struct_name, field) \
                 : FIELD(bytes, Elf32_##struct_name, field))

static int read_ehdr(struct reader *r)
{
        struct image *image = r->image;
        const uint8_t *e = image->payload;
        size_t size = image->unpacked_size;

        if (size < sizeof(Elf32_Ehdr) || memcmp(e, ELFMAG, SELFMAG))
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: payload: no ELF header in its %zu bytes",
                            image->path, size);
        if ((e[EI_CLASS] != ELFCLASS32 && e[EI_CLASS] != ELFCLASS64) ||
            e[EI_DATA] != ELFDATA2LSB)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_ident: class %u, data encoding %u is "
                            "unsupported",
                            image->path, e[EI_CLASS], e[EI_DATA]);
        image->elf64 = e[EI_CLASS] == ELFCLASS64;
        if (image->elf64 && size < sizeof(Elf64_Ehdr))
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: ELF header: truncated at %zu bytes",
                            image->path, size);

        r->type = (uint32_t)EITHER(image->elf64, e, Ehdr, e_type);
        r->machine = (uint32_t)EITHER(image->elf64, e, Ehdr, e_machine);
        r->phoff = EITHER(image->elf64, e, Ehdr, e_phoff);
        r->phentsize = (uint32_t)EITHER(image->elf64, e, Ehdr, e_phentsize);
        r->phnum = (uint32_t)EITHER(image->elf64, e, Ehdr, e_phnum);
        image->entry = EITHER(image->elf64, e, Ehdr, e_entry);
        return 0;
}

static int check_ehdr(struct reader *r)
{
        struct image *image = r->image;
        size_t entry_size =
                image->elf64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

        if (r->type != ET_EXEC && r->type != ET_DYN)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_type: %u is neither ET_EXEC nor ET_DYN",
                            image->path, r->type);
        if (r->machine != EM_X86_64 && r->machine != EM_386)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_machine: %u is unsupported (x86 only)",
                            image->path, r->machine);
        if (r->phentsize != entry_size)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_phentsize: %u instead of %zu", image->path,
                            r->phentsize, entry_size);
        if (r->phnum == 0 || r->phnum > MAX_PROGRAM_HEADERS)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_phnum: %u is not from 1 to %u", image->path,
                            r->phnum, MAX_PROGRAM_HEADERS);
        if (r->phoff > image->unpacked_size ||
            r->phnum * entry_size > image->unpacked_size - r->phoff)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_phoff: %u program headers at %#" PRIx64
                            " reach beyond %#zx bytes",
                            image->path, r->phnum, r->phoff,
                            image->unpacked_size);
        return 0;
}

/* Program header index, its bytes proved to lie in the file. */
static int read_phdr(const struct reader *r, uint32_t index, Elf64_Phdr *ret_ph)
{
        const struct image *image = r->image;
        const uint8_t *p =
                image->payload + r->phoff + (size_t)index * r->phentsize;
        Elf64_Phdr ph = {
                .p_type = (uint32_t)EITHER(image->elf64, p, Phdr, p_type),
                .p_offset = EITHER(image->elf64, p, Phdr, p_offset),
                .p_vaddr = EITHER(image->elf64, p, Phdr, p_vaddr),
                .p_paddr = EITHER(image->elf64, p, Phdr, p_paddr),
                .p_filesz = EITHER(image->elf64, p, Phdr, p_filesz),
                .p_memsz = EITHER(image->elf64, p, Phdr, p_memsz),
                .p_align = EITHER(image->elf64, p, Phdr, p_align),
        };

        if (!image->elf64)
                ph.p_vaddr = (uint64_t)(int32_t)ph.p_vaddr;
        *ret_ph = ph;
        if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
                return 0;
        if (ph.p_offset > image->unpacked_size ||
            ph.p_filesz > image->unpacked_size - ph.p_offset)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program header %u: %#" PRIx64
                            " bytes at %#" PRIx64 " reach beyond %#zx bytes",
                            image->path, index, (uint64_t)ph.p_filesz,
                            (uint64_t)ph.p_offset, image->unpacked_size);
        return 0;
}

static int add_load(struct reader *r, uint32_t index, const Elf64_Phdr *ph)
{
        struct image *image = r->image;

        if (ph->p_filesz > ph->p_memsz)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program header %u: p_filesz %#" PRIx64
                            " is more than p_memsz %#" PRIx64,
                            image->path, index, (uint64_t)ph->p_filesz,
                            (uint64_t)ph->p_memsz);
        if (ph->p_memsz == 0)
                return 0;
        if (ph->p_memsz > UINT64_MAX - ph->p_paddr ||
            ph->p_memsz > UINT64_MAX - ph->p_vaddr)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program header %u: %#" PRIx64
                            " bytes at %#" PRIx64 " wrap around",
                            image->path, index, (uint64_t)ph->p_memsz,
                            (uint64_t)ph->p_paddr);
        for (uint32_t i = 0; i < image->segment_count; i++) {
                const struct image_segment *other = &image->segments[i];

                if (ph->p_paddr < other->paddr + other->memsz &&
                    other->paddr < ph->p_paddr + ph->p_memsz)
                        return fail(r->ret_message, EXIT_BAD_INPUT,
                                    "%s: program header %u: address %#" PRIx64
                                    " lies in the segment at %#" PRIx64,
                                    image->path, index, (uint64_t)ph->p_paddr,
                                    (uint64_t)other->paddr);
        }
        /* The stub loads in one pass over file and memory. */
        for (uint32_t i = 0; i < image->segment_count; i++) {
                const struct image_segment *other = &image->segments[i];

                if (ph->p_paddr < other->paddr ||
                    (ph->p_filesz && other->filesz &&
                     ph->p_offset < other->offset + other->filesz))
                        return fail(r->ret_message, EXIT_BAD_INPUT,
                                    "%s: program header %u: segment at address "
                                    "%#" PRIx64 ", offset %#" PRIx64
                                    " is out of order and unsupported",
                                    image->path, index, (uint64_t)ph->p_paddr,
                                    (uint64_t)ph->p_offset);
        }
        if (image->segment_count == IMAGE_MAX_SEGMENTS)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program header %u: more than %u segments",
                            image->path, index, IMAGE_MAX_SEGMENTS);
        image->segments[image->segment_count++] = (struct image_segment){
                .offset = ph->p_offset,
                .filesz = ph->p_filesz,
                .vaddr = ph->p_vaddr,
                .paddr = ph->p_paddr,
                .memsz = ph->p_memsz,
        };
        return 0;
}

/* From the lowest to the highest address of the segments; e_entry in one. */
static int read_extent(struct reader *r)
{
        struct image *image = r->image;
        uint64_t low = UINT64_MAX, high = 0;
        uint64_t entry = image->elf64 ? image->entry :
                                        (uint64_t)(int32_t)image->entry;
        bool entered = false;

        for (uint32_t i = 0; i < image->segment_count; i++) {
                const struct image_segment *s = &image->segments[i];
                uint64_t end = s->paddr + s->memsz;

                low = s->paddr < low ? s->paddr : low;
                high = end > high ? end : high;
                /* Linux's e_entry is physical, other kernels' may be virtual. */
                entered |= image->entry - s->paddr < s->memsz ||
                           entry - s->vaddr < s->memsz;
        }
        if (image->segment_count == 0)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program headers: nothing to load (no PT_LOAD)",
                            image->path);
        if (high - low > IMAGE_MAX_PAYLOAD)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: program headers: segments from %#" PRIx64
                            " to %#" PRIx64 " span more than the limit of %#x",
                            image->path, low, high, IMAGE_MAX_PAYLOAD);
        if (!entered)
                return fail(r->ret_message, EXIT_BAD_INPUT,
                            "%s: e_entry: %#" PRIx64 " lies in no segment",
                            image->path, image->entry);
        image->load_addr = low;
        image->load_size = high - low;
        return 0;
}

/* Notes of Xen's that are numbers, of 4 or 8 bytes. */
static const struct {
        uint32_t type;
        size_t offset; /* of the number in struct image */
} xen_notes[] = {
        { XEN_ELFNOTE_ENTRY, offsetof(struct image, xen_entry) },
        { XEN_ELFNOTE_VIRT_BASE, offsetof(struct image, xen_virt_base) },
        { XEN_ELFNOTE_PHYS32_ENTRY, offsetof(struct image, pvh_entry) },
};

static int read_xen_note(struct reader *r, uint32_t type, const uint8_t *desc,
                         uint32_t size)
{
        uint8_t *image = (uint8_t *)r->image;

        for (size_t i = 0; i < sizeof(xen_notes) / sizeof(xen_notes[0]); i++) {
                if (xen_notes[i].type != type)
                        continue;
                if (size != 4 && size != 8)
                        return fail(r->ret_message, EXIT_BAD_INPUT,
                                    "%s: Xen note %" PRIu32 ": %" PRIu32
                                    " bytes instead of 4 or 8",
                                    r->image->path, type, size);
                *(uint64_t *)(image + xen_notes[i].offset) = get(desc, size);
        }
        return 0;
}

static int read_notes(struct reader *r, uint32_t index, const Elf64_Phdr *ph)
{
        const uint8_t *bytes = r->image->payload + ph->p_offset;
        uint64_t size = ph->p_filesz, at = 0;
        uint64_t align = ph->p_align == 8 ? 8 : 4;
        uint32_t count = 0;
        int err;

        while (size - at >= sizeof(Elf64_Nhdr) && count++ < MAX_NOTES) {
                uint64_t name_size = get(bytes + at, 4);
                uint64_t desc_size = get(bytes + at + 4, 4);
                uint32_t type = (uint32_t)get(bytes + at + 8, 4);
                uint64_t name = at + sizeof(Elf64_Nhdr);
                uint64_t desc = (name + name_size + align - 1) & ~(align - 1);
                uint64_t next = (desc + desc_size + align - 1) & ~(align - 1);

                if (name + name_size > size || desc + desc_size > size)
                        return fail(r->ret_message, EXIT_BAD_INPUT,
                                    "%s: program header %u: note at %#" PRIx64
                                    ": name of %" PRIu64 " and %" PRIu64
                                    " bytes reach beyond %#" PRIx64,
                                    r->image->path, index, at, name_size,
                                    desc_size, size);
                if (name_size == 4 && !memcmp(bytes + name, "Xen", 4) &&
                    (err = read_xen_note(r, type, bytes + desc,
                                         (uint32_t)desc_size)))
                        return err;
                if (next >= size)
                        break;
                at = next;
        }
        return 0;
}

int kernel_elf_read(struct image *image, char **ret_message)
{
        struct reader r = { .image = image, .ret_message = ret_message };
        Elf64_Phdr ph;
        int err;

        if ((err = read_ehdr(&r)) || (err = check_ehdr(&r)))
                return err;
        for (uint32_t i = 0; i < r.phnum; i++) {
                if ((err = read_phdr(&r, i, &ph)))
                        return err;
                if (ph.p_type == PT_LOAD && (err = add_load(&r, i, &ph)))
                        return err;
                if (ph.p_type == PT_NOTE && (err = read_notes(&r, i, &ph)))
                        return err;
        }
        return read_extent(&r);
}
