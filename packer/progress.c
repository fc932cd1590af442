/* SPDX-License-Identifier: MIT */
/*
 * The progress line.
 */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 100000000u /* ten lines a second can be read */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *last_step; /* step on the line; NULL: no line is shown */
static uint64_t last_ns;

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void progress_show(const char *step, uint64_t done, uint64_t total)
{
        uint64_t now;

        if (!isatty(STDERR_FILENO))
                return;
        pthread_mutex_lock(&lock);
        now = now_ns();
        if (step != last_step || now - last_ns >= INTERVAL_NS) {
                fprintf(stderr, "\r\033[K%s", step);
                if (total)
                        fprintf(stderr, "  %" PRIu64 " %%",
                                done >= total ? 100 : done * 100 / total);
                fflush(stderr);
                last_step = step;
                last_ns = now;
        }
        pthread_mutex_unlock(&lock);
}

void progress_clear(void)
{
        pthread_mutex_lock(&lock);
        if (last_step) {
                fputs("\r\033[K", stderr);
                fflush(stderr);
                last_step = NULL;
        }
        pthread_mutex_unlock(&lock);
}
