/* SPDX-License-Identifier: MIT */
/* A processor exception in the stub ends in a message, not in a reset. */
#ifndef STUB_EXCEPTION_H
#define STUB_EXCEPTION_H

/* Loads an interrupt descriptor table; needs ring 0. */
void exception_init(void);

#endif
