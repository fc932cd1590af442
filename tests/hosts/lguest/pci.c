/* SPDX-License-Identifier: MIT */
/*
 * What the launcher shows as PCI: an empty host bridge at 0:0.0 and the virtio
 * console at 0:1.0, through ports 0xcf8 to 0xcff.
 *
 * Of the console only one register works, the emergency write: it prints a
 * character before a driver is there.  It is reached through the window of the
 * device's last capability but one, which reads and writes BAR 0 by way of the
 * configuration space.  There are no queues, and BAR 0 can't be mapped.
 */
#include "host.h"

#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc
#define ENABLED      0x80000000u
#define BUS_FUNCTION 0x00ff0700u /* of an address: must be 0 */

#define CONFIG_WORDS 38

/* Offsets in the configuration space. */
#define STATUS_COMMAND 0x04
#define CACHE_LINE     0x0c
#define BAR_0          0x10
#define BAR_5          0x24
#define EXPANSION_ROM  0x30
#define CAPABILITIES   0x34
#define COMMON         0x40
#define NOTIFY         0x50
#define ISR            0x64
#define WINDOW         0x74
#define WINDOW_BAR     (WINDOW + 4)
#define WINDOW_OFFSET  (WINDOW + 8)
#define WINDOW_LENGTH  (WINDOW + 12)
#define WINDOW_DATA    (WINDOW + 16)
#define DEVICE         0x88

/* Offsets in BAR 0. */
#define BAR_COMMON    0
#define BAR_NOTIFY    56
#define BAR_ISR       58
#define BAR_DEVICE    60
#define BAR_EMERGENCY (BAR_DEVICE + 8)
#define BAR_BYTES     (BAR_DEVICE + 12)
#define BAR_ALIGNED   128 /* a power of two */

static uint32_t address;
static uint32_t console[CONFIG_WORDS];

#define CONFIG(offset) console[(offset) / 4]

/* The list goes by these; lengths as virtio 1.0 has the structures. */
static const struct capability {
        uint8_t offset, next, size;
        uint8_t type; /* virtio's: 1 common, 2 notify, 3 ISR, 4 device, 5 PCI */
        uint32_t bar_offset, bar_length;
} capabilities[] = {
        { COMMON, NOTIFY, 16, 1, BAR_COMMON, 56 },
        { NOTIFY, ISR, 20, 2, BAR_NOTIFY, 2 },
        { ISR, WINDOW, 16, 3, BAR_ISR, 1 },
        { WINDOW, DEVICE, 20, 5, 0, 0 },
        { DEVICE, 0, 16, 4, BAR_DEVICE, 12 },
};

void pci_init(void)
{
        CONFIG(0) = 0x10431af4;
        CONFIG(STATUS_COMMAND) = 0x0010 << 16; /* has capabilities */
        CONFIG(8) = 0x07000001;                /* class, revision */
        CONFIG(BAR_0) = guest_size;
        CONFIG(CAPABILITIES) = COMMON;
        CONFIG(0x3c) = 0x0101; /* pin A, line 1 */
        for (unsigned i = 0; i < COUNT(capabilities); i++) {
                const struct capability *c = &capabilities[i];

                CONFIG(c->offset) = 0x09 | (uint32_t)c->next << 8 |
                                    (uint32_t)c->size << 16 |
                                    (uint32_t)c->type << 24;
                CONFIG(c->offset + 4) = 0; /* BAR 0 */
                CONFIG(c->offset + 8) = c->bar_offset;
                CONFIG(c->offset + 12) = c->bar_length;
        }
}

static uint32_t bridge[CONFIG_WORDS] = { [2] = 0x06000000 };
static uint32_t *const devices[] = { bridge, console };

/* The device that the address selects; null: nothing is there. */
static uint32_t *selected(uint32_t *ret_offset)
{
        uint32_t offset = address & 0xfc, device = address >> 11 & 31;

        if (!(address & ENABLED) || (address & BUS_FUNCTION) ||
            offset / 4 >= CONFIG_WORDS || device >= COUNT(devices))
                return NULL;
        *ret_offset = offset;
        return devices[device];
}

static bool window_valid(void)
{
        uint32_t offset = CONFIG(WINDOW_OFFSET), length = CONFIG(WINDOW_LENGTH);

        return (CONFIG(WINDOW_BAR) & 0xff) == 0 &&
               (length == 1 || length == 2 || length == 4) &&
               offset < BAR_BYTES && length <= BAR_BYTES - offset &&
               offset % length == 0;
}

uint32_t pci_read(uint16_t port, uint32_t mask)
{
        uint32_t value = address, offset, *device;

        if (port >= DATA_PORT) {
                device = selected(&offset);
                if (!device)
                        return 0xffffffff;
                value = device[offset / 4];
                if (device == console && offset == WINDOW_DATA) {
                        if (!window_valid())
                                kill_guest(
                                        "console: invalid window to offset %u len %u",
                                        CONFIG(WINDOW_OFFSET),
                                        CONFIG(WINDOW_LENGTH));
                        value = 0;
                }
        }
        return value >> (port & 3) * 8 & mask;
}

static void put(uint32_t *word, uint16_t port, uint32_t mask, uint32_t value)
{
        uint32_t shift = (port & 3) * 8;

        *word = (*word & ~(mask << shift)) | (value & mask) << shift;
}

/* What a write to the configuration space does; the first row that matches. */
static const struct writable {
        uint8_t first, last; /* offsets of words */
        uint32_t mask;       /* most bits of a write that count */
} writable[] = {
        { BAR_0, BAR_5, 0xffffffff },
        { EXPANSION_ROM, EXPANSION_ROM, 0xffffffff },
        { CACHE_LINE, CACHE_LINE, 0xffff },
        { STATUS_COMMAND, STATUS_COMMAND, 0 },
        { WINDOW_BAR, WINDOW_DATA, 0xffffffff },
};

/* The window's data were written: they go where the window is. */
static void write_window(void)
{
        if (CONFIG(WINDOW_OFFSET) != BAR_EMERGENCY)
                kill_guest("console: Unexpected write to offset %u",
                           CONFIG(WINDOW_OFFSET));
        if (CONFIG(WINDOW_LENGTH) != 4)
                kill_guest("console: non-32-bit write to offset %u",
                           BAR_EMERGENCY);
        guest_put((char)CONFIG(WINDOW_DATA));
}

/* False: it is a fault. */
bool pci_write(uint16_t port, uint32_t mask, uint32_t value)
{
        uint32_t *device, offset;
        unsigned i;

        if (port < DATA_PORT) {
                put(&address, port, mask, value);
                return true;
        }
        device = selected(&offset);
        if (!device)
                return false;
        for (i = 0; i < COUNT(writable); i++)
                if (offset >= writable[i].first && offset <= writable[i].last)
                        break;
        if (i == COUNT(writable) || (device != console && offset >= COMMON))
                return false;
        if (offset == WINDOW_DATA && !window_valid())
                return false;
        put(&device[offset / 4], port, mask & writable[i].mask, value);
        if (device == console && offset == BAR_0)
                CONFIG(BAR_0) &= ~(BAR_ALIGNED - 1u);
        else if (offset == WINDOW_DATA)
                write_window();
        return true;
}
