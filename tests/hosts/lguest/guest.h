/* SPDX-License-Identifier: MIT */
/*
 * What the files of the lguest test guest share.
 */
#ifndef TESTS_HOSTS_LGUEST_GUEST_H
#define TESTS_HOSTS_LGUEST_GUEST_H

#include "../bare.h"
#include "lguest.h"

#define PAGE_SIZE 4096u
#define PRESENT   1u
#define WRITABLE  2u
#define USER      4u
#define ACCESSED  0x20u
#define DIRTY     0x40u

#define USER_CS 0x73
#define USER_DS 0x7b

/* Where tests map pages, below kernel_address. */
#define WINDOW         0x400000u
#define KERNEL_ADDRESS 0x1000000u

/* What a trap leaves on the stack, and what guest-entry.S adds. */
struct frame {
        uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
        uint32_t trap, error;
        uint32_t eip, cs, eflags;
        uint32_t user_esp, user_ss; /* from ring 3 only */
};

/* guest-entry.S */
struct entry_state {
        uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
        uint32_t cs, ds, es, fs, gs, ss, eflags;
};
extern struct entry_state entry_state;
extern struct lguest_data lguest_data;
extern char trap_entries[]; /* 16 bytes each */
extern char noirq_iret[], kernel_stack_end[];
extern char user_code[], user_code_end[]; /* position-independent */
extern uint32_t esp_at_iret;              /* iret_with_interrupt()'s frame */
uint32_t hypercall(uint32_t number, uint32_t b, uint32_t c, uint32_t d);
/* Runs ring 3 until it traps; an interrupt does not count. */
void enter_user(uint32_t eip, uint32_t esp, uint32_t flags);
_Noreturn void leave_user(void);
void iret_with_interrupt(void);

/* What user_code can do. */
enum user_work {
        USER_SYSCALL,
        USER_BREAKPOINT,
        USER_READ,
        USER_WRITE,
        USER_CLI,
        USER_IN,
        USER_HYPERCALL,
        USER_SPIN,
};

/* guest.c */
void check(bool good, const char *name);

/* guest-traps.c */
#define GATE_INTERRUPT 14
#define GATE_TRAP      15

extern struct frame last;            /* the last trap's */
extern uint32_t last_address;        /* where its frame was */
extern uint32_t last_enabled;        /* irq_enabled in its handler */
extern volatile uint32_t tick_count; /* vector 32 */
extern bool leave_on_tick;           /* else ring 3 goes on */
extern bool (*on_page_fault)(void);  /* true: try again */

void set_gate(uint32_t n, uint32_t type, uint32_t ring);
/* Executes one instruction: if it traps, the next one is the one behind it.
 * The trap is last; trap 256 is none. */
#define TRY(instruction)                                               \
        do {                                                           \
                last.trap = 256;                                       \
                asm volatile("movl $1f, resume\n\t" instruction "\n\t" \
                             "1: movl $0, resume"                      \
                             :                                         \
                             :                                         \
                             : "eax", "ecx", "edx", "memory", "cc");   \
        } while (0)
void test_tables(void);
void test_traps(void);

/* guest-clock.c */
void test_clock(void);

/* guest-pages.c */
/* In use from set_up_pages() on. */
extern uint32_t directory[1024], window_table[1024];
void set_up_pages(void);
void test_pages(void);

/* guest-user.c */
void run_user(enum user_work work);
void test_user(void);

/* guest-kill.c: does what the word names, and does not return if the host does
 * as it should.  False: no such word. */
bool commit_crime(const char *line, bool initialized);

#endif
