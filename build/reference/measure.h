/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_MEASURE_H
#define REFERENCE_MEASURE_H

/* Prints a line for each operation and workload. */
void measure(void);

#endif
