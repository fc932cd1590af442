/* SPDX-License-Identifier: MIT */
/*
 * The same work on each of some items, on several threads.
 */
#ifndef PACKER_PARALLEL_H
#define PACKER_PARALLEL_H

#include <stddef.h>

/* Calls work(context, index) once for each index below count, on up to threads
 * threads, this one included; returns when all are done.  Which thread does
 * what is left to chance, so work's results must not depend on it. */
void parallel(unsigned threads, size_t count,
              void (*work)(void *context, size_t index), void *context);

/* Processors of this machine, at least 1. */
unsigned processor_count(void);

#endif
