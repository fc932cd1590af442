/* SPDX-License-Identifier: MIT */
/*
 * The guest's physical memory: a piece of the host's, which begins at
 * guest_memory.  Every address that a guest hands over comes through here.
 */
#include "host.h"

uint8_t *guest_memory;
uint32_t guest_size;

void *guest_bytes(uint32_t address, uint32_t size, const char *what)
{
        if (size > guest_size || address > guest_size - size)
                kill_guest("bad %s address 0x%x len %u", what, address, size);
        return guest_memory + address;
}

uint32_t guest_read(uint32_t address)
{
        uint32_t value;

        memcpy(&value, guest_bytes(address, sizeof(value), "read"),
               sizeof(value));
        return value;
}

void guest_write(uint32_t address, uint32_t value)
{
        memcpy(guest_bytes(address, sizeof(value), "write"), &value,
               sizeof(value));
}
