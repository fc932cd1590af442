/* SPDX-License-Identifier: MIT */
/*
 * The stub: steps[] is the whole boot.  Whatever goes wrong, the message names
 * it and the machine halts; no step leads to bytes that were not verified.
 */
#include <string.h>

#include "boot.h"
#include "console.h"
#include "exception.h"
#include "io.h"
#include "lguest.h"
#include "machine.h"
#include "memory.h"

extern const struct entry_protocol protocol_real, protocol_linux32,
        protocol_linux64, protocol_pvh, protocol_xen, protocol_multiboot1,
        protocol_multiboot2;

const struct entry_protocol *const entry_protocols[PROTOCOL_COUNT] = {
        [PROTOCOL_REAL] = &protocol_real,
        [PROTOCOL_LINUX32] = &protocol_linux32,
        [PROTOCOL_PVH] = &protocol_pvh,
#ifdef __x86_64__
        [PROTOCOL_LINUX64] = &protocol_linux64,
        [PROTOCOL_XEN_PV] = &protocol_xen,
#else
        [PROTOCOL_MULTIBOOT1] = &protocol_multiboot1,
        [PROTOCOL_MULTIBOOT2] = &protocol_multiboot2,
#endif
};

const char *boot_strerror(int error)
{
        static const char *const texts[] = {
                [BOOT_NO_PARAMETERS] = "the stub has lost its parameters",
                [BOOT_NO_PAGE_TABLES] = "the loader's areas lie too far apart",
                [BOOT_NO_WINDOW] = "too little memory below the loader's stack",
                [BOOT_NO_INITRD_ROOM] = "the initrd lies in the kernel's place",
                [BOOT_SETUP_TOO_LARGE] = "the variant's set-up is too large",
                [BOOT_NO_ENTRY] =
                        "this variant has no entry for this boot protocol",
                [BOOT_HOLE_TOO_SMALL] = "the hole is smaller than the variant",
#ifndef __x86_64__
                [BOOT_NO_64_BIT] = "this variant needs 64-bit mode, which is "
                                   "not there",
                [BOOT_NOT_LGUEST] =
                        "entered in ring 1, but not by lguest (boot_params: "
                        "version, hardware_subarch)",
                [BOOT_LARGE_MULTIBOOT] = "multiboot information has no room",
#endif
        };
        return error >= MULTI_IMAGE_ERROR_COUNT && error < BOOT_ERROR_END
                       ? texts[error]
                       : multi_image_strerror(error);
}

/* Sleeps; in ring 1 that would be a fault. */
static void rest(void)
{
        if (!lguest_ring())
                __asm__ volatile("hlt");
}

_Noreturn void stop(const char *text)
{
        say("ingot: %s; halted\n", text);
        for (;;)
                rest();
}

/* Where E, its parameters and the memory behind it are. */
static int find_ourselves(struct boot *boot)
{
        const struct stub_parameters *p =
                (const void *)(boot->elf + STUB_PARAMETERS);
        uint64_t protocol = boot->state->protocol;

        if (memcmp(p->magic, STUB_MAGIC, sizeof p->magic))
                return BOOT_NO_PARAMETERS;
        boot->parameters = p;
        boot->own = boot->elf + get_le32(p->own_offset);
        boot->lent = boot->own + STUB_OWN_SIZE;
        if (protocol == PROTOCOL_PVH || protocol == PROTOCOL_XEN_PV)
                boot->lent = boot->elf + get_le64(p->elf_lent_addr) -
                             get_le64(p->elf_addr);
        boot->lent_size = get_le64(p->lent_size);
        return 0;
}

/* Descriptor tables and exceptions are ours. */
static bool in_ring_0(const struct boot *boot)
{
        return boot->state->protocol != PROTOCOL_XEN_PV && !lguest_ring();
}

/* From here on everything that the loader has left can be read, and mistakes
 * are reported. */
static int map_memory_of(struct boot *boot)
{
        if (in_ring_0(boot))
                exception_init(boot->own + OWN_GATES);
        return boot->protocol->map ? boot->protocol->map(boot) : 0;
}

