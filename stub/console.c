/* SPDX-License-Identifier: MIT */
/*
 * Output only, polled, each device optional: a UART at 0x3f8, set to 115200
 * 8n1 unless somebody has set it up before; the VGA text screen if the BIOS
 * says that one is shown (its data area at 0x400: mode, columns, rows, cursor);
 * Xen's console_io hypercall.
 */
#include "console.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "io.h"
#include "lguest.h"

#define UART              0x3f8
#define UART_DIVISOR_LOW  0
#define UART_DIVISOR_HIGH 1
#define UART_INTERRUPTS   1
#define UART_FIFO         2
#define UART_LINE         3
#define UART_MODEM        4
#define UART_STATUS       5
#define UART_LINE_8N1     0x03
#define UART_LINE_DIVISOR 0x80
#define UART_STATUS_EMPTY 0x20

#define BIOS_VIDEO_MODE 0x449
#define BIOS_COLUMNS    0x44a
#define BIOS_CURSOR     0x450 /* column, row of page 0 */
#define BIOS_LAST_ROW   0x484
#define VGA_COLOUR      0xb8000
#define VGA_MONO        0xb0000
#define VGA_GREY        0x0700

#define HYPERVISOR_CONSOLE_IO 18
#define CONSOLEIO_WRITE       0
#define HYPERCALL_SIZE        32 /* bytes an entry of the hypercall page */

static enum {
        NONE,
        HARDWARE,
        XEN,
        LGUEST
} console;
static bool has_uart;
static uint8_t *hypercall_page;   /* NULL: no Xen around a PVH or HVM guest */
static volatile uint16_t *screen; /* NULL: no text screen */
static unsigned columns, rows;

static void uart_init(void)
{
        if (in8(UART + UART_STATUS) == 0xff)
                return;
        has_uart = true;
        if (in8(UART + UART_LINE) == UART_LINE_8N1)
                return;
        out8(UART + UART_INTERRUPTS, 0);
        out8(UART + UART_LINE, UART_LINE_DIVISOR | UART_LINE_8N1);
        out8(UART + UART_DIVISOR_LOW, 1); /* 115200 */
        out8(UART + UART_DIVISOR_HIGH, 0);
        out8(UART + UART_LINE, UART_LINE_8N1);
        out8(UART + UART_FIFO, 0x07);  /* on, cleared */
        out8(UART + UART_MODEM, 0x03); /* DTR, RTS */
}

static void uart_put(char c)
{
        /* At 115200 baud a byte takes 87 us, a port read about 1 us. */
        for (int i = 0; i < 10000; i++)
                if (in8(UART + UART_STATUS) & UART_STATUS_EMPTY)
                        break;
        out8(UART, (uint8_t)c);
}

void console_open_screen(void)
{
        const volatile uint8_t *mode = at(BIOS_VIDEO_MODE);
        const volatile uint16_t *width = at(BIOS_COLUMNS);
        const volatile uint8_t *last = at(BIOS_LAST_ROW);
        if ((*mode != 3 && *mode != 7) || *width != 80)
                return;
        columns = *width;
        rows = *last >= 24 && *last < 60 ? *last + 1u : 25u;
        screen = at(*mode == 3 ? VGA_COLOUR : VGA_MONO);
}

static void screen_put(char c)
{
        volatile uint8_t *cursor = at(BIOS_CURSOR);
        unsigned x = cursor[0], y = cursor[1];
        if (x >= columns || y >= rows)
                x = 0, y = rows - 1;
        if (c == '\r') {
                x = 0;
        } else if (c == '\n') {
                y++;
        } else {
                screen[y * columns + x] = VGA_GREY | (uint8_t)c;
                if (++x == columns)
                        x = 0, y++;
        }
        if (y == rows) {
                y--;
                for (unsigned i = 0; i < y * columns; i++)
                        screen[i] = screen[i + columns];
                for (unsigned i = y * columns; i < rows * columns; i++)
                        screen[i] = VGA_GREY | ' ';
        }
        cursor[0] = (uint8_t)x;
        cursor[1] = (uint8_t)y;
}

#ifdef __x86_64__
static void xen_write(const char *text, size_t size)
{
        uint64_t result;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"((uint64_t)HYPERVISOR_CONSOLE_IO),
                           "D"((uint64_t)CONSOLEIO_WRITE), "S"(size), "d"(text)
                         : "rcx", "r11", "memory");
}
#endif

/* Xen's public/arch-x86/cpuid.h: EBX of the third leaf is the MSR that takes
 * the page's address. */
void console_open_xen(uint8_t *page, uint32_t leaf)
{
        uint32_t eax = leaf + 2, msr, ecx = 0, edx;
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(msr), "+c"(ecx), "=d"(edx));
        __asm__ volatile("wrmsr"
                         :
                         : "c"(msr), "a"((uint32_t)(uintptr_t)page),
                           "d"((uint32_t)((uint64_t)(uintptr_t)page >> 32))
                         : "memory");
        hypercall_page = page;
}

static void xen_page_write(const char *text, size_t size)
{
        unsigned long result, command = CONSOLEIO_WRITE, count = size;
        const char *p = text;
#ifdef __x86_64__
        __asm__ volatile(
                "call *%4"
                : "=a"(result), "+D"(command), "+S"(count), "+d"(p)
                : "r"(hypercall_page + HYPERVISOR_CONSOLE_IO * HYPERCALL_SIZE)
                : "rcx", "r8", "r9", "r10", "r11", "memory");
#else
        __asm__ volatile(
                "call *%4"
                : "=a"(result), "+b"(command), "+c"(count), "+d"(p)
                : "r"(hypercall_page + HYPERVISOR_CONSOLE_IO * HYPERCALL_SIZE)
                : "memory");
#endif
}

void console_init(bool xen)
{
        console = xen ? XEN : HARDWARE;
        if (!xen)
                uart_init();
        if (lguest_ring())
                console = lguest_console_open() ? LGUEST : NONE;
}

static void put(const char *text, size_t size)
{
#ifdef __x86_64__
        if (console == XEN) {
                xen_write(text, size);
                return;
        }
#endif
        for (; lguest_ring() && console == LGUEST && size; text++, size--)
                lguest_console_put(*text);
        if (hypercall_page)
                xen_page_write(text, size);
        for (; console == HARDWARE && size; text++, size--) {
                if (has_uart && *text == '\n')
                        uart_put('\r');
                if (has_uart)
                        uart_put(*text);
                if (screen && *text == '\n')
                        screen_put('\r');
                if (screen)
                        screen_put(*text);
        }
}

static void put_number(uint64_t value, unsigned base)
{
        char digits[20]; /* of 2^64 - 1, decimal */
        char *p = digits + sizeof digits;
        do {
                *--p = "0123456789abcdef"[value % base];
                value /= base;
        } while (value);
        put(p, (size_t)(digits + sizeof digits - p));
}

void say(const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        while (*format) {
                const char *text = format;
                while (*format && *format != '%')
                        format++;
                put(text, (size_t)(format - text));
                if (*format != '%')
                        break;
                format++;
                if (*format == 'l')
                        format++;
                switch (*format++) {
                case 's':
                        text = va_arg(arguments, const char *);
                        put(text, strlen(text));
                        break;
                case 'u':
                        put_number(va_arg(arguments, unsigned long), 10);
                        break;
                case 'x':
                        put("0x", 2);
                        put_number(va_arg(arguments, unsigned long), 16);
                        break;
                case '%':
                        put("%", 1);
                        break;
                }
        }
        va_end(arguments);
}
