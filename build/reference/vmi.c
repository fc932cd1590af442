/* SPDX-License-Identifier: MIT */
/*
 * Finds the ROM, lets it take over, fills the slots.  A slot is to VMI what a
 * procedure linkage table is to a shared library: the one place that changes.
 * Reference: the VMI specification, API 3.0.
 */
#include "kernel.h"
#ifdef BACKEND_pvops
#include "table.h"
#endif
#include "vmi.h"

#define ROM_FIRST     0xc0000
#define ROM_END       0xe0000
#define ROM_STEP      2048
#define ROM_SIGNATURE 0xaa55
#define VMI_SIGNATURE 0x696d5663 /* "cVmi" */
#define VMI_MAJOR     3
#define SLOT_SIZE     16
#define CALL_IRET     33
#define CALL          0xe8
#define JUMP          0xe9
#define RETURN        0xc3

enum relocation {
        RELOCATION_NONE, /* keep the instruction */
        RELOCATION_CALL,
        RELOCATION_JUMP,
        RELOCATION_NOP
};

struct rom {
        uint16_t signature;
        uint8_t blocks; /* of 512 bytes */
        uint8_t entry[5];
        uint32_t vmi_signature;
        uint8_t minor, major, jump_slots, reserved1;
        uint32_t virtual_top;
        uint16_t reserved2, licence, pci_header, pnp_header;
        uint8_t reserved3[100];
        uint8_t init[8], relocation[8]; /* code */
} __attribute__((packed));
_Static_assert(sizeof(struct rom) == 144, "VMI specification, ROM header");

#define NUMBER(number, name, code) number,
static const uint8_t numbers[] = { VMI_CALLS(NUMBER) };
extern uint8_t vmi_slots[][SLOT_SIZE];

/* Calls that keep an operation's own convention: in a kernel of VMI's own the
 * slot is the operation, and in the pv_ops kernel the sites may lead into the
 * ROM, past the slot, or get back the native instructions. */
/* clang-format off */
#define DIRECT_CALLS(DIRECT) \
        DIRECT(5, SetIDT, load_idt) \
        DIRECT(6, SetTR, load_tr) \
        DIRECT(17, SetCR3, write_cr3) \
        DIRECT(18, SetCR4, write_cr4) \
        DIRECT(20, GetCR2, read_cr2) \
        DIRECT(21, GetCR3, read_cr3) \
        DIRECT(22, GetCR4, read_cr4) \
        DIRECT(29, EnableInterrupts, irq_enable) \
        DIRECT(30, DisableInterrupts, irq_disable) \
        DIRECT(31, GetInterruptMask, save_flags) \
        DIRECT(32, SetInterruptMask, restore_flags) \
        DIRECT(33, IRET, iret) \
        DIRECT(35, Halt, halt) \
        DIRECT(38, SetPxE, set_entry) \
        DIRECT(46, InvalPage, flush_page) \
        DIRECT(65, IODelay, io_delay)
/* clang-format on */
#define ALIAS(number, name, operation)                            \
        ".globl backend_" #operation "\n.set backend_" #operation \
        ", vmi_" #name "\n"

/* Assembled with the native instructions; vmi_iret is the slot that is jumped
 * to. */
#define SLOT(number, name, code)                                   \
        ".balign 16, 0xcc\n.globl vmi_" #name "\n.type vmi_" #name \
        ", @function\n.size vmi_" #name ", 16\nvmi_" #name ": " code "\n"
/* clang-format off */
__asm__(".pushsection .text.vmi_slots, \"ax\"\n"
        ".balign 16\n.globl vmi_slots\n.type vmi_slots, @function\nvmi_slots:\n"
        VMI_CALLS(SLOT)
#ifndef BACKEND_pvops
        DIRECT_CALLS(ALIAS)
#endif
        ".balign 16, 0xcc\n.size vmi_slots, . - vmi_slots\n"
        ".globl vmi_iret\n.set vmi_iret, vmi_IRET\n"
        ".popsection");
/* clang-format on */

static const struct rom *rom;

static bool same(const char *a, const char *b)
{
        return !__builtin_memcmp(a, b, strlen(b) + 1);
}

static const char *check(const struct rom *r)
{
        const uint8_t *bytes = (const uint8_t *)r;
        const char *licence = (const char *)r + r->licence;
        uint8_t sum = 0;
        for (unsigned i = 0; i < r->blocks * 512u; i++)
                sum = (uint8_t)(sum + bytes[i]);
        if (sum)
                return "the VMI ROM's checksum is wrong";
        if (r->major != VMI_MAJOR)
                return "the VMI ROM has another API version than 3";
        if (!r->pci_header)
                return "the VMI ROM has no PCI header";
        if (!r->licence || (!same(licence, "GPL") && !same(licence, "GPL v2")))
                return "the VMI ROM's licence is not the GPL";
        return NULL;
}

BACKEND_DECLARE(vmi)

