/* SPDX-License-Identifier: MIT */
/*
 * One line on standard error that says how far long work has come; nothing if
 * standard error is no terminal.
 */
#ifndef PACKER_PROGRESS_H
#define PACKER_PROGRESS_H

#include <stdint.h>

/* Shows "STEP  done of total", at most ten times a second.  total 0: only the
 * step's name.  May be called from any thread. */
void progress_show(const char *step, uint64_t done, uint64_t total);

/* Takes the line away, before anything else is printed. */
void progress_clear(void);

#endif
