/* SPDX-License-Identifier: MIT */
/*
 * Shadow page tables: those that the processor walks while the guest runs.
 *
 * The guest's own tables hold its physical addresses, so they can't be used;
 * their entries are checked and copied when a page fault asks for one.  What is
 * copied stays until the guest says that it changed something, so a guest that
 * forgets to say so sees the old pages, here as under Linux's host.
 *
 * Up to four page directories have a shadow; the oldest makes room.  A shadow
 * that changes hands keeps what is above kernel_address: that is the same for
 * all.  Before the guest names a directory, virtual is physical.
 *
 * Two levels of 4 KiB pages: no PAE, no large pages, no memory-mapped devices.
 */
#include "host.h"

#define SHADOWS    4
#define POOL_PAGES 1024 /* a shadow of all 4 GiB has 1024, guests use a few */

#define PTE_PRESENT  0x001
#define PTE_RW       0x002
#define PTE_USER     0x004
#define PTE_ACCESSED 0x020
#define PTE_DIRTY    0x040
#define PTE_LARGE    0x080
#define PTE_GLOBAL   0x100
#define PTE_FLAGS    0xfff
/* All that a page directory's entry may have. */
#define PGD_FLAGS (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

#define FAULT_WRITE 2
#define FAULT_USER  4

#define INDEX_1(address) ((address) >> 22)
#define INDEX_2(address) ((address) >> 12 & 1023)

static struct shadow {
        uint32_t guest;      /* physical address of the guest's directory */
        uint32_t *directory; /* null: not in use yet */
} shadows[SHADOWS];
static struct shadow *current = &shadows[0];
static unsigned next_shadow;
static bool linear = true; /* no directory yet */
static uint32_t kernel_address;

static uint32_t *free_pages; /* the first word of each points to the next */
static uint32_t pool_start;
static uint32_t host_directory[1024] __attribute__((aligned(4096)));
static uint32_t host_switcher[1024] __attribute__((aligned(4096)));
static uint32_t guest_switcher[1024] __attribute__((aligned(4096)));
static uint8_t regs_page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t state_page[PAGE_SIZE] __attribute__((aligned(4096)));
extern uint8_t switcher[];

static uint32_t *new_page(void)
{
        uint32_t *page = free_pages;

        if (!page)
                kill_guest("out of memory allocating pte page");
        free_pages = (uint32_t *)page[0];
        memset(page, 0, PAGE_SIZE);
        return page;
}

static void free_page(uint32_t *page)
{
        page[0] = (uint32_t)free_pages;
        free_pages = page;
}

static void use(struct shadow *s)
{
        if (!s->directory) {
                s->directory = new_page();
                s->directory[INDEX_1(SWITCHER)] =
                        (uint32_t)guest_switcher | PTE_PRESENT | PTE_RW;
        }
        current = s;
        set_guest_cr3((uint32_t)s->directory);
}

/* The host itself: all memory where it is, in pages of 4 MiB, and the switcher.
 * The pool is the end of memory. */
void pages_init(uint32_t ram_end)
{
        uint32_t cr;

        for (uint32_t i = 0; i < INDEX_1(SWITCHER); i++)
                host_directory[i] = i << 22 | PTE_PRESENT | PTE_RW | PTE_LARGE;
        host_directory[INDEX_1(SWITCHER)] =
                (uint32_t)host_switcher | PTE_PRESENT | PTE_RW;

        guest_switcher[0] = (uint32_t)switcher | PTE_PRESENT;
        guest_switcher[1] = (uint32_t)regs_page | PTE_PRESENT | PTE_RW;
        guest_switcher[2] = (uint32_t)state_page | PTE_PRESENT;
        memcpy(host_switcher, guest_switcher, sizeof(host_switcher));
        host_switcher[2] |= PTE_RW;

        asm volatile("movl %%cr4, %0" : "=r"(cr));
        cr = (cr | 0x10 | 0x600) & ~0x80u; /* PSE, OSFXSR, OSXMMEXCPT; no PGE */
        asm volatile("movl %0, %%cr4" : : "r"(cr));
        asm volatile("movl %0, %%cr3" : : "r"(host_directory) : "memory");
        asm volatile("movl %%cr0, %0" : "=r"(cr));
        cr |= 0x80010002;   /* PG, WP: the guest is a supervisor; MP */
        cr &= ~0x0000000cu; /* EM, TS */
        asm volatile("movl %0, %%cr0" : : "r"(cr) : "memory");

        pool_start = (ram_end & PAGE_MASK) - POOL_PAGES * PAGE_SIZE;
        for (uint32_t i = POOL_PAGES; i-- > 0;)
                free_page((uint32_t *)(pool_start + i * PAGE_SIZE));
}

uint32_t pages_pool_start(void)
{
        return pool_start;
}

/* ---- The guest's tables ------------------------------------------------- */

static void check_pgd(uint32_t entry)
{
        if ((entry & PTE_FLAGS & ~PGD_FLAGS) ||
            (entry & PAGE_MASK) >= guest_size)
                kill_guest("bad page directory entry 0x%x", entry);
}

static void check_pte(uint32_t entry)
{
        if ((entry & PTE_LARGE) || (entry & PAGE_MASK) >= guest_size)
                kill_guest("bad page table entry 0x%x", entry);
}