const char *vmi_probe(void)
{
        const char *missing = "there is no VMI ROM";
        for (unsigned long at = ROM_FIRST; at < ROM_END; at += ROM_STEP) {
                const struct rom *r = to_virtual(at);
                if (r->signature != ROM_SIGNATURE ||
                    r->vmi_signature != VMI_SIGNATURE)
                        continue;
                missing = check(r);
                if (!missing) {
                        rom = r;
                        return NULL;
                }
        }
        return missing;
}

/* The slot's code is rewritten, but for RELOCATION_NONE; false if the answer
 * is none that is known.  What is to be called may as well be jumped to: its
 * return goes to the slot's caller.  Only the slot of IRET has none, and an
 * IRET that is called expects a return address to throw away. */
static bool fill(uint8_t *slot, unsigned number, enum relocation kind,
                 uint32_t target)
{
        int32_t distance = (int32_t)(target - (uint32_t)slot - 5);
        bool call = kind == RELOCATION_CALL && number == CALL_IRET;
        switch (kind) {
        case RELOCATION_NONE:
                return true;
        case RELOCATION_CALL:
        case RELOCATION_JUMP:
                slot[0] = call ? CALL : JUMP;
                __builtin_memcpy(slot + 1, &distance, sizeof distance);
                return true;
        case RELOCATION_NOP:
                slot[0] = RETURN;
                return true;
        }
        return false;
}

#ifdef BACKEND_pvops
#define DIRECT(number, name, operation) \
        { number, offsetof(struct operations, operation) / WORD },
static const struct {
        uint8_t number, operation;
} direct[] = { DIRECT_CALLS(DIRECT) };

static void choose(unsigned number, enum relocation kind, uint32_t target)
{
        for (unsigned i = 0; i < sizeof direct / sizeof direct[0]; i++) {
                const void **operation =
                        (const void **)&operations + direct[i].operation;
                const void *const *native =
                        (const void *const *)&native_operations +
                        direct[i].operation;
                /* An iret that wants to be called: the slot does that. */
                if (direct[i].number != number ||
                    (number == CALL_IRET && kind == RELOCATION_CALL))
                        continue;
                if (kind == RELOCATION_NONE)
                        *operation = *native;
                else if (kind == RELOCATION_NOP)
                        *operation = patch_nothing;
                else
                        *operation = (const void *)target;
        }
}
#else
static void choose(unsigned number, enum relocation kind, uint32_t target)
{
        (void)number;
        (void)kind;
        (void)target;
}
#endif

const char *vmi_init(void)
{
        uint32_t (*init)(void) = (void *)rom->init;
        uint64_t (*relocation)(uint32_t number) = (void *)rom->relocation;
        uint32_t cs;
        if (init())
                return "the VMI ROM does not initialise";
        for (unsigned i = 0; i < sizeof numbers; i++) {
                uint64_t answer = relocation(numbers[i]);
                enum relocation kind = answer >> 32 & 0xff;
                if (!fill(vmi_slots[i], numbers[i], kind, (uint32_t)answer))
                        return "the VMI ROM gives an unknown relocation";
                choose(numbers[i], kind, (uint32_t)answer);
        }
        /* (slot 0, from address, pages, frame 0): the direct map. */
        uint32_t slot = 0, addr = VIRT_BASE,
                 pages = DIRECT_MAP_SIZE / PAGE_SIZE;
        __asm__ volatile("push $0\n\tcall vmi_SetLinearMapping\n\tadd $4, %%esp"
                         : "+a"(slot), "+d"(addr), "+c"(pages)
                         :
                         : VMI_LOST);
        __asm__("mov %%cs, %0" : "=r"(cs));
        native_init();
        constants[CONSTANT_kernel_cs] = KERNEL_CS | (cs & 3);
        return NULL;
}

void vmi_load_gdt(const struct table_pointer *table)
{
        VMI_CALL1(SetGDT, table);
        native_load_segments();
}

void vmi_set_kernel_stack(unsigned long top)
{
        uint32_t selector = KERNEL_SS | (constant(kernel_cs) & 3), none;
        tss.sp0 = top;
        tss.ss0 = selector;
        __asm__ volatile("call vmi_UpdateKernelStack"
                         : "+a"(selector), "+d"(top), "=c"(none)
                         :
                         : VMI_LOST);
}

void vmi_shutdown(void)
{
        VMI_CALL0(Shutdown);
        native_shutdown();
}

#ifndef BACKEND_pvops
/* The operations that are more than a slot. */
#define CALLED(type, name, parameters) \
        type backend_##name parameters __attribute__((alias("vmi_" #name)));
CALLED(void, add_table, (unsigned long addr, unsigned long level))
CALLED(void, flush_tlb, (void))
CALLED(void, load_gdt, (const struct table_pointer *table))
CALLED(void, set_kernel_stack, (unsigned long top))
CALLED(unsigned long, read_msr, (unsigned long msr))
CALLED(void, write_msr, (unsigned long msr, unsigned long value))
#endif
