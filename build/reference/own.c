/* SPDX-License-Identifier: MIT */
/*
 * What a kernel compiled for one backend has under names that are the same in
 * all of them: the operations that are needed now and then, and what boot
 * wants of a backend.
 */
#include "kernel.h"

const char backend_name[] = STRING(BACKEND);

BACKEND_DECLARE(BACKEND)

const char *backend_start(void)
{
        const char *missing = BACKEND_(probe)();
        return missing ? missing : BACKEND_(init)();
}

#define OP(kind, type, name, parameters, arguments) \
        type backend_##name parameters              \
        {                                           \
                return BACKEND_(name) arguments;    \
        }
DEVICE_OPERATIONS(OP)