/* False if a level is not present. */
static bool walk(uint32_t address, uint32_t *ret_pgd, uint32_t *ret_pte_addr,
                 uint32_t *ret_pte)
{
        uint32_t pgd, pte_addr, pte;

        if (linear) {
                *ret_pgd = PGD_FLAGS;
                *ret_pte_addr = 0;
                *ret_pte = (address & PAGE_MASK) | PTE_PRESENT | PTE_RW;
                return true;
        }
        pgd = guest_read(current->guest + INDEX_1(address) * 4);
        if (!(pgd & PTE_PRESENT))
                return false;
        check_pgd(pgd);
        pte_addr = (pgd & PAGE_MASK) + INDEX_2(address) * 4;
        pte = guest_read(pte_addr);
        if (!(pte & PTE_PRESENT))
                return false;
        *ret_pgd = pgd;
        *ret_pte_addr = pte_addr;
        *ret_pte = pte;
        return true;
}

bool guest_pa_maybe(uint32_t address, uint32_t *ret_pa)
{
        uint32_t pgd, pte_addr, pte;

        if (!walk(address, &pgd, &pte_addr, &pte))
                return false;
        *ret_pa = (pte & PAGE_MASK) | (address & ~PAGE_MASK);
        return true;
}

uint32_t guest_pa(uint32_t address)
{
        uint32_t pa;

        if (!guest_pa_maybe(address, &pa))
                kill_guest("Bad address 0x%x", address);
        return pa;
}

/* ---- The shadow --------------------------------------------------------- */

/* A clean page is read-only in the shadow, so that its first write is seen. */
static uint32_t shadow_pte(uint32_t pte)
{
        uint32_t flags = pte & PTE_FLAGS & ~PTE_GLOBAL;

        if (!(pte & PTE_DIRTY))
                flags &= ~PTE_RW;
        return (uint32_t)guest_memory + (pte & PAGE_MASK) + flags;
}

bool demand_page(uint32_t address, uint32_t error)
{
        uint32_t pgd, pte_addr, pte, *entry;

        if (address >= SWITCHER || !walk(address, &pgd, &pte_addr, &pte))
                return false;
        if ((error & FAULT_WRITE) && !(pte & PTE_RW))
                return false;
        if ((error & FAULT_USER) && !(pte & PTE_USER))
                return false;
        check_pte(pte);
        pte |= PTE_ACCESSED;
        if (error & FAULT_WRITE)
                pte |= PTE_DIRTY;

        entry = &current->directory[INDEX_1(address)];
        if (!(*entry & PTE_PRESENT))
                *entry = (uint32_t)new_page() | (pgd & PTE_FLAGS);
        ((uint32_t *)(*entry & PAGE_MASK))[INDEX_2(address)] = shadow_pte(pte);
        if (!linear)
                guest_write(pte_addr, pte);
        return true;
}

void pin_page(uint32_t address)
{
        if (address >= SWITCHER || !demand_page(address, FAULT_WRITE))
                kill_guest("bad stack page 0x%x", address);
}

static void drop(struct shadow *s, uint32_t first, uint32_t end)
{
        for (uint32_t i = first; i < end; i++) {
                if (!(s->directory[i] & PTE_PRESENT))
                        continue;
                free_page((uint32_t *)(s->directory[i] & PAGE_MASK));
                s->directory[i] = 0;
        }
}

void flush_user(void)
{
        drop(current, 0, INDEX_1(kernel_address));
}

void flush_all(void)
{
        for (unsigned i = 0; i < SHADOWS; i++)
                if (shadows[i].directory)
                        drop(&shadows[i], 0, INDEX_1(SWITCHER));
        pin_stack();
}

void pages_start(void)
{
        use(&shadows[0]);
}

void pages_guest_init(uint32_t address)
{
        if (address >= SWITCHER)
                kill_guest("bad kernel address 0x%x", address);
        kernel_address = address;
}

static struct shadow *shadow_of(uint32_t directory)
{
        for (unsigned i = 0; i < SHADOWS; i++)
                if (shadows[i].directory && shadows[i].guest == directory)
                        return &shadows[i];
        return NULL;
}

void new_pgtable(uint32_t directory)
{
        struct shadow *s = NULL;
        bool blank = linear;

        guest_bytes(directory, PAGE_SIZE, "page directory");
        if (linear) {
                drop(current, 0, INDEX_1(SWITCHER));
                linear = false;
        } else {
                s = shadow_of(directory);
        }
        if (s) {
                use(s);
                return;
        }
        s = &shadows[next_shadow++ % SHADOWS];
        blank |= !s->directory;
        s->guest = directory;
        use(s);
        flush_user();
        if (blank)
                pin_stack();
}

static void shadow_set_pte(struct shadow *s, uint32_t address, uint32_t pte)
{
        uint32_t entry = s->directory[INDEX_1(address)];
        uint32_t *shadow;

        if (!(entry & PTE_PRESENT))
                return;
        shadow = &((uint32_t *)(entry & PAGE_MASK))[INDEX_2(address)];
        *shadow = 0;
        /* Nothing is to be learnt from a fault: it can go in at once. */
        if (pte & (PTE_DIRTY | PTE_ACCESSED)) {
                check_pte(pte);
                *shadow = shadow_pte(pte);
        }
}

void set_pte(uint32_t directory, uint32_t address, uint32_t pte)
{
        struct shadow *s = shadow_of(directory);

        if (address >= SWITCHER)
                kill_guest("attempt to set pte into Switcher pages");
        if (address < kernel_address) {
                if (s)
                        shadow_set_pte(s, address, pte);
                return;
        }
        for (unsigned i = 0; i < SHADOWS; i++)
                if (shadows[i].directory)
                        shadow_set_pte(&shadows[i], address, pte);
}

void set_pgd(uint32_t directory, uint32_t index)
{
        struct shadow *s = shadow_of(directory);

        if (index >= 1024)
                kill_guest("Attempt to set pgd %u/%u", index, 1024);
        /* The last one is the switcher's; the guest's is never looked at. */
        if (s && index < INDEX_1(SWITCHER))
                drop(s, index, index + 1);
}
