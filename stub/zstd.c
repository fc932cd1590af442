/* SPDX-License-Identifier: MIT */
/*
 * zstd's decoder as the kernel's own boot code has it, from Debian's
 * linux-source.  Debian's libzstd.a holds each function in several versions, for
 * speed and for old formats: with it the stub has 239,248 bytes, not 60,544.
 *
 * What the source expects of kernel headers and user space's lack is here;
 * where those lack a header, an empty file stands in (stub.mk).
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One version of each function, the smallest: options of zstd's. */
#define DYNAMIC_BMI2 0
#define HUF_FORCE_DECOMPRESS_X1
#define ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT
#define ZSTD_STRIP_ERROR_STRINGS

#define fallthrough __attribute__((fallthrough))
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)

#define __LITTLE_ENDIAN 1234
#define swab32 __builtin_bswap32
#define swab64 __builtin_bswap64

#define UNALIGNED(type, p)                                        \
        (((struct { type value; } __attribute__((packed,          \
                                                 may_alias)) *)(p)) \
                 ->value)
#define get_unaligned(p)         UNALIGNED(__typeof__(*(p)), p)
#define put_unaligned(v, p)      (UNALIGNED(__typeof__(*(p)), p) = (v))
#define get_unaligned_le16(p)    UNALIGNED(uint16_t, p)
#define get_unaligned_le32(p)    UNALIGNED(uint32_t, p)
#define get_unaligned_le64(p)    UNALIGNED(uint64_t, p)
#define get_unaligned_be32(p)    swab32(UNALIGNED(uint32_t, p))
#define get_unaligned_be64(p)    swab64(UNALIGNED(uint64_t, p))
#define put_unaligned_le16(v, p) (UNALIGNED(uint16_t, p) = (v))
#define put_unaligned_le32(v, p) (UNALIGNED(uint32_t, p) = (v))
#define put_unaligned_le64(v, p) (UNALIGNED(uint64_t, p) = (v))
#define put_unaligned_be32(v, p) (UNALIGNED(uint32_t, p) = swab32(v))
#define put_unaligned_be64(v, p) (UNALIGNED(uint64_t, p) = swab64(v))

#include "xxhash.c"
#include "zstd/decompress_sources.h"
