/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables, and what an interrupt does: exceptions, the timer that
 * takes the processor away, system calls.  All gates turn interrupts off.
 */
#include "kernel.h"

#define GATE_INTERRUPT 0x8e00
#define GATE_USER      0x6000
#define DESCRIPTOR_TSS 0x89
#define CS_USER(cs)    (((cs)&3) == 3)

#define CODE(ring)         (0x00cf9b000000ffffull | (uint64_t)(ring) << 45)
#define CODE64(ring)       (0x00af9b000000ffffull | (uint64_t)(ring) << 45)
#define DATA(ring)         (0x00cf93000000ffffull | (uint64_t)(ring) << 45)
#define ENTRY_OF(selector) ((selector) / 8)

static uint64_t gdt[TSS_SELECTOR / 8 + 2] = {
        [ENTRY_OF(KERNEL_CS)] = BITS == 64 ? CODE64(0) : CODE(0),
        [ENTRY_OF(KERNEL_SS)] = DATA(0),
        [ENTRY_OF(USER_CS)] = BITS == 64 ? CODE64(3) : CODE(3),
        [ENTRY_OF(USER_SS)] = DATA(3),
};
struct table_pointer gdt_pointer = { sizeof gdt - 1, (unsigned long)gdt };

struct gate {
        uint16_t offset_low, selector, flags, offset_middle;
#if BITS == 64
        uint32_t offset_high, reserved;
#endif
};
static struct gate idt[256];
static const struct table_pointer idt_pointer = { sizeof idt - 1,
                                                  (unsigned long)idt };

struct tss tss = { .io_map = sizeof tss };
volatile unsigned long ticks;

static void set_gate(unsigned vector, unsigned stub, uint16_t flags)
{
        unsigned long addr =
                (unsigned long)interrupt_stubs + stub * INTERRUPT_STUB_SIZE;
        idt[vector] = (struct gate)
        {
                .offset_low = (uint16_t)addr,
                .selector = (uint16_t)constant(kernel_cs),
                .flags = GATE_INTERRUPT | flags,
                .offset_middle = (uint16_t)(addr >> 16),
#if BITS == 64
                .offset_high = (uint32_t)(addr >> 32),
#endif
        };
}

static void set_tss_descriptor(void)
{
        uint64_t base = (unsigned long)&tss;
        uint64_t *d = &gdt[ENTRY_OF(TSS_SELECTOR)];
        d[0] = (sizeof tss - 1) | (base & 0xffffff) << 16 |
               (uint64_t)DESCRIPTOR_TSS << 40 | (base >> 24 & 0xff) << 56;
        if (BITS == 64)
                d[1] = base >> 32;
}

void interrupt_init(void)
{
        for (unsigned i = 0; i < VECTOR_COUNT; i++)
                set_gate(i, i, 0);
        set_gate(VECTOR_SYSCALL, VECTOR_COUNT, GATE_USER);
        set_tss_descriptor();
        load_gdt(&gdt_pointer);
        load_idt(&idt_pointer);
        load_tr(TSS_SELECTOR);
        /* System calls come by gate; sysenter faults. */
        write_msr(MSR_SYSENTER_CS, 0);
}

static void page_fault(struct frame *frame)
{
        unsigned long addr = read_cr2();
        if (process_fault(addr, frame->error))
                return;
        if (CS_USER(frame->cs))
                process_kill("bad address");
        panic("page fault at %lx, address %lx, error %lx", frame->ip, addr,
              frame->error);
}

void interrupt(struct frame *frame)
{
        switch (frame->vector) {
        case VECTOR_PAGE_FAULT:
                page_fault(frame);
                break;
        case VECTOR_TIMER:
                ticks++;
                timer_ack();
                schedule();
                break;
        case VECTOR_SYSCALL:
                process_syscall(frame);
                break;
        default:
                if (frame->vector > VECTOR_TIMER)
                        break; /* spurious */
                if (CS_USER(frame->cs))
                        process_kill("exception");
                panic("exception %lu at %lx, error %lx", frame->vector,
                      frame->ip, frame->error);
        }
}
