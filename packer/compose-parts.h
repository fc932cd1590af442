/* SPDX-License-Identifier: MIT */
/* What compose.c and compose-elf.c share. */
#ifndef PACKER_COMPOSE_PARTS_H
#define PACKER_COMPOSE_PARTS_H

#include "compose.h"

/* Where everything stands. */
struct plan {
        const uint8_t *program; /* stub program: E without header and store */
        size_t program_size;
        const uint8_t *program_32;     /* 32-bit stub program; NULL: none */
        uint64_t program_32_offset;    /* in E, 0: none */
        size_t program_32_size;
        uint64_t store_offset, elf_size; /* in E, of E */
        uint64_t own_offset;
        uint64_t lent_size;
        uint64_t elf_offset, init_size;              /* in the window */
        uint64_t elf_addr, elf_lent_addr, hole_size; /* physical */
        const uint8_t *setup, *head;
        uint64_t setup_size, head_size;
        uint64_t block_count, payload_size, file_size;
};

static inline uint64_t align_up(uint64_t value, uint64_t to)
{
        return (value + to - 1) & ~(to - 1);
}

/* E without its digests: plan->elf_size bytes, zeroed. */
void compose_write_elf(const struct compose_input *input,
                       const struct plan *plan, uint8_t *elf);

#endif
