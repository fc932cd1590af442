/* SPDX-License-Identifier: MIT */
/*
 * Gives an option ROM its two sums: that of the PnP header, and that of the
 * whole ROM, in the byte behind its BIOS entry.
 *
 *      seal IN OUT [WRONG]     WRONG is added to the ROM's sum (0)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR     512
#define ROM_MAX    (16 * SECTOR)
#define SUM_OFFSET 7  /* rom.S */
#define PNP_OFFSET 26 /* where the header has the PnP header's offset */
#define PNP_SIZE   32
#define PNP_SUM    9

static uint8_t sum(const uint8_t *bytes, size_t size)
{
        uint8_t s = 0;

        while (size--)
                s += *bytes++;
        return s;
}

int main(int argc, char **argv)
{
        static uint8_t rom[ROM_MAX + 1];
        size_t size, pnp;
        FILE *f;

        if (argc < 3)
                return 2;
        f = fopen(argv[1], "rb");
        size = f ? fread(rom, 1, sizeof(rom), f) : 0;
        if (f)
                fclose(f);
        if (!size || size > ROM_MAX || size % SECTOR ||
            rom[2] * SECTOR != size) {
                fprintf(stderr, "seal: %s: %zu bytes, its header says %d\n",
                        argv[1], size, rom[2] * SECTOR);
                return 1;
        }
        pnp = rom[PNP_OFFSET] | rom[PNP_OFFSET + 1] << 8;
        if (pnp + PNP_SIZE > size || memcmp(rom + pnp, "$PnP", 4)) {
                fprintf(stderr, "seal: %s: no PnP header\n", argv[1]);
                return 1;
        }
        rom[pnp + PNP_SUM] -= sum(rom + pnp, PNP_SIZE);
        rom[SUM_OFFSET] -= sum(rom, size);
        if (argc > 3)
                rom[SUM_OFFSET] += (uint8_t)atoi(argv[3]);

        f = fopen(argv[2], "wb");
        if (!f || fwrite(rom, 1, size, f) != size || fclose(f)) {
                perror(argv[2]);
                return 1;
        }
        return 0;
}
