/* SPDX-License-Identifier: MIT */
/*
 * Threads that take the next item until none is left.  A thread that can not be
 * started is done without.
 */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define MAX_THREADS 64

struct job {
        atomic_size_t next;
        size_t count;
        void (*work)(void *context, size_t index);
        void *context;
};

static void *run(void *argument)
{
        struct job *job = argument;
        size_t index;

        while ((index = atomic_fetch_add(&job->next, 1)) < job->count)
                job->work(job->context, index);
        return NULL;
}

void parallel(unsigned threads, size_t count,
              void (*work)(void *context, size_t index), void *context)
{
        struct job job = { .count = count, .work = work, .context = context };
        pthread_t others[MAX_THREADS];
        unsigned started = 0;

        while (started < MAX_THREADS && started + 1 < threads &&
               started + 1 < count &&
               !pthread_create(&others[started], NULL, run, &job))
                started++;
        run(&job);
        while (started)
                pthread_join(others[--started], NULL);
}

unsigned processor_count(void)
{
        long count = sysconf(_SC_NPROCESSORS_ONLN);

        return count > 0 ? (unsigned)count : 1;
}
