/* SPDX-License-Identifier: MIT */
/*
 * What a kernel compiled for one backend has under a name that is the same in
 * all of them, so that their callers are: what boot wants of a backend, and its
 * devices.
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
