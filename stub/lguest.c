/* SPDX-License-Identifier: MIT */
/*
 * lguest without a hypercall: LGUEST_INIT is the variant's, since a second one
 * kills the guest.  The launcher's virtio console has an emergency register
 * that takes one character at a time; it is reached through PCI configuration
 * space, so that no memory has to be set up for it.
 *
 * Sources: Linux 4.9, drivers/lguest and tools/lguest; virtio 1.0, 4.1.4
 * (capabilities), 5.3.4 (emerg_wr).
 */
#include "lguest.h"

#include "io.h"

#define VERSION_SUBARCH 0x207 /* boot_params has hardware_subarch since */
#define SUBARCH_LGUEST  1     /* x86_hardware_subarch */

#define PCI_ADDRESS       0xcf8
#define PCI_DATA          0xcfc
#define PCI_CONSOLE       0x80000800u /* device 0:1.0 */
#define CONSOLE_ID        0x10431af4u
#define PCI_CAPABILITIES  0x34
#define CAPABILITY_VENDOR 9  /* its fourth byte is virtio's cfg_type */
#define TYPE_DEVICE       4  /* where the device's own registers are */
#define TYPE_WINDOW       5  /* access to them through this capability */
#define MAX_CAPABILITIES  48 /* of 4 bytes and more in 192 */
/* In a capability. */
#define CAP_BAR         4
#define CAP_OFFSET      8
#define CAP_LENGTH      12
#define CAP_DATA        16
#define EMERGENCY_WRITE 8 /* register of the console */

static uint8_t window; /* the access capability's place */

bool lguest_ring(void)
{
        uint32_t cs;
        __asm__("mov %%cs, %0" : "=r"(cs));
        return cs & 3;
}

bool lguest_named(const struct boot_params *params)
{
        return params->hdr.version >= VERSION_SUBARCH &&
               params->hdr.hardware_subarch == SUBARCH_LGUEST;
}

static uint32_t pci_read(uint8_t offset)
{
        out32(PCI_ADDRESS, PCI_CONSOLE | (offset & 0xfc));
        return in32(PCI_DATA) >> (offset & 3) * 8;
}

static void pci_write(uint8_t offset, uint32_t value)
{
        out32(PCI_ADDRESS, PCI_CONSOLE | offset);
        out32(PCI_DATA, value);
}

bool lguest_console_open(void)
{
        uint8_t at, device = 0, access = 0;
        uint32_t reg;

        if (pci_read(0) != CONSOLE_ID)
                return false;
        at = (uint8_t)pci_read(PCI_CAPABILITIES) & 0xfc;
        for (int i = 0; at && i < MAX_CAPABILITIES; i++) {
                uint32_t head = pci_read(at);
                if ((uint8_t)head == CAPABILITY_VENDOR) {
                        if (head >> 24 == TYPE_DEVICE)
                                device = at;
                        if (head >> 24 == TYPE_WINDOW)
                                access = at;
                }
                at = head >> 8 & 0xfc;
        }
        if (!device || !access)
                return false;
        reg = pci_read(device + CAP_OFFSET) + EMERGENCY_WRITE;
        out32(PCI_ADDRESS, PCI_CONSOLE | (access + CAP_BAR));
        out8(PCI_DATA, 0);
        pci_write(access + CAP_LENGTH, 4);
        pci_write(access + CAP_OFFSET, reg);
        window = access;
        return true;
}

void lguest_console_put(char c)
{
        pci_write(window + CAP_DATA, (uint8_t)c);
}
