/* SPDX-License-Identifier: MIT */
/*
 * One boot, from the stub's entry to the hand-off: what the steps of main.c
 * find out and leave for the next.
 */
#ifndef STUB_BOOT_H
#define STUB_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command-line.h"
#include "multi-image/multi-image.h"
#include "parameters.h"
#include "platform.h"

/* As the entries push it (entry.S, entry-xen.S). */
struct entry_state {
        uint64_t protocol; /* PROTOCOL_... */
        uint64_t info;     /* boot_params, hvm_start_info or start_info */
        uint64_t load;     /* start of the window; 0 on ELF entries */
        uint64_t rsp;      /* stack pointer on entry; meaningful on Xen PV */
        uint64_t cr0, cr3, cr4; /* on entry; 0 on Xen PV */
        uint64_t padding;
};

/* Errors of the stub itself, beside those of the reader. */
enum boot_error {
        BOOT_NO_PARAMETERS = MULTI_IMAGE_ERROR_COUNT,
        BOOT_NO_PAGE_TABLES, /* loader's areas lie too far apart */
        BOOT_NO_WINDOW,      /* the window is not usable memory */
        BOOT_NO_INITRD_ROOM, /* the initrd lies in the window */
        BOOT_SETUP_TOO_LARGE,
        BOOT_NO_ENTRY, /* the variant can not be entered this way */
        BOOT_HOLE_TOO_SMALL,
        /* only in the 32-bit program */
        BOOT_NO_64_BIT,      /* a 64-bit variant, no 64-bit mode */
        BOOT_NOT_LGUEST,     /* ring 1, but boot_params does not name lguest */
        BOOT_LARGE_MULTIBOOT, /* multiboot information has no room */
        BOOT_ERROR_END
};

struct boot;

/* How one protocol does the steps that differ between protocols. */
struct entry_protocol {
        const char *name;
        /* The loader's command line; "" if there is none. */
        const char *(*command_line)(const struct boot *boot);
        /* Makes everything that the boot reads accessible; NULL: it is. */
        int (*map)(struct boot *boot);
        /* Checks that the memory promised is there. */
        int (*check_memory)(struct boot *boot);
        /* Rebuilds the variant where its entry expects it. */
        int (*rebuild)(struct boot *boot);
        /* Room for the edited command line, and a call to say it is there. */
        char *(*command_line_room)(struct boot *boot, size_t *ret_room);
        /* Fills in what the variant's entry is given. */
        int (*prepare)(struct boot *boot);
        /* Leaves. */
        void (*hand_off)(struct boot *boot);
};

extern const struct entry_protocol *const entry_protocols[PROTOCOL_COUNT];

struct boot {
        const struct entry_state *state;
        const struct entry_protocol *protocol;
        uint8_t *elf; /* E in memory */
        const struct stub_parameters *parameters;
        uint8_t *own;     /* the stub's own memory: OWN_... */
        uint8_t *lent;    /* work memory for the reader and the decoder */
        size_t lent_size; /* bytes */
        struct seen seen; /* what the machine looks like */
        const char *command_line; /* as given */
        struct options options;   /* ingot.* in it */
        struct multi_image mi;
        uint32_t variant;         /* index of the chosen one */
        struct variant_info info; /* the chosen one */
        int rule;                 /* that chose it; -1: default or override */
        const char *reason;       /* for ingot.reason= */
        uint8_t *setup; /* rebuilt: first setup_size bytes of the image, or of
                         * the bzImage that an ELF came from */
        uint8_t *body;  /* rebuilt: the rest, or the loaded ELF */
        uint64_t body_size;     /* bytes at body */
        uint64_t elf_entry;     /* e_entry of a loaded ELF */
        bool loaded_elf;        /* body holds a loaded ELF, not an image */
        char *new_command_line; /* edited */
};

const char *boot_strerror(int error);

/* The variant is an ELF file that came with no Linux set-up header. */
static inline bool boot_is_bare(const struct boot *boot)
{
        return variant_is_elf(&boot->info) && !boot->info.setup_size;
}

/* Rebuild the chosen variant at boot->body, room bytes: the image file, or its
 * payload loaded as an ELF (rebuild.c). */
int boot_unpack(struct boot *boot, uint64_t room);
int boot_load(struct boot *boot, uint64_t room);

#ifdef __x86_64__
/* handoff.S, trampoline-real.S */
_Noreturn void leave_to_32(uint32_t target, uint32_t esi, uint32_t ebx);
_Noreturn void leave_to_64(uint64_t target, uint64_t rsi,
                           const struct entry_state *state);
_Noreturn void leave_to_xen(uint64_t target, uint64_t rsi, uint64_t rsp);
#else
/* handoff-32.S */
_Noreturn void leave_to_32_with(uint32_t target, uint32_t esi, uint32_t ebx,
                                uint32_t eax);

/* As in 64 bits eax is the target: the trampoline to real mode asks for it. */
static inline _Noreturn void leave_to_32(uint32_t target, uint32_t esi,
                                         uint32_t ebx)
{
        leave_to_32_with(target, esi, ebx, target);
}
#endif

#endif
