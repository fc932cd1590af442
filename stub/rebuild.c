/* SPDX-License-Identifier: MIT */
/* The reader's two ways to rebuild a variant, with the memory that a boot has. */
#include "boot.h"

static int lend(struct boot *boot, uint64_t room, struct unpack_memory *ret)
{
        if (boot->info.setup_size > OWN_SETUP_SIZE)
                return BOOT_SETUP_TOO_LARGE;
        boot->setup = boot->own + OWN_SETUP;
        *ret = (struct unpack_memory){
                .setup = boot->setup,
                .body = boot->body,
                .body_room = room,
                .work = boot->lent,
                .work_size = boot->info.work_size,
        };
        return 0;
}

int boot_unpack(struct boot *boot, uint64_t room)
{
        struct unpack_memory memory;
        int error = lend(boot, room, &memory);
        boot->body_size = boot->info.image_size - boot->info.setup_size;
        return error ? error
                     : multi_image_unpack(&boot->mi, boot->variant, &memory);
}

int boot_load(struct boot *boot, uint64_t room)
{
        struct unpack_memory memory;
        int error = lend(boot, room, &memory);
        boot->body_size = boot->info.load_size;
        boot->loaded_elf = true;
        return error ? error
                     : multi_image_load(&boot->mi, boot->variant, &memory,
                                        &boot->elf_entry);
}
