/* SPDX-License-Identifier: MIT */
/* The timer as events, the console and the end, for PV and PVH alike. */
#include "kernel.h"
#include "xen-common.h"

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define NANOSECONDS 1000000000ul
#define WORDS \
        (sizeof xen_shared.evtchn_pending / sizeof xen_shared.evtchn_pending[0])

/* Xen's periodic timer stands still while a processor is blocked, so each tick
 * asks for the next; one that is late comes at once. */
static uint64_t period, next_tick; /* nanoseconds */

static void set_next_tick(void)
{
        struct vcpu_set_singleshot_timer next = { .timeout_abs_ns = next_tick +=
                                                  period };
        XEN_CALL(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &next,
                 0);
}

void xen_events_start(unsigned long hz)
{
        struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };
        if (XEN_CALL(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &bind,
                     0, 0) ||
            XEN_CALL(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0))
                panic("Xen gives no timer");
        /* Not by writing the mask: a tick that came before would be the last,
         * since a pending event is not announced again. */
        struct evtchn_unmask unmask = { .port = bind.port };
        XEN_CALL(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask, 0, 0);
        period = NANOSECONDS / hz;
        next_tick = xen_shared.vcpu_info[0].time.system_time;
        set_next_tick();
}

/* There are no other events: all that is pending has been seen. */
void xen_timer_ack(void)
{
        xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
        unsigned long words =
                __atomic_exchange_n(&xen_shared.vcpu_info[0].evtchn_pending_sel,
                                    0, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < WORDS; i++)
                if (words >> i & 1)
                        __atomic_fetch_and(&xen_shared.evtchn_pending[i],
                                           xen_shared.evtchn_mask[i],
                                           __ATOMIC_SEQ_CST);
        set_next_tick();
}

void xen_call_console_put(const char *text, unsigned long size)
{
        XEN_CALL(__HYPERVISOR_console_io, CONSOLEIO_write, size, text, 0);
}

void xen_call_shutdown(void)
{
        struct sched_shutdown off = { .reason = SHUTDOWN_poweroff };
        XEN_CALL(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &off, 0, 0);
}
