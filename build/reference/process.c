/* SPDX-License-Identifier: MIT */
/*
 * The process, one at a time: an address space of its own, the program of user.S in its
 * first page, memory that appears when it is touched, system calls by
 * `int $0x80` (number in ax; bx, cx; result in ax).
 */
#include "kernel.h"

#define ERROR_PRESENT 0x1 /* of a page fault: the page was there */

struct process_result process;

void process_run(void *start)
{
        unsigned long entry = (unsigned long)((const char *)start - user_start);
        unsigned long table = memory_new_table();
        unsigned long code = memory_frames(1);
        __builtin_memcpy(to_virtual(code), user_start,
                         (size_t)(user_end - user_start));
        irq_disable();
        current->table = table;
        write_cr3(table);
        memory_map(table, USER_CODE, code);
        enter_user(USER_CODE + entry, constant(user_cs), FLAG_INTERRUPTS,
                   USER_HEAP_END, constant(user_ss));
}

void process_kill(const char *reason)
{
        process.killed = reason;
        process.done = true;
        thread_exit();
}

bool process_fault(unsigned long addr, unsigned long error)
{
        if (addr < USER_HEAP || addr >= USER_HEAP_END ||
            (error & ERROR_PRESENT))
                return false;
        memory_map(current->table, addr & -(unsigned long)PAGE_SIZE,
                   memory_frames(1));
        process.faults++;
        return true;
}

static unsigned long call_exit(unsigned long status, unsigned long unused)
{
        (void)unused;
        process.status = status;
        process.done = true;
        thread_exit();
        return 0;
}

/* From the program's page or its memory; reading may fault like anybody. */
static unsigned long call_write(unsigned long text, unsigned long size)
{
        char copy[64];
        if (text < USER_CODE || text >= USER_HEAP_END || size >= sizeof copy)
                return -1ul;
        __builtin_memcpy(copy, (const void *)text, size);
        copy[size] = 0;
        if (!boot_word("quiet"))
                print("%s", copy);
        return size;
}

static unsigned long call_number(unsigned long a, unsigned long b)
{
        (void)a;
        (void)b;
        return process.calls;
}

static unsigned long call_ticks(unsigned long a, unsigned long b)
{
        (void)a;
        (void)b;
        return ticks;
}

static unsigned long (*const calls[SYSCALL_COUNT])(unsigned long,
                                                   unsigned long) = {
        [SYSCALL_EXIT] = call_exit,
        [SYSCALL_WRITE] = call_write,
        [SYSCALL_NUMBER] = call_number,
        [SYSCALL_TICKS] = call_ticks,
};

void process_syscall(struct frame *frame)
{
        process.calls++;
        if (frame->ax < SYSCALL_COUNT)
                frame->ax = calls[frame->ax](frame->bx, frame->cx);
        else
                frame->ax = -1;
}
