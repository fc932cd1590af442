/* SPDX-License-Identifier: MIT */
/*
 * A kernel that tests the VMI ROM: finds it as a VMI kernel does, asks where
 * its calls are, patches them into its own code, uses each of them and looks
 * whether the machine is then as it should be.
 *
 * Each check is a line "vmi-guest: ok NAME" or "vmi-guest: FAILED NAME"; the
 * last line tells how many there were.  Then the ROM is asked for a shutdown,
 * or with the word "reboot" on the command line for a reboot.
 */
#include "guest.h"

#define ROM_FIRST 0xc0000
#define ROM_LAST  0xe0000
#define ROM_STEP  2048

struct rom_header {
        uint16_t signature;
        uint8_t sectors;
        uint8_t entry[5];
        uint32_t vmi_signature;
        uint8_t api_minor;
        uint8_t api_major;
        uint8_t jump_slots;
        uint8_t reserved_1;
        uint32_t virtual_top;
        uint16_t reserved_2;
        uint16_t licence_offset;
        uint16_t pci_offset;
        uint16_t pnp_offset;
};

/* guest-entry.S */
extern uint8_t iret_site[], sysexit_site[];
extern uint8_t io_delay_site[], lazy_mode_site[], rdpmc_site[];
extern volatile uint32_t native_operations;
void io_delay_function(void), lazy_mode_function(void), rdpmc_function(void);

uint8_t *rom;
static unsigned checks, failures;

void console_put(char c)
{
        serial_put(c);
}

void check(bool good, const char *name)
{
        checks++;
        failures += !good;
        print("vmi-guest: %s %s\n", good ? "ok" : "FAILED", name);
}

/* ---- Finding the ROM --------------------------------------------------- */

/* Why a kernel may not use this ROM; null if it may. */
static const char *refusal(const uint8_t *base)
{
        const struct rom_header *h = (const void *)base;
        const char *licence = (const char *)base + h->licence_offset;
        uint8_t sum = 0;

        if (h->api_major != VMI_API_MAJOR)
                return "API version";
        if (!h->pci_offset)
                return "no PCI header";
        if (!text_equal(licence, "GPL") && !text_equal(licence, "GPL v2"))
                return "licence";
        for (uint32_t i = 0; i < h->sectors * 512u; i++)
                sum += base[i];
        return sum ? "checksum" : NULL;
}

static void find_rom(void)
{
        for (uint32_t base = ROM_FIRST; base < ROM_LAST; base += ROM_STEP) {
                const struct rom_header *h = (const void *)base;
                const uint16_t *pci = (const void *)(base + h->pci_offset);
                const uint16_t *pnp = (const void *)(base + h->pnp_offset);
                const char *why;

                if (h->signature != 0xaa55 || h->vmi_signature != VMI_SIGNATURE)
                        continue;
                why = refusal((const uint8_t *)base);
                if (why) {
                        print("vmi-guest: ROM at 0x%x refused: %s\n", base,
                              why);
                        continue;
                }
                print("vmi-guest: found at 0x%x, \"%s %s\", API %u.%u, PCI %x:%x\n",
                      base, (const char *)base + pnp[7],
                      (const char *)base + pnp[8], h->api_major, h->api_minor,
                      pci[2], pci[3]);
                rom = (uint8_t *)base;
                return;
        }
}

/* ---- Asking and calling ------------------------------------------------ */

struct relocation relocation_at(uint8_t *base, uint32_t number)
{
        uint32_t clobbered, eax = number, edx;

        asm volatile("call *%3"
                     : "+a"(eax), "=d"(edx), "=c"(clobbered)
                     : "r"(base + VMI_GET_RELOC)
                     : "memory", "cc");
        return (struct relocation){ eax, (uint8_t)edx };
}

uint64_t vmi5(uint32_t number, uint32_t a, uint32_t d, uint32_t c, uint32_t s0,
              uint32_t s1)
{
        struct relocation r = relocation_at(rom, number);
        uint32_t words[2] = { s0, s1 };
        const uint32_t *stack = words;

        if (r.kind != VMI_RELOCATION_CALL_REL) {
                print("vmi-guest: call %u is of kind %u\n", number, r.kind);
                check(false, "a call that is wanted can be called");
                return 0;
        }
        asm volatile("pushl 4(%[stack]); pushl (%[stack])\n\t"
                     "call *%[code]\n\t"
                     "addl $8, %%esp"
                     : "+a"(a), "+d"(d), "+c"(c)
                     : [stack] "S"(stack), [code] "D"(r.address)
                     : "memory", "cc");
        return (uint64_t)d << 32 | a;
}