static int open_screen(struct boot *boot)
{
        if (in_ring_0(boot))
                console_open_screen();
        return 0;
}

static int look_at_machine(struct boot *boot)
{
        struct machine machine;
        uint64_t protocol = boot->state->protocol;
        machine_init(&machine, protocol == PROTOCOL_XEN_PV);
        machine.pvh = protocol == PROTOCOL_PVH;
        machine.lguest = lguest_ring();
        if (machine.lguest && (protocol != PROTOCOL_LINUX32 ||
                               !lguest_named(at(boot->state->info))))
                return BOOT_NOT_LGUEST;
        platform_detect(&machine, &boot->seen);
#if PLATFORM_PROBES_32
        if (boot->seen.refused_why)
                say("ingot: VMI ROM at %lx refused: %s\n",
                    (unsigned long)boot->seen.refused_rom,
                    boot->seen.refused_why);
#endif
        if (protocol == PROTOCOL_PVH && boot->seen.platform == PLATFORM_XEN_PVH)
                console_open_xen(boot->own + OWN_HYPERCALLS, boot->seen.leaf);
        return 0;
}

static int read_options(struct boot *boot)
{
        boot->command_line = boot->protocol->command_line(boot);
        command_line_options(boot->command_line, &boot->options);
        return 0;
}

/* Every table is checked here, before anything of it is used. */
static int open_store(struct boot *boot)
{
        return multi_image_open(
                boot->elf + get_le32(boot->parameters->store_offset),
                get_le64(boot->parameters->store_size), &boot->mi);
}

static void list_variants(const struct boot *boot)
{
        struct variant_info info;
        char name[MULTI_IMAGE_NAME_SIZE] = "";
        size_t size = boot->options.variant_size;

        memcpy(name, boot->options.variant,
               size < sizeof name ? size : sizeof name - 1);
        say("ingot: no variant is called %s; there are:", name);
        for (uint32_t i = 0; i < boot->mi.variant_count; i++)
                if (!multi_image_variant(&boot->mi, i, &info))
                        say(" %s", info.name);
        say("\n");
}

/* Variants that the processor can run, as far as it is a question: 1 << index. */
static uint32_t usable_variants(const struct boot *boot)
{
        uint32_t usable = UINT32_MAX;
        struct variant_info info;

        if ((sizeof(void *) == 8 || boot->seen.level) && !lguest_ring())
                return usable;
        for (uint32_t i = 0; i < boot->mi.variant_count; i++)
                if (!multi_image_variant(&boot->mi, i, &info) &&
                    info.kind != VARIANT_ELF_32)
                        usable &= ~(1u << i);
        return usable;
}

/* The command line's word counts, then the rules, then the default; a name
 * that is not there gives the default, not the rules: it was meant to differ. */
static int choose(struct boot *boot)
{
        const struct options *options = &boot->options;
        uint32_t usable = usable_variants(boot);
        int error;

        boot->rule = -1;
        if (options->variant) {
                boot->reason = "override";
                if (multi_image_find(&boot->mi, options->variant,
                                     options->variant_size, &boot->variant)) {
                        list_variants(boot);
                        boot->reason = "unknown-name";
                        boot->variant = boot->mi.default_variant;
                }
        } else {
                boot->variant = multi_image_choose(
                        &boot->mi, boot->seen.platforms, boot->seen.level,
                        usable, &boot->rule);
                boot->reason = boot->rule < 0 ? "default" : "rule";
        }
        error = multi_image_variant(&boot->mi, boot->variant, &boot->info);
        return error || usable >> boot->variant & 1 ? error : BOOT_NO_64_BIT;
}

/* A number in decimal, NUL-terminated, at out. */
static void put_decimal(char *out, unsigned value)
{
        char digits[10];
        size_t count = 0;
        do
                digits[count++] = (char)('0' + value % 10);
        while (value /= 10);
        while (count)
                *out++ = digits[--count];
        *out = '\0';
}

