/* SPDX-License-Identifier: MIT */
/*
 * Input images: bzImages and ELF kernels, with what a loader reads of them,
 * and the linked vmlinux that explains their bytes.
 */
#ifndef PACKER_IMAGE_H
#define PACKER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest variant that an input may unpack to: Xen's own limit. */
#define IMAGE_MAX_PAYLOAD (1024u << 20)

enum image_kind {
        IMAGE_BZIMAGE,
        IMAGE_ELF
};

#define IMAGE_MAX_SEGMENTS 16

/* One PT_LOAD that is not empty, whichever class the ELF file has. */
struct image_segment {
        uint64_t offset, filesz; /* bytes of the payload */
        uint64_t vaddr, paddr, memsz;
};

/* A whole bootable file.  Offsets and sizes in bytes of the file. */
struct image {
        char *path;
        uint8_t *data;
        size_t size;
        enum image_kind kind;

        /* bzImage only, else 0 (boot.rst, "The Real-Mode Kernel Header") */
        size_t setup_size;     /* (setup_sects + 1) * 512 */
        size_t payload_offset; /* from the start of the file */
        size_t payload_size;   /* compressed, trailing size word included */
        uint16_t version;
        uint16_t xloadflags;
        uint32_t cmdline_size;
        uint32_t init_size;
        uint64_t pref_address;
        uint32_t kernel_alignment;
        const char *payload_codec; /* "gzip", "xz", "zstd", "lz4" */
        bool stored; /* the payload is gzip in our canonical stored frame:
                      * the stub can write these very bytes again */

        /* The unpacked payload; for an ELF image the file itself. */
        uint8_t *payload;
        size_t unpacked_size;

        /* Of the payload's ELF header, program headers and notes */
        uint64_t entry;     /* e_entry */
        uint64_t load_addr; /* lowest p_paddr of the PT_LOADs */
        uint64_t load_size; /* to the highest p_paddr + p_memsz */
        bool elf64; /* else class 32: virtual addresses are sign-extended, as
                     * the reader extends what it finds in fields */
        struct image_segment segments[IMAGE_MAX_SEGMENTS]; /* ascending in
                                                            * paddr and offset */
        uint32_t segment_count;
        uint64_t pvh_entry;     /* XEN_ELFNOTE_PHYS32_ENTRY, 0: none */
        uint64_t xen_entry;     /* XEN_ELFNOTE_ENTRY, 0: none */
        uint64_t xen_virt_base; /* XEN_ELFNOTE_VIRT_BASE */
};

/* One section header of a linked kernel. */
struct linked_section {
        const char *name;
        uint64_t addr, offset, size;
        uint32_t type;  /* SHT_... */
        uint64_t flags; /* SHF_... */
};

/* One symbol; file is the name of the STT_FILE symbol that it follows, "" for
 * global symbols. */
struct linked_symbol {
        const char *name;
        const char *file;
        uint64_t value, size;
        uint32_t section; /* index into sections, or SHN_ABS, SHN_UNDEF … */
        uint8_t type;     /* STT_... */
        uint8_t binding;  /* STB_... */
};

/* One relocation of an allocated section; offset is the virtual address (as in
 * an executable's r_offset). */
struct linked_relocation {
        uint64_t offset;
        uint32_t type;   /* R_X86_64_...; one of R_386_... is what it is in
                          * 64 bits */
        uint32_t symbol; /* index into symbols */
        int64_t addend;  /* RELA's, or for REL what the field holds beyond the
                          * symbol (and the place) */
};

/* A linked kernel with symbols, read through libelf.  Relocations are sorted
 * by offset.  relocation_count is 0 if it was linked without --emit-relocs. */
struct linked {
        char *path;
        struct linked_section *sections;
        size_t section_count;
        struct linked_symbol *symbols;
        size_t symbol_count;
        struct linked_relocation *relocations;
        size_t relocation_count;
        char *names; /* of symbols, if the file has none; or NULL */
        void *elf; /* libelf's handle; the names point into it */
        int fd;
};

/* Both print nothing: on failure they return non-zero and set *ret_message (to
 * be freed) to "FILE: place: fault and values".  The return value is the exit
 * code: 3 for bad input, 4 for input/output. */
int image_read(const char *path, struct image *ret_image, char **ret_message);
void image_free(struct image *image);

/* Where in the payload size bytes at a virtual address lie, and at which address they
 * are loaded, by the payload's program headers; false: they do not. */
bool image_find_addr(const struct image *image, uint64_t addr, uint64_t size,
                     uint64_t *ret_offset, uint64_t *ret_load_addr);

/* Reads path and checks that each allocated section with bytes lies unchanged
 * in image's payload at the same address (through the payload's own program
 * headers); a vmlinux of another build is refused. */
int linked_read(const char *path, const struct image *image,
                struct linked *ret_linked, char **ret_message);
/* What the image tells of itself, where there is no vmlinux; false: not enough. */
bool linked_from_payload(const struct image *image, struct linked *ret_linked);
void linked_free(struct linked *linked);

/* Index of the first relocation at addr or behind it; relocation_count if there
 * is none. */
size_t linked_first_relocation(const struct linked *linked, uint64_t addr);

#endif