/* As a VMI kernel patches: one instruction of 5 bytes, nops, or nothing. */
static void patch(uint8_t *site, uint32_t number)
{
        struct relocation r = relocation_at(rom, number);
        uint32_t distance = r.address - (uint32_t)(site + 5);

        switch (r.kind) {
        case VMI_RELOCATION_CALL_REL:
        case VMI_RELOCATION_JUMP_REL:
                site[0] = r.kind == VMI_RELOCATION_CALL_REL ? 0xe8 : 0xe9;
                memcpy(site + 1, &distance, sizeof(distance));
                break;
        case VMI_RELOCATION_NOP:
                memset(site, 0x90, 5);
                break;
        }
}

/* Whether there are calls, too, and not only what every ROM must have. */
static bool test_relocations(void)
{
        unsigned kinds[4] = { 0 };
        bool valid = true, inside = true;
        uint32_t end = (uint32_t)rom + rom[2] * 512u;

        for (uint32_t n = 0; n < VMI_CALL_COUNT; n++) {
                struct relocation r = relocation_at(rom, n);

                if (r.kind > VMI_RELOCATION_NOP) {
                        valid = false;
                        continue;
                }
                kinds[r.kind]++;
                if (r.kind == VMI_RELOCATION_CALL_REL ||
                    r.kind == VMI_RELOCATION_JUMP_REL)
                        inside &= r.address >= (uint32_t)rom && r.address < end;
        }
        print("vmi-guest: %u calls, %u jumps, %u nothing, %u native\n",
              kinds[VMI_RELOCATION_CALL_REL], kinds[VMI_RELOCATION_JUMP_REL],
              kinds[VMI_RELOCATION_NOP], kinds[VMI_RELOCATION_NONE]);
        check(valid, "GetRelocationInfo knows four kinds");
        check(inside, "code lies inside the ROM");
        check(relocation_at(rom, VMI_CALL_COUNT).kind == VMI_RELOCATION_NONE &&
                      relocation_at(rom, ~0u).kind == VMI_RELOCATION_NONE,
              "unknown numbers are native");
        check(relocation_at(rom, VMI_CALL_IRET).kind != VMI_RELOCATION_NONE &&
                      relocation_at(rom, VMI_CALL_SYSEXIT).kind !=
                              VMI_RELOCATION_NONE,
              "IRET and SYSEXIT are answered");
        if (!kinds[VMI_RELOCATION_CALL_REL])
                return false;
        check(kinds[0] && kinds[1] && kinds[2] && kinds[3], "all kinds occur");
        return true;
}

static void test_patched_sites(void)
{
        patch(iret_site, VMI_CALL_IRET);
        patch(sysexit_site, VMI_CALL_SYSEXIT);
        check(iret_site[0] == 0xe9 && sysexit_site[0] == 0xe9,
              "IRET and SYSEXIT are jumps");
        patch(io_delay_site, VMI_CALL_IODelay);
        patch(lazy_mode_site, VMI_CALL_SetLazyMode);
        patch(rdpmc_site, VMI_CALL_RDPMC);
        io_delay_function();
        lazy_mode_function();
        check(native_operations == 0, "IODelay and SetLazyMode are nothing");
        rdpmc_function();
        check(native_operations == 1, "RDPMC stays native");
}

static void test_calls(void)
{
        test_patched_sites();
        test_cpu();
        test_interrupt_flag();
        test_tables();
        test_memory();
        test_user_mode();
        if (relocation_at(rom, VMI_CALL_GetCycleFrequency).kind ==
            VMI_RELOCATION_NONE)
                print("vmi-guest: the ROM has no calls for time\n");
        else
                test_time();
}

void guest_main(uint32_t magic, const uint32_t *information)
{
        const char *line = (const char *)information[4];
        uint32_t result, edx, ecx;

        (void)magic;
        set_up_pic();
        find_rom();
        if (!rom) {
                print("vmi-guest: no ROM\n");
                machine_exit(1);
        }
        asm volatile("call *%3"
                     : "=a"(result), "=d"(edx), "=c"(ecx)
                     : "r"(rom + VMI_INIT)
                     : "memory", "cc");
        if (result) {
                print("vmi-guest: VMI_Init failed: %x\n", result);
                machine_exit(1);
        }
        if (test_relocations())
                test_calls();
        else
                print("vmi-guest: the ROM has no calls\n");
        print("vmi-guest: end, %u checks, %u failed\n", checks, failures);
        if (failures)
                machine_exit(2);
        if (relocation_at(rom, VMI_CALL_Shutdown).kind == VMI_RELOCATION_NONE)
                machine_exit(0);
        if (has_word(line, "reboot"))
                vmi(Reboot, 0, 0, 0);
        vmi(Shutdown, 0, 0, 0);
}
