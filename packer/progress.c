/* SPDX-License-Identifier: MIT */
/*
 * The progress line.  A thread of its own draws it again every second with the
 * time that the step has taken, so that long steps do not look dead.
 */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS       100000000u /* ten lines a second can be read */
#define SECOND_NS         1000000000u
#define SHOW_SECONDS_FROM 3 /* shorter steps need no clock */

/* All below is guarded by lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char line_step[64]; /* on the line; "": no line is shown */
static uint64_t line_done, line_total;
static uint64_t step_ns, drawn_ns; /* when the step began, the last line */
static bool has_thread;

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void draw(uint64_t now)
{
        uint64_t seconds = (now - step_ns) / SECOND_NS;

        fprintf(stderr, "\r\033[K%s", line_step);
        if (line_total)
                fprintf(stderr, "  %" PRIu64 " %%",
                        line_done >= line_total ? 100
                                                : line_done * 100 / line_total);
        if (seconds >= SHOW_SECONDS_FROM)
                fprintf(stderr, "  %" PRIu64 " s", seconds);
        fflush(stderr);
        drawn_ns = now;
}

static void *tick(void *unused)
{
        const struct timespec second = { .tv_sec = 1 };

        for (;;) {
                nanosleep(&second, NULL);
                pthread_mutex_lock(&lock);
                if (*line_step)
                        draw(now_ns());
                pthread_mutex_unlock(&lock);
        }
        return unused;
}

static void start_thread(void)
{
        pthread_t thread;

        has_thread = true; /* or none can be had: then without it */
        if (!pthread_create(&thread, NULL, tick, NULL))
                pthread_detach(thread);
}

void progress_show(const char *step, uint64_t done, uint64_t total)
{
        uint64_t now = now_ns();
        bool is_new;

        if (!isatty(STDERR_FILENO))
                return;
        pthread_mutex_lock(&lock);
        is_new = strcmp(line_step, step) != 0;
        if (is_new) {
                snprintf(line_step, sizeof(line_step), "%s", step);
                step_ns = now;
        }
        line_done = done;
        line_total = total;
        if (!has_thread)
                start_thread();
        if (is_new || now - drawn_ns >= INTERVAL_NS)
                draw(now);
        pthread_mutex_unlock(&lock);
}

void progress_clear(void)
{
        pthread_mutex_lock(&lock);
        if (*line_step) {
                fputs("\r\033[K", stderr);
                fflush(stderr);
                *line_step = '\0';
        }
        pthread_mutex_unlock(&lock);
}
