/* SPDX-License-Identifier: MIT */
/*
 * Physical memory in frames of 4 KiB, and page tables.
 *
 * A table's pages are filled while they are ordinary memory, then declared by
 * add_table(); from there on only set_entry() writes to them: that is what
 * Xen, VMI and lguest ask of a guest.  One walk serves two levels and four.
 *
 * Left out: giving memory back.
 */
#include "kernel.h"

#if BITS == 64
#define LEVELS     4
#define INDEX_BITS 9
#else
#define LEVELS     2
#define INDEX_BITS 10
#endif
#define ENTRY_COUNT (1u << INDEX_BITS)
#define TABLE_FLAGS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER)
/* Entries of the top table for what is below the user's end. */
#define USER_TOP_ENTRIES (BITS == 64 ? 1 : VIRT_BASE >> 22)

static unsigned long first_frame, next_frame;
static struct spin_lock lock;

/* Nothing is mapped one to one any more. */
static void drop_identity(void)
{
        unsigned count = BITS == 64 ? 1 : IDENTITY_SIZE >> 22;
        for (unsigned i = 0; i < count; i++)
                if (kernel_table[i])
                        set_entry(0, &kernel_table[i],
                                  ((unsigned long)i << 22) | LEVELS);
        flush_tlb();
}

void memory_init(void)
{
        first_frame = (unsigned long)(boot.memory_start + PAGE_SIZE - 1) &
                      -(unsigned long)PAGE_SIZE;
        next_frame = first_frame;
        /* Under Xen, Xen's tables are the kernel's. */
        if (boot.entry != ENTRY_XEN_PV)
                drop_identity();
}

unsigned long memory_frames(unsigned count)
{
        unsigned long flags = spin_lock(&lock);
        unsigned long frame = next_frame;
        if (frame + count * PAGE_SIZE > constant(memory_end))
                panic("out of memory");
        next_frame = frame + count * PAGE_SIZE;
        spin_unlock(&lock, flags);
        __builtin_memset(to_virtual(frame), 0, count * PAGE_SIZE);
        return frame;
}

unsigned long memory_frames_used(void)
{
        return (next_frame - first_frame) / PAGE_SIZE;
}

unsigned long memory_new_table(void)
{
        unsigned long addr = memory_frames(1);
        unsigned long *table = to_virtual(addr);
        const unsigned long *kernel = to_virtual(read_cr3());
        for (unsigned i = USER_TOP_ENTRIES; i < ENTRY_COUNT; i++)
                table[i] = kernel[i];
        add_table(addr, LEVELS);
        return addr;
}

void memory_map(unsigned long table, unsigned long addr, unsigned long frame)
{
        unsigned long *entry;
        unsigned level = LEVELS;
        for (;; level--) {
                unsigned shift = 12 + (level - 1) * INDEX_BITS;
                entry = to_virtual(table);
                entry += (addr >> shift) & (ENTRY_COUNT - 1);
                if (level == 1)
                        break;
                if (!(*entry & ENTRY_PRESENT)) {
                        unsigned long new = memory_frames(1);
                        add_table(new, level - 1);
                        set_entry(machine_entry(new | TABLE_FLAGS), entry,
                                  (addr & -PAGE_SIZE) | level);
                }
                table = physical_entry(*entry) & -(unsigned long)PAGE_SIZE;
        }
        set_entry(machine_entry(frame | TABLE_FLAGS), entry,
                  (addr & -PAGE_SIZE) | 1);
        flush_page(addr);
}
