/* SPDX-License-Identifier: MIT */
/*
 * The lguest test guest's checks of page tables: they are its own, but the host
 * learns of a change only by hypercalls.
 */
#include "guest.h"

#define KERNEL_INDEX 4          /* of the page directory: KERNEL_ADDRESS */
#define SHARED       0x1400000u /* index 5, the same in all directories */
#define DIRECTORIES  6          /* more than a host has shadows for */

typedef uint32_t table[1024] __attribute__((aligned(4096)));

table directory, window_table;
static table kernel_table, shared_table, other_table;
static table directories[DIRECTORIES], tables[DIRECTORIES];
static table pages[DIRECTORIES];

static volatile uint32_t *const window = (void *)WINDOW;
static volatile uint32_t *const shared = (void *)SHARED;

static void set_up_directory(uint32_t *d, uint32_t *window_entries)
{
        const uint32_t flags = PRESENT | WRITABLE | USER;

        d[WINDOW >> 22] = (uint32_t)window_entries | flags;
        d[KERNEL_INDEX] = (uint32_t)kernel_table | flags;
        d[SHARED >> 22] = (uint32_t)shared_table | flags;
}

void set_up_pages(void)
{
        for (uint32_t i = 0; i < 1024; i++)
                kernel_table[i] = (KERNEL_ADDRESS + i * PAGE_SIZE) | PRESENT |
                                  WRITABLE | ACCESSED | DIRTY;
        set_up_directory(directory, window_table);
        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directory, 0, 0);
}

static void set_pte(uint32_t address, uint32_t *entry, uint32_t value)
{
        *entry = value;
        hypercall(LHCALL_SET_PTE, (uint32_t)directory, address, value);
}

static bool map_window(void)
{
        if (lguest_data.cr2 != WINDOW)
                return false;
        set_pte(WINDOW, &window_table[0],
                (uint32_t)pages[0] | PRESENT | WRITABLE);
        return true;
}

/* Each directory has a page of its own at WINDOW. */
static bool windows_differ(void)
{
        bool good = true;

        for (uint32_t i = 0; i < DIRECTORIES; i++) {
                hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directories[i], 0, 0);
                good &= *window == i + 1;
        }
        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directory, 0, 0);
        return good;
}

static void test_entries(void)
{
        TRY("movl 0x400000, %%eax"); /* WINDOW */
        check(last.trap == 14 && last.error == 0 && lguest_data.cr2 == WINDOW,
              "a page fault, and its address in cr2");
        on_page_fault = map_window;
        check(*window == 1, "SET_PTE maps a page");
        on_page_fault = NULL;
        check((window_table[0] & (ACCESSED | DIRTY)) == ACCESSED,
              "reading sets accessed");
        window[1] = 1;
        check(window_table[0] & DIRTY, "writing sets dirty");

        set_pte(WINDOW + PAGE_SIZE, &window_table[1],
                (uint32_t)pages[1] | PRESENT | ACCESSED);
        TRY("movl %%eax, 0x401000");
        check(last.trap == 14 && last.error == 3, "a read-only page");

        set_pte(WINDOW, &window_table[0],
                (uint32_t)pages[1] | PRESENT | WRITABLE | ACCESSED | DIRTY);
        check(*window == 2, "SET_PTE changes a page");
        set_pte(WINDOW, &window_table[0], 0);
        TRY("movl 0x400000, %%eax");
        check(last.trap == 14, "SET_PTE takes a page away");
}

static void test_flushes(void)
{
        bool good;

        window_table[0] = (uint32_t)pages[2] | PRESENT | WRITABLE;
        hypercall(LHCALL_FLUSH_TLB, 0, 0, 0);
        check(*window == 3, "FLUSH_TLB 0");
        shared_table[0] = (uint32_t)pages[0] | PRESENT | WRITABLE;
        check(*shared == 1, "a page above kernel_address");
        shared_table[0] = (uint32_t)pages[1] | PRESENT | WRITABLE;
        hypercall(LHCALL_FLUSH_TLB, 1, 0, 0);
        check(*shared == 2, "FLUSH_TLB 1");

        good = *window == 3;
        other_table[0] = (uint32_t)pages[3] | PRESENT | WRITABLE;
        directory[WINDOW >> 22] =
                (uint32_t)other_table | PRESENT | WRITABLE | USER;
        hypercall(LHCALL_SET_PGD, (uint32_t)directory, WINDOW >> 22, 0);
        check(good && *window == 4, "SET_PGD");
        directory[WINDOW >> 22] =
                (uint32_t)window_table | PRESENT | WRITABLE | USER;
        hypercall(LHCALL_SET_PGD, (uint32_t)directory, WINDOW >> 22, 0);
}

static void test_directories(void)
{
        bool good;

        for (uint32_t i = 0; i < DIRECTORIES; i++) {
                set_up_directory(directories[i], tables[i]);
                tables[i][0] = (uint32_t)pages[i] | PRESENT | WRITABLE;
        }
        good = windows_differ();
        check(good && windows_differ(), "NEW_PGTABLE, of more than four");

        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directories[0], 0, 0);
        good = *shared == 2;
        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directory, 0, 0);
        set_pte(SHARED, &shared_table[0],
                (uint32_t)pages[2] | PRESENT | WRITABLE);
        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directories[0], 0, 0);
        good &= *shared == 3;
        hypercall(LHCALL_NEW_PGTABLE, (uint32_t)directory, 0, 0);
        check(good, "SET_PTE above kernel_address is for all");
}

void test_pages(void)
{
        for (uint32_t i = 0; i < DIRECTORIES; i++)
                pages[i][0] = i + 1;
        set_up_pages();
        test_entries();
        test_flushes();
        test_directories();
}
