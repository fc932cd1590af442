/* SPDX-License-Identifier: MIT */
/*
 * What a kernel compiled for one backend has under names that are the same in
 * all of them: the operations that are needed now and then, and what boot
 * wants of a backend.
 */
#include "kernel.h"

const char backend_name[] = STRING(BACKEND);

BACKEND_DECLARE(BACKEND)

const char *backend_probe(void)
{
        return BACKEND_(probe)();
}

const char *backend_init(void)
{
        return BACKEND_(init)();
}

#define OP(kind, type, name, parameters, arguments) \
        type backend_##name parameters              \
        {                                           \
                return BACKEND_(name) arguments;    \
        }
SELDOM_OPERATIONS(OP)