/* One line, on every boot. */
static int announce(struct boot *boot)
{
        static char rule[16] = "rule-";
        char evidence[64];
        platform_evidence(&boot->seen, evidence, sizeof evidence);
        say("ingot: platform %s (%s), %s, variant %s: ",
            platform_name(boot->seen.platform), evidence,
            level_name(boot->seen.level), boot->info.name);
        if (boot->rule >= 0) {
                put_decimal(rule + 5, (unsigned)boot->rule);
                boot->reason = rule;
                say("rule %lu\n", (unsigned long)boot->rule);
        } else if (boot->options.variant && boot->reason[0] == 'o') {
                say("ingot.variant=\n");
        } else {
                say("default%s\n", boot->options.variant
                                           ? ", ingot.variant= names no variant"
                                           : ", no rule matches");
        }
        return 0;
}

static int check_memory(struct boot *boot)
{
        if (boot->options.verbose)
                say("ingot: entered by %s at %lx, window %lx, stub at %lx, "
                    "store %lu bytes, lent %lu bytes at %lx\n",
                    boot->protocol->name, (unsigned long)boot->state->load,
                    (unsigned long)get_le32(boot->parameters->init_size),
                    (unsigned long)boot->elf,
                    (unsigned long)get_le64(boot->parameters->store_size),
                    (unsigned long)boot->lent_size, (unsigned long)boot->lent);
        if (boot->info.work_size > boot->lent_size)
                return MULTI_IMAGE_NO_MEMORY;
        memory_lend(boot->lent + boot->info.work_size,
                    boot->lent_size - boot->info.work_size);
        return boot->protocol->check_memory(boot);
}

static int rebuild(struct boot *boot)
{
        return boot->protocol->rebuild(boot);
}

static int edit_command_line(struct boot *boot)
{
        size_t room;
        boot->new_command_line = boot->protocol->command_line_room(boot, &room);
        if (!command_line_append(boot->command_line, boot->info.name,
                                 boot->reason, boot->new_command_line, room))
                say("ingot: no room for ingot.variant= on the command line\n");
        return boot->protocol->prepare(boot);
}

/* For tests and support: what would run can be looked at. */
static int halt_if_asked(struct boot *boot)
{
        if (!boot->options.halt)
                return 0;
        say("ingot: halted before hand-off: setup at %lx, %lu bytes; "
            "image at %lx, %lu bytes\n",
            (unsigned long)boot->setup,
            (unsigned long)(boot->setup ? boot->info.setup_size : 0),
            (unsigned long)boot->body, (unsigned long)boot->body_size);
        for (;;)
                rest();
}

static int hand_off(struct boot *boot)
{
        boot->protocol->hand_off(boot);
        return BOOT_NO_ENTRY;
}

static const struct step {
        const char *name;
        int (*run)(struct boot *boot);
} steps[] = {
        { "find ourselves", find_ourselves },
        { "map memory", map_memory_of },
        { "open the screen", open_screen },
        { "look at the machine", look_at_machine },
        { "read options", read_options },
        { "open the store", open_store },
        { "choose a variant", choose },
        { "announce it", announce },
        { "check memory", check_memory },
        { "rebuild it", rebuild },
        { "edit the command line", edit_command_line },
        { "halt if asked", halt_if_asked },
        { "hand off", hand_off },
};

_Noreturn void stub_main(const struct entry_state *state, uint8_t *elf)
{
        struct boot boot = { .state = state, .elf = elf };
        boot.protocol = entry_protocols[state->protocol];
        console_init(state->protocol == PROTOCOL_XEN_PV);

        for (const struct step *step = steps;; step++) {
                /* not every 32-bit processor counts */
                uint64_t start = boot.options.verbose ? cycles() : 0;
                int error = step->run(&boot);
                if (boot.options.verbose)
                        say("ingot: %s: %lu cycles\n", step->name,
                            (unsigned long)(cycles() - start));
                if (error) {
                        say("ingot: %s%s%s: %s\n",
                            boot.info.name[0] ? boot.info.name : "",
                            boot.info.name[0] ? ": " : "", step->name,
                            boot_strerror(error));
                        stop("nothing was started");
                }
        }
}
