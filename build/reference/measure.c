/* SPDX-License-Identifier: MIT */
/*
 * What operations and short workloads take, by the time-stamp counter, if the
 * command line has the word `measure`.  Where the counter counts instructions
 * (QEMU's -icount shift=0) two runs give the same numbers, and the kernels can
 * be compared: unpatched, patched, own backend.
 *
 * Each row is a loop of ROUNDS; the empty loop's time is taken off, and the
 * shortest of TRIES counts, because the timer keeps interrupting.
 */
#include "kernel.h"
#include "measure.h"

#define ROUNDS 1000
#define TRIES  5

static uint64_t cycles(void)
{
        uint32_t low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
        return low | (uint64_t)high << 32;
}

static volatile unsigned long sink;
static struct spin_lock lock;
static unsigned long page, page_entry;

/* The way in and out, from kernel mode. */
static inline void system_call(unsigned long number)
{
        __asm__ volatile("int %1"
                         : "+a"(number)
                         : "i"(VECTOR_SYSCALL)
                         : "memory");
}

/* Functions of their own, so that each can be looked at. */
#define LOOP(name, ...)                                                     \
        static __attribute__((noinline, no_reorder)) void loop_##name(void) \
        {                                                                   \
                for (unsigned i = 0; i < ROUNDS; i++) {                     \
                        __VA_ARGS__;                                        \
                        __asm__ volatile("" : : : "memory");                \
                }                                                           \
        }

/* clang-format off */
#define LOOPS(LOOP) \
        LOOP(save_flags, sink = save_flags()) \
        LOOP(restore_flags, restore_flags(FLAG_INTERRUPTS)) \
        LOOP(irq_disable_enable, irq_disable(); irq_enable()) \
        LOOP(read_cr2, sink = read_cr2()) \
        LOOP(read_cr3, sink = read_cr3()) \
        LOOP(write_cr3, write_cr3(current->table)) \
        LOOP(machine_entry, sink = machine_entry(page_entry)) \
        LOOP(flush_page, flush_page(USER_CODE)) \
        LOOP(set_kernel_stack, set_kernel_stack(current->stack_top)) \
        LOOP(io_delay, io_delay()) \
        LOOP(lock, spin_unlock(&lock, spin_lock(&lock))) \
        LOOP(map_page, memory_map(current->table, USER_HEAP, page)) \
        LOOP(system_call, system_call(SYSCALL_NUMBER)) \
        LOOP(yield, thread_yield())
/* clang-format on */

LOOP(empty, )
LOOPS(LOOP)

static __attribute__((noinline)) uint64_t shortest(void (*loop)(void))
{
        uint64_t best = ~0ull;
        for (unsigned i = 0; i < TRIES; i++) {
                uint64_t before = cycles();
                loop();
                uint64_t took = cycles() - before;
                if (took < best)
                        best = took;
        }
        return best;
}

/* Somebody to yield to. */
static volatile bool stop;
static void yield_back(void *unused)
{
        (void)unused;
        while (!stop)
                thread_yield();
}

void measure(void)
{
        static const struct {
                const char *name;
                void (*loop)(void);
        } rows[] = {
#define ROW(name, ...) { #name, loop_##name },
                LOOPS(ROW)
        };
        uint64_t empty = shortest(loop_empty);
        struct thread *other = thread_start(yield_back, NULL);
        page = memory_frames(1);
        page_entry = page | ENTRY_PRESENT;
        for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                uint64_t took = shortest(rows[i].loop);
                took = took > empty ? took - empty : 0;
                print("reference: measure: %s %lu for %lu rounds\n",
                      rows[i].name, (unsigned long)took, (unsigned long)ROUNDS);
        }
        stop = true;
        thread_wait(other);
}
