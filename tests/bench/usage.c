/* SPDX-License-Identifier: MIT */
/*
 * Runs a command and tells what it took, as one line in FILE:
 *
 *      usage FILE COMMAND [ARGUMENT]...
 *
 *      wall 12.34 cpu 20.01 memory 123456
 *
 * Seconds, seconds of user and system time, and the largest resident set of
 * one of its processes in kB.
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
        return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
        struct timespec began, ended;
        struct rusage usage;
        int status;
        pid_t pid;
        FILE *f;

        if (argc < 3)
                errx(2, "usage: usage FILE COMMAND [ARGUMENT]...");
        clock_gettime(CLOCK_MONOTONIC, &began);
        pid = fork();
        if (pid == 0) {
                execvp(argv[2], argv + 2);
                err(127, "%s", argv[2]);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 ||
            getrusage(RUSAGE_CHILDREN, &usage))
                err(1, "%s", argv[2]);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        f = fopen(argv[1], "w");
        if (!f)
                err(1, "%s", argv[1]);
        fprintf(f, "wall %.2f cpu %.2f memory %ld\n",
                (double)(ended.tv_sec - began.tv_sec) +
                        (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
                seconds(usage.ru_utime) + seconds(usage.ru_stime),
                usage.ru_maxrss);
        if (fclose(f))
                err(1, "%s", argv[1]);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
