/* SPDX-License-Identifier: MIT */
/* What the parts of the kernel know of each other. */
#ifndef REFERENCE_KERNEL_H
#define REFERENCE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "operations.h"

#define FLAG_INTERRUPTS 0x200ul /* IF of the flags register */
#define MSR_SYSENTER_CS 0x174

/* ---- boot.c: what the loader told, whichever protocol it speaks -------- */
struct boot {
        unsigned entry;          /* ENTRY_… */
        const char *entered_by;  /* the same as a word */
        const void *start_info;  /* of Xen PV, else NULL */
        const void *boot_params; /* of the Linux protocol, else NULL */
        uint64_t memory_start;   /* physical memory for frames */
        uint64_t memory_end;     /* 0: the loader named none */
        char command_line[256];  /* cut if longer */
};
extern struct boot boot;
void boot_read(unsigned entry, unsigned long info);
/* One piece of usable memory: the one around the kernel is taken. */
void boot_memory(uint64_t start, uint64_t size);
/* The value of WORD=VALUE on the command line, or "" for WORD alone; NULL if
 * it is not there.  The value ends at a blank. */
const char *boot_word(const char *word);

/* ---- backends ----------------------------------------------------------- */
struct backend {
        const char *name;
        /* NULL if this is the machine, else what is missing; no output. */
        const char *(*probe)(void);
        /* Before any operation is called; NULL or what went wrong. */
        const char *(*init)(void);
};
#define BACKEND_DECLARE(name)                       \
        SMALL const char *JOIN(name, _probe)(void); \
        SMALL const char *JOIN(name, _init)(void);
/* Of a kernel that has one backend (own.c). */
extern const char backend_name[];
const char *backend_start(void);

/* ---- memory.c ------------------------------------------------------------ */
#define ENTRY_PRESENT 0x1ul
#define ENTRY_WRITE   0x2ul
#define ENTRY_USER    0x4ul

extern unsigned long kernel_table[]; /* the top page table of head.S */

INLINE void *to_virtual(unsigned long addr)
{
        return (void *)(addr + VIRT_BASE);
}
INLINE unsigned long to_physical(const volatile void *p)
{
        return (unsigned long)p - VIRT_BASE;
}

void memory_init(void);
/* Zeroed and contiguous; never given back. */
unsigned long memory_frames(unsigned count);
unsigned long memory_frames_used(void);
/* A top table whose kernel half is the kernel's. */
unsigned long memory_new_table(void);
void memory_map(unsigned long table, unsigned long addr, unsigned long frame);

/* ---- interrupt.c ---------------------------------------------------------- */
/* As entry.S pushes it. */
struct frame {
#if BITS == 64
        uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
        uint64_t di, si, bp, bx, dx, cx, ax;
#else
        uint32_t es, ds;
        uint32_t di, si, bp, unused, bx, dx, cx, ax;
#endif
        unsigned long vector, error;
        unsigned long ip, cs, flags;
        unsigned long sp, ss; /* 32 bits: only if user mode was interrupted */
};
extern struct table_pointer gdt_pointer;
extern volatile unsigned long ticks;
void interrupt_init(void);
void interrupt(struct frame *frame);
/* The address that the gate of a vector leads to. */
extern const char interrupt_stubs[];
#define INTERRUPT_STUB_SIZE 16

struct tss {
#if BITS == 64
        uint32_t reserved;
        uint64_t sp0, sp1, sp2, reserved1, ist[7], reserved2;
        uint16_t reserved3, io_map;
#else
        uint32_t link, sp0, ss0, sp1, ss1, sp2, ss2, cr3, ip, flags;
        uint32_t ax, cx, dx, bx, sp, bp, si, di;
        uint32_t es, cs, ss, ds, fs, gs, ldt;
        uint16_t trap, io_map;
#endif
} __attribute__((packed));
extern struct tss tss;

/* ---- thread.c ------------------------------------------------------------- */
struct thread {
        unsigned long sp;        /* saved while another one runs */
        unsigned long stack_top; /* of its kernel stack */
        unsigned long table;     /* top page table, physical */
        void (*function)(void *);
        void *argument;
        enum {
                THREAD_FREE,
                THREAD_READY,
                THREAD_DONE
        } state;
};
extern struct thread *current;
extern unsigned long switches;
void thread_init(void);
struct thread *thread_start(void (*function)(void *), void *argument);
void thread_yield(void);
void thread_wait(struct thread *thread);
void thread_exit(void);
/* Interrupts are off. */
void schedule(void);
void switch_stacks(unsigned long *ret_sp, unsigned long sp);
void thread_entry(void);

struct spin_lock {
        uint32_t taken;
};
INLINE unsigned long spin_lock(struct spin_lock *lock)
{
        unsigned long flags = save_flags();
        irq_disable();
        while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
                __builtin_ia32_pause();
        return flags;
}
INLINE void spin_unlock(struct spin_lock *lock, unsigned long flags)
{
        __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
        restore_flags(flags);
}

/* ---- process.c ------------------------------------------------------------ */
struct process_result {
        bool done;
        const char *killed; /* NULL or the reason */
        unsigned long status, calls, faults;
};
extern struct process_result process;
void process_run(void *start); /* a label of user.S */
extern const char user_start[], user_end[], user_trespass[];
void process_syscall(struct frame *frame);
/* False: the address is none that the process may touch. */
bool process_fault(unsigned long addr, unsigned long error);
void process_kill(const char *reason);
void enter_user(unsigned long ip, unsigned long cs, unsigned long flags,
                unsigned long sp, unsigned long ss) __attribute__((noreturn));

/* ---- print.c --------------------------------------------------------------- */
/* %s string, %u unsigned long, %x the same in hex. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *format, ...)
        __attribute__((format(printf, 1, 2), noreturn));

size_t strlen(const char *text);

/* ---- patch.c, in the pv_ops kernel only ------------------------------------- */
void patch_choose(void);
void patch_apply(void);
extern const char *patch_summary;
extern const struct backend *backend;

#endif
