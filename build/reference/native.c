/* SPDX-License-Identifier: MIT */
/*
 * The PC's hardware: interrupt controllers and interval timer, UART and text
 * screen, the reset line.
 */
#include "kernel.h"
#include "native.h"

#define PIC_SLAVE 0xa0
#define PIC_DATA  1 /* port behind the command port */
#define PIT_DATA  0x40
#define PIT_MODE  0x43
#define PIT_HZ    1193182

#define UART              0x3f8
#define UART_DIVISOR_HIGH 1
#define UART_INTERRUPTS   1
#define UART_LINE         3
#define UART_STATUS       5
#define UART_LINE_8N1     0x03
#define UART_LINE_DIVISOR 0x80
#define UART_STATUS_EMPTY 0x20

#define SCREEN         0xb8000
#define SCREEN_COLUMNS 80
#define SCREEN_ROWS    25
#define SCREEN_GREY    0x0700

#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe

const char *native_probe(void)
{
        return NULL;
}

const char *native_init(void)
{
        constants[CONSTANT_kernel_cs] = KERNEL_CS;
        constants[CONSTANT_user_cs] = USER_CS;
        constants[CONSTANT_user_ss] = USER_SS;
        return NULL;
}

/* The kernel's ring may be another one than 0. */
void native_load_segments(void)
{
        unsigned long cs;
        __asm__ volatile("mov %%cs, %0" : "=r"(cs));
        cs = KERNEL_CS | (cs & 3);
#if BITS == 64
        __asm__ volatile("push %0\n\tpush $1f\n\tlretq\n1:"
                         :
                         : "r"(cs)
                         : "memory");
#else
        __asm__ volatile("push %0\n\tpush $1f\n\tlret\n1:"
                         :
                         : "r"(cs)
                         : "memory");
#endif
        __asm__ volatile("mov %0, %%ss" : : "r"(KERNEL_SS | (cs & 3)));
        __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(USER_SS));
}

void native_load_gdt(const struct table_pointer *table)
{
        __asm__ volatile("lgdt (%0)" : : "r"(table), "m"(*table));
        native_load_segments();
}

void native_set_kernel_stack(unsigned long top)
{
        tss.sp0 = top;
#if BITS == 32
        tss.ss0 = KERNEL_SS;
#endif
}

/* The two controllers' first interrupt is `vector`; only the timer's comes. */
static void pic_init(uint8_t vector)
{
        static const uint8_t cascade[] = { 4, 2 };
        for (unsigned i = 0; i < 2; i++) {
                uint16_t port = i ? PIC_SLAVE : PIC_MASTER;
                out8(port, 0x11); /* initialise, four words */
                native_io_delay();
                out8(port + PIC_DATA, (uint8_t)(vector + i * 8));
                native_io_delay();
                out8(port + PIC_DATA, cascade[i]);
                native_io_delay();
                out8(port + PIC_DATA, 1); /* 8086 */
                native_io_delay();
                out8(port + PIC_DATA, i ? 0xff : 0xfe);
        }
}

void native_timer_start(unsigned long hz)
{
        unsigned long count = PIT_HZ / hz;
        pic_init(VECTOR_TIMER);
        out8(PIT_MODE, 0x34); /* channel 0, low and high byte, rate */
        out8(PIT_DATA, (uint8_t)count);
        native_io_delay();
        out8(PIT_DATA, (uint8_t)(count >> 8));
}

static void uart_put(char c)
{
        /* 115200 baud: 87 us a byte, about 1 us a port read. */
        for (int i = 0; i < 10000; i++)
                if (in8(UART + UART_STATUS) & UART_STATUS_EMPTY)
                        break;
        out8(UART, (uint8_t)c);
}

static void uart_init(void)
{
        out8(UART + UART_INTERRUPTS, 0);
        out8(UART + UART_LINE, UART_LINE_DIVISOR | UART_LINE_8N1);
        out8(UART, 1); /* 115200 */
        out8(UART + UART_DIVISOR_HIGH, 0);
        out8(UART + UART_LINE, UART_LINE_8N1);
}

static void screen_put(char c)
{
        static unsigned column, row;
        volatile uint16_t *screen = to_virtual(SCREEN);
        if (c != '\n')
                screen[row * SCREEN_COLUMNS + column++] =
                        SCREEN_GREY | (uint8_t)c;
        if (c != '\n' && column < SCREEN_COLUMNS)
                return;
        column = 0;
        if (++row < SCREEN_ROWS)
                return;
        row--;
        for (unsigned i = 0; i < SCREEN_ROWS * SCREEN_COLUMNS; i++)
                screen[i] = i < row * SCREEN_COLUMNS
                                    ? screen[i + SCREEN_COLUMNS]
                                    : SCREEN_GREY | ' ';
}

void native_console_put(const char *text, unsigned long size)
{
        static bool ready;
        if (!ready)
                uart_init();
        ready = true;
        for (; size; size--, text++) {
                if (*text == '\n')
                        uart_put('\r');
                uart_put(*text);
                screen_put(*text);
        }
}

/* The keyboard controller pulls the reset line; where there is none, an
 * exception without descriptor tables does it. */
void native_shutdown(void)
{
        static const struct table_pointer none;
        out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
        for (int i = 0; i < 1000; i++)
                native_io_delay();
        native_load_idt(&none);
        __asm__ volatile("int3");
}
