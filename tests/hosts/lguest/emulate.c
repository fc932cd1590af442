/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the guest's kernel that only ring 0 may execute, done for it:
 * in and out, cli.  All others are left to the guest as the fault that they
 * are; without a gate for it the guest dies of them.
 *
 * sti: the launcher of Linux 4.9 does not know it, so it is a fault there.  It
 * is ignored here, once with a word, unless the host runs strict.
 */
#include "host.h"

#define PREFIX_16     0x66
#define LENGTH_MAX    3
#define PORT_KEYBOARD 0x64 /* status: 1, ready for output */

/* An instruction's bytes; false if they are not all mapped. */
static bool fetch(uint8_t bytes[LENGTH_MAX])
{
        memset(bytes, 0, LENGTH_MAX);
        for (uint32_t i = 0; i < LENGTH_MAX; i++) {
                uint32_t pa;

                if (!guest_pa_maybe(regs->eip + i, &pa) || pa >= guest_size)
                        return i > 0;
                bytes[i] = guest_memory[pa];
        }
        return true;
}

static const struct port_instruction {
        uint8_t opcode; /* and the next one, for more than a byte */
        uint8_t length;
        bool in, port_in_dx;
} port_instructions[] = {
        { 0xe4, 2, true, false },
        { 0xe6, 2, false, false },
        { 0xec, 1, true, true },
        { 0xee, 1, false, true },
};

static bool emulate_port(const struct port_instruction *p, uint16_t port,
                         uint32_t mask)
{
        uint32_t value = 0xffffffff;

        if (!p->in)
                return !pci_has_port(port) || pci_write(port, mask, regs->eax);
        if (port == PORT_KEYBOARD)
                value = 1;
        else if (pci_has_port(port))
                value = pci_read(port, mask);
        regs->eax = (regs->eax & ~mask) | (value & mask);
        return true;
}

bool emulate_instruction(void)
{
        static bool said;
        uint8_t bytes[LENGTH_MAX];
        const uint8_t *insn = bytes;
        uint32_t mask = 0xffffffff;

        if ((regs->cs & 3) != GUEST_RING || !fetch(bytes))
                return false;
        if (*insn == 0xfa || (*insn == 0xfb && !strict)) {
                if (*insn == 0xfb && !said) {
                        said = true;
                        host_says();
                        print("sti at 0x%x is ignored; Linux 4.9 does not\n",
                              regs->eip);
                }
                regs->eip++;
                return true;
        }
        if (*insn == PREFIX_16) {
                mask = 0xffff;
                insn++;
        }
        if (!(*insn & 1))
                mask = 0xff;
        for (unsigned i = 0; i < COUNT(port_instructions); i++) {
                const struct port_instruction *p = &port_instructions[i];

                if ((*insn & 0xfe) != p->opcode)
                        continue;
                if (!emulate_port(p,
                                  p->port_in_dx ? (uint16_t)regs->edx : insn[1],
                                  mask))
                        return false;
                regs->eip += (uint32_t)(insn - bytes) + p->length;
                return true;
        }
        return false;
}

/* For the last words on a guest; only what is worth telling apart. */
const char *instruction_name(void)
{
        static const struct {
                uint8_t bytes[2];
                int8_t extension; /* of ModRM's reg field; -1: any */
                const char *name;
        } names[] = {
                { { 0x0f, 0x01 }, 2, "lgdt" },
                { { 0x0f, 0x01 }, 3, "lidt" },
                { { 0x0f, 0x01 }, 6, "lmsw" },
                { { 0x0f, 0x01 }, 7, "invlpg" },
                { { 0x0f, 0x00 }, 2, "lldt" },
                { { 0x0f, 0x00 }, 3, "ltr" },
                { { 0x0f, 0x06 }, -1, "clts" },
                { { 0x0f, 0x09 }, -1, "wbinvd" },
                { { 0x0f, 0x20 }, -1, "mov from cr" },
                { { 0x0f, 0x21 }, -1, "mov from dr" },
                { { 0x0f, 0x22 }, -1, "mov to cr" },
                { { 0x0f, 0x23 }, -1, "mov to dr" },
                { { 0x0f, 0x30 }, -1, "wrmsr" },
                { { 0x0f, 0x32 }, -1, "rdmsr" },
        };
        uint8_t bytes[LENGTH_MAX];

        if (!fetch(bytes))
                return "?";
        if (bytes[0] == 0xf4)
                return "hlt";
        if (bytes[0] == 0xfb)
                return "sti";
        for (unsigned i = 0; i < COUNT(names); i++)
                if (!memcmp(bytes, names[i].bytes, 2) &&
                    (names[i].extension < 0 ||
                     (bytes[2] >> 3 & 7) == names[i].extension))
                        return names[i].name;
        return "?";
}
