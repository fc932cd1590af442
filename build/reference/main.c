/* SPDX-License-Identifier: MIT */
/*
 * Start and self-test.  boot_start() is the list of what happens; each part
 * of the test prints one line, the result is the last line.
 */
#include "kernel.h"
#include "measure.h"
#include "user.h"

#define HZ          100
#define YIELDS      1000
#define STILL_TURNS 20
#define LOCK_ROUNDS 1000000
#define SPIN_TICKS  5
#define CR4_OSFXSR  0x200ul

void boot_start(unsigned entry, unsigned long info);

uint32_t constants[CONSTANT_COUNT];

#ifdef BACKEND_pvops
#define NAME    backend->name
#define SUMMARY patch_summary
#else
#define NAME    backend_name
#define SUMMARY ""
#endif

/* `quiet` leaves the last line. */
#define say(...)                            \
        do {                                \
                if (!boot_word("quiet"))    \
                        print(__VA_ARGS__); \
        } while (0)

/* A function of its own, so that it can be looked at and counted. */
#define PART static __attribute__((noinline))

/* Sleeps until the timer has come that many times. */
static void wait_ticks(unsigned long count)
{
        unsigned long until = ticks + count;
        for (;;) {
                irq_disable();
                if (ticks >= until)
                        break;
                halt(); /* interrupts on, and none is missed */
        }
        irq_enable();
}

PART void test_timer(void)
{
        wait_ticks(5);
        say("reference: timer: %lu ticks\n", ticks);
}

/* The operations that nothing else of the test needs. */
PART void test_registers(void)
{
        unsigned long cr4 = read_cr4();
        write_cr4(cr4 | CR4_OSFXSR);
        if (read_cr4() != (cr4 | CR4_OSFXSR) && read_cr4() != cr4)
                panic("CR4 is %lx", read_cr4());
        io_delay();
        if (read_msr(MSR_SYSENTER_CS))
                panic("sysenter leads into the kernel");
        say("reference: registers: CR3 %lx, CR4 %lx\n", read_cr3(), read_cr4());
}

static volatile unsigned long yields[2], spins[2];

static void yield_thread(void *argument)
{
        volatile unsigned long *own = argument;
        volatile unsigned long *other = own == yields ? yields + 1 : yields;
        unsigned long seen = *other, still = 0;
        for (unsigned i = 0; i < YIELDS; i++) {
                ++*own;
                thread_yield();
                /* The other one has had its turn, unless the timer took it. */
                still = *other == seen && seen < YIELDS ? still + 1 : 0;
                seen = *other;
                if (still > STILL_TURNS)
                        panic("a thread does not run");
        }
}

/* Never yields: the timer must take the processor away. */
static void spin_thread(void *argument)
{
        volatile unsigned long *own = argument;
        volatile unsigned long *other = own == spins ? spins + 1 : spins;
        unsigned long until = ticks + SPIN_TICKS;
        while (ticks < until || !*other)
                ++*own;
}

PART void test_threads(void)
{
        struct thread *t[2];
        unsigned long before = switches, by_yield;
        for (unsigned i = 0; i < 2; i++)
                t[i] = thread_start(yield_thread, (void *)&yields[i]);
        for (unsigned i = 0; i < 2; i++)
                thread_wait(t[i]);
        by_yield = switches - before;
        if (yields[0] != YIELDS || yields[1] != YIELDS)
                panic("threads yielded %lu and %lu times", yields[0],
                      yields[1]);

        unsigned long start = ticks;
        for (unsigned i = 0; i < 2; i++)
                t[i] = thread_start(spin_thread, (void *)&spins[i]);
        while (ticks < start + SPIN_TICKS)
                thread_yield();
        for (unsigned i = 0; i < 2; i++)
                thread_wait(t[i]);
        say("reference: threads: %lu switches by yield, %lu with two that never yield\n",
            by_yield, switches - before - by_yield);
}

PART void test_process(void)
{
        thread_wait(thread_start(process_run, (void *)user_start));
        if (process.killed)
                panic("the process was killed: %s", process.killed);
        if (process.status)
                panic("the process failed in part %lu", process.status);
        if (process.calls < USER_CALLS || process.faults < USER_PAGES)
                panic("%lu system calls, %lu page faults", process.calls,
                      process.faults);
        say("reference: process: %lu system calls, %lu page faults serviced\n",
            process.calls, process.faults);

        process = (struct process_result){ .done = false };
        thread_wait(thread_start(process_run, (void *)user_trespass));
        if (!process.killed)
                panic("a process has read the kernel");
        say("reference: trespasser: killed, %s\n", process.killed);
}

PART void test_lock(void)
{
        static struct spin_lock lock;
        static volatile unsigned long count;
        for (unsigned i = 0; i < LOCK_ROUNDS; i++) {
                unsigned long flags = spin_lock(&lock);
                count++;
                spin_unlock(&lock, flags);
        }
        if (count != LOCK_ROUNDS || lock.taken)
                panic("the lock was taken %lu times", count);
        if (!(save_flags() & FLAG_INTERRUPTS))
                panic("the lock left interrupts off");
        say("reference: lock: %lu times\n", count);
}

/* A word of the command line up to the next blank. */
static const char *word_value(const char *word)
{
        static char value[32];
        const char *from = boot_word(word);
        unsigned i = 0;
        if (!from || !*from)
                return "-";
        for (; from[i] && from[i] != ' ' && i < sizeof value - 1; i++)
                value[i] = from[i];
        value[i] = 0;
        return i ? value : "-";
}

static void choose_backend(void)
{
#ifdef BACKEND_pvops
        patch_choose();
#else
        const char *missing = backend_start();
        if (missing)
                panic("this kernel is for %s: %s", NAME, missing);
#endif
        constants[CONSTANT_memory_end] = (uint32_t)boot.memory_end;
#ifdef BACKEND_pvops
        patch_apply();
#endif
}

void boot_start(unsigned entry, unsigned long info)
{
        boot_read(entry, info);
        choose_backend();
        if (!boot.memory_end)
                panic("no memory around the kernel by protocol %s",
                      boot.entered_by);
        say("reference: %s, %lu bits, entered by %s, memory to %lx, command line: %s\n",
            NAME, (unsigned long)BITS, boot.entered_by,
            (unsigned long)boot.memory_end, boot.command_line);
        memory_init();
        interrupt_init();
        thread_init();
        timer_start(HZ);
        irq_enable();

        test_timer();
        test_registers();
        test_threads();
        test_process();
        test_lock();
        if (boot_word("measure"))
                measure();

        irq_disable();
        print("reference: %s %lu variant %s, entered by %s%s (%s): self-test passed\n",
              NAME, (unsigned long)BITS, word_value("ingot.variant"),
              boot.entered_by, SUMMARY, boot.command_line);
        shutdown();
        for (;;)
                ;
}
