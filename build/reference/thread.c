/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads, taken in turn: by thread_yield(), and by the timer, which
 * calls schedule() from its interrupt.  Each has a stack of two frames; the
 * first thread is the one that boots, on the boot stack.
 */
#include "kernel.h"

#define THREAD_COUNT 16

static struct thread threads[THREAD_COUNT];
struct thread *current = threads;
unsigned long switches;

extern char boot_stack_top[];
void thread_begin(void);

void thread_init(void)
{
        current->stack_top = (unsigned long)boot_stack_top;
        current->table = read_cr3();
        current->state = THREAD_READY;
        set_kernel_stack(current->stack_top);
}

struct thread *thread_start(void (*function)(void *), void *argument)
{
        struct thread *thread = threads;
        while (thread->state != THREAD_FREE)
                if (++thread == threads + THREAD_COUNT)
                        panic("too many threads");
        thread->function = function;
        thread->argument = argument;
        thread->table = threads[0].table;
        if (!thread->stack_top)
                thread->stack_top = (unsigned long)to_virtual(memory_frames(
                                            STACK_SIZE / PAGE_SIZE)) +
                                    STACK_SIZE;
        /* What switch_stacks() pops: callee-saved registers, an address. */
        unsigned long *sp = (unsigned long *)thread->stack_top;
        *--sp = 0; /* keeps the stack aligned as behind a call */
        *--sp = (unsigned long)thread_entry;
        sp -= BITS == 64 ? 6 : 4;
        thread->sp = (unsigned long)sp;
        thread->state = THREAD_READY;
        return thread;
}

void schedule(void)
{
        struct thread *previous = current, *next = current;
        do {
                if (++next == threads + THREAD_COUNT)
                        next = threads;
        } while (next->state != THREAD_READY && next != previous);
        if (next == previous)
                return;
        current = next;
        switches++;
        set_kernel_stack(next->stack_top);
        if (next->table != previous->table)
                write_cr3(next->table);
        switch_stacks(&previous->sp, next->sp);
}

void thread_begin(void)
{
        irq_enable();
        current->function(current->argument);
        thread_exit();
}

void thread_yield(void)
{
        unsigned long flags = save_flags();
        irq_disable();
        schedule();
        restore_flags(flags);
}

void thread_exit(void)
{
        irq_disable();
        current->state = THREAD_DONE;
        schedule();
        panic("a finished thread runs");
}

/* Waits, and makes the place free. */
void thread_wait(struct thread *thread)
{
        while (thread->state != THREAD_DONE)
                thread_yield();
        thread->state = THREAD_FREE;
}
