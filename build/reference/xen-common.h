/* SPDX-License-Identifier: MIT */
/* What Xen's two kinds of guest share: hypercalls, events, console. */
#ifndef REFERENCE_XEN_COMMON_H
#define REFERENCE_XEN_COMMON_H

#include <xen/xen.h>

/* Entries of the page that Xen fills, 32 bytes each.  Arguments are lost. */
#if BITS == 64
#define XEN_CALL(number, a, b, c, d)                                           \
        ({                                                                     \
                unsigned long result_, a_ = (unsigned long)(a),                \
                                       b_ = (unsigned long)(b),                \
                                       c_ = (unsigned long)(c);                \
                register unsigned long d_ __asm__("r10") = (unsigned long)(d); \
                __asm__ volatile("call hypercall_page + %c[offset]"            \
                                 : "=a"(result_), "+D"(a_), "+S"(b_),          \
                                   "+d"(c_), "+r"(d_)                          \
                                 : [offset] "i"((number)*32)                   \
                                 : "rcx", "r8", "r9", "r11", "memory", "cc");  \
                result_;                                                       \
        })
#else
#define XEN_CALL(number, a, b, c, d)                                      \
        ({                                                                \
                unsigned long result_,                                    \
                        a_ = (unsigned long)(a), b_ = (unsigned long)(b), \
                        c_ = (unsigned long)(c), d_ = (unsigned long)(d); \
                __asm__ volatile("call hypercall_page + %c[offset]"       \
                                 : "=a"(result_), "+b"(a_), "+c"(b_),     \
                                   "+d"(c_), "+S"(d_)                     \
                                 : [offset] "i"((number)*32)              \
                                 : "memory", "cc");                       \
                result_;                                                  \
        })
#endif

extern char hypercall_page[];
/* A page to itself, which Xen's takes the place of. */
extern struct shared_info xen_shared;

/* Ticks come at VECTOR_TIMER once this has been called. */
SMALL void xen_events_start(unsigned long hz);
void xen_timer_ack(void);
void xen_call_console_put(const char *text, unsigned long size);
SMALL void xen_call_shutdown(void);

#endif
