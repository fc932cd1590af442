/* SPDX-License-Identifier: MIT */
/* How much the program of user.S does; main.c checks it. */
#define USER_CALLS 1000
#define USER_PAGES 32
#define USER_TICKS 3
