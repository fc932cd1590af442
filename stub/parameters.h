/* SPDX-License-Identifier: MIT */
/*
 * What the composer and the stub agree on: where things stand in the head and
 * in E, the numbers that the composer fills in, and the memory that the stub
 * takes for itself.  C and assembly include this file.
 *
 * E, the ELF inside, is one run of bytes both in the file and in memory:
 *
 *     0x000  ELF header, four program headers
 *     0x180  struct stub_parameters
 *     0x200  notes (Xen PV, PVH)
 *     0x400  entries, then the rest of the 64-bit stub program
 *     program_32_offset  the 32-bit stub program, if the file has one
 *     store_offset       the store, to the end of E
 *
 * Behind E, page aligned, lies the stub's own memory (STUB_OWN_SIZE), and
 * behind that, unless the hole holds it, the memory lent to the reader.
 */
#ifndef STUB_PARAMETERS_H
#define STUB_PARAMETERS_H

/* Offsets in head.bin, the first byte of the protected-mode part.
 * 0x200 is the Linux boot protocol's; the others are ours. */
#define HEAD_ENTRY_32   0x000
#define HEAD_PARAMETERS 0x040
#define HEAD_ENTRY_REAL 0x100 /* from our own set-up, in 32-bit mode */
#define HEAD_ENTRY_64   0x200
/* Only in a file with the 32-bit stub program, which takes every entry but
 * the 64-bit one; multiboot's headers lead here.  They must lie in what they
 * say is to be loaded, and the first in the file's first 8192 bytes. */
#define HEAD_ENTRY_MULTIBOOT 0x1c0
#define HEAD_MULTIBOOT1      0x280 /* 32 bytes */
#define HEAD_MULTIBOOT2      0x2a0 /* 64 bytes */
#define HEAD_32_SIZE         0x2e0

/* Offsets in E. */
#define STUB_PARAMETERS 0x180
#define STUB_NOTES      0x200
#define STUB_NOTES_ROOM 0x200
#define STUB_ENTRY_HEAD 0x400 /* 64-bit, from head.bin */
#define STUB_ENTRY_PVH  0x410 /* 32-bit, PHYS32_ENTRY */
#define STUB_PVH_BASE   0x411 /* le32: E's own physical address */
#define STUB_PVH_OFFSET 0x41c /* le32: the PVH entry's code, for itself */
#define STUB_ENTRY_XEN  0x420 /* 64-bit, Xen PV */
#define STUB_PROGRAM    0x430

/* Offsets in the 32-bit stub program. */
#define STUB_32_ENTRY_HEAD 0x00 /* from head.bin */
#define STUB_32_ENTRY_PVH  0x10 /* PHYS32_ENTRY */
#define STUB_32_PVH_BASE   0x11 /* le32: E's own physical address */

/* Offset in setup.bin (and so in boot_params' layout) behind the Linux header,
 * which can not pass 0x281: ss:sp as the loader gave them. */
#define SETUP_SAVED_STACK 0x284
/* In the set-up of a file with the 32-bit stub program: the BIOS's memory map,
 * le16 number of entries, le16 their offset; each as in boot_params. */
#define SETUP_MEMORY_MAP 0x288
#define SETUP_CODE 0x380

/* Where loaders put the protected-mode part of a bzImage that is not
 * relocatable, and where the multiboot headers ask for it: 1 MiB. */
#define LOAD_ADDR 0x100000

/* Deflate stored blocks hold at most 65535 bytes; a multiple of 8 lets the
 * head move whole words.  Five bytes (type, length, complement) precede each. */
#define STORED_BLOCK_SIZE   65528
#define STORED_BLOCK_HEADER 5
#define GZIP_HEADER_SIZE    10
#define GZIP_TRAILER_SIZE   8

/* The stub's own memory behind E, by offset from E's page-aligned end. */
#define OWN_PAGE_TABLES      0x00000 /* see map.c */
#define OWN_PAGE_TABLES_SIZE 0x0f000
#define OWN_GATES            0x0f000 /* 512 bytes: see exception.c */
#define OWN_STACK            0x10000 /* lowest byte; 32 KiB */
#define OWN_STACK_TOP        0x18000
/* 4 KiB: the edited command line, in so far as it has no better place */
#define OWN_COMMAND_LINE 0x18000
#define OWN_HYPERCALLS   0x19000 /* one page, when under Xen */
/* Variant's set-up part: GRUB takes 64 sectors and the boot sector. */
#define OWN_SETUP      0x1a000
#define OWN_SETUP_SIZE 0x09000
#define STUB_OWN_SIZE  0x23000

/* Room at the very end of the window for the edited command line: no variant
 * that lies within its own init_size reaches it. */
#define WINDOW_TAIL 0x1000

/* How the stub was entered. */
#define PROTOCOL_REAL    0
#define PROTOCOL_LINUX32 1
#define PROTOCOL_LINUX64 2
#define PROTOCOL_PVH     3
#define PROTOCOL_XEN_PV  4
#define PROTOCOL_MULTIBOOT1 5
#define PROTOCOL_MULTIBOOT2 6
#define PROTOCOL_COUNT   7

/* Offsets in struct stub_parameters, for assembly. */
#define PARAMETER_OWN        12
#define PARAMETER_PROGRAM_32 124

#ifndef __ASSEMBLER__
#include "multi-image/format.h"

/* At HEAD_PARAMETERS in head.bin.  Offsets are from the load address. */
struct head_parameters {
        le32 magic;           /* HEAD_MAGIC */
        le32 data_offset;     /* first byte of the first stored block's data */
        le32 block_count;     /* stored blocks */
        le32 last_block_size; /* bytes of data in the last of them */
        le32 elf_offset;      /* where E goes */
        le32 own_offset;      /* the stub's own memory, behind E */
        le32 program_32_offset; /* in E; 0: there is no 32-bit stub program */
        uint8_t reserved[4];    /* zero */
};
_Static_assert(sizeof(struct head_parameters) == 32, "head.S reads it");

#define HEAD_MAGIC 0x48474e49u /* "INGH" */

/* At STUB_PARAMETERS in E. */
struct stub_parameters {
        uint8_t magic[8];   /* STUB_MAGIC */
        le32 store_offset;  /* in E */
        le32 own_offset;    /* E's end, page aligned */
        le64 store_size;    /* bytes; E ends with the store */
        le64 hole_addr;     /* physical: where ELF entries load variants */
        le64 hole_size;     /* bytes, a lent part included */
        le64 elf_lent_addr; /* physical: memory for the reader, ELF entries */
        le64 lent_size;     /* bytes lent, on every entry */
        le32 init_size;     /* of the multi-image: the window's size */
        le32 elf_offset;    /* in the window, where head.bin moves E */
        le64 elf_addr;      /* physical address of E on ELF entries */
        /* SHA-256 of E up to the store, this field taken as zeros */
        uint8_t stub_digest[32];
        /* first bytes of the SHA-256 of set-up and head, which a bare E lacks */
        uint8_t head_digest[20];
        le32 program_32_offset; /* in E; 0: there is no 32-bit stub program */
};
_Static_assert(sizeof(struct stub_parameters) == 128, "STUB_NOTES follows");
_Static_assert(__builtin_offsetof(struct stub_parameters, own_offset) ==
                               PARAMETER_OWN &&
                       __builtin_offsetof(struct stub_parameters,
                                          program_32_offset) ==
                               PARAMETER_PROGRAM_32,
               "entry-32.S reads them");

#define STUB_MAGIC "INGOTSTB"
#endif
#endif
