/* SPDX-License-Identifier: MIT */
/*
 * A kernel that does nothing, for tests of packer and reader: functions that
 * call each other, tables of pointers, strings, zero pages.  BACKEND is its
 * name; most of it is the same for all names, some of it differs a little
 * (BACKEND_SIZE shifts a structure's members), some of it altogether.
 */
#include <stdint.h>

struct state {
        uint8_t before[BACKEND_SIZE * 8]; /* so that offsets differ */
        uint64_t ticks;
        const char *name;
        uint8_t page[3 * 4096]; /* zeros */
};

static struct state state = { .name = BACKEND };
const char banner[] = "tiny kernel for " BACKEND;
const char license[] = "The same words in every variant, to be kept once.";

/* Calls through many functions: fields to be relocated. */
#define FUNCTION(n, next)                                               \
        __attribute__((noinline)) uint64_t function_##n(uint64_t a)     \
        {                                                               \
                return a * n + next(a ^ 0x##n##5a5a) + license[a % 16]; \
        }

__attribute__((noinline)) uint64_t tick(uint64_t by)
{
        return state.ticks += by;
}

FUNCTION(1, tick)
FUNCTION(2, function_1)
FUNCTION(3, function_2)
FUNCTION(4, function_3)
FUNCTION(5, function_4)
FUNCTION(6, function_5)
FUNCTION(7, function_6)
FUNCTION(8, function_7)

#ifdef EXTRA
FUNCTION(9, function_8)
#endif

uint64_t (*const functions[])(uint64_t) = {
        tick,       function_1, function_2, function_3, function_4,
        function_5, function_6, function_7, function_8,
#ifdef EXTRA
        function_9,
#endif
};

_Noreturn void _start(void)
{
        for (uint64_t i = 0;; i++)
                state.ticks +=
                        functions[i % (sizeof(functions) / sizeof(*functions))](
                                (uint64_t)state.name[0]);
}
