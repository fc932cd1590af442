/* SPDX-License-Identifier: MIT */
/* Lines of text: put together here and given to the console whole, since a
 * hypervisor charges for each call, not for each character. */
#include <stdarg.h>

#include "kernel.h"

static struct spin_lock lock;
static char line[256];
static unsigned used;

static void put(const char *text, unsigned size)
{
        while (size--) {
                line[used++] = *text;
                if (used == sizeof line || *text == '\n') {
                        console_put(line, used);
                        used = 0;
                }
                text++;
        }
}

static void put_number(unsigned long value, unsigned base)
{
        char digits[20]; /* of 2^64 - 1, decimal */
        char *p = digits + sizeof digits;
        do {
                *--p = "0123456789abcdef"[value % base];
                value /= base;
        } while (value);
        put(p, (unsigned)(digits + sizeof digits - p));
}

static void print_list(const char *format, va_list arguments)
{
        for (; *format; format++) {
                if (*format != '%') {
                        put(format, 1);
                        continue;
                }
                if (*++format == 'l')
                        format++;
                if (*format == 's') {
                        const char *text = va_arg(arguments, const char *);
                        put(text, (unsigned)__builtin_strlen(text));
                } else {
                        put_number(va_arg(arguments, unsigned long),
                                   *format == 'x' ? 16 : 10);
                }
        }
}

void print(const char *format, ...)
{
        va_list arguments;
        unsigned long flags = spin_lock(&lock);
        va_start(arguments, format);
        print_list(format, arguments);
        va_end(arguments);
        spin_unlock(&lock, flags);
}

void panic(const char *format, ...)
{
        va_list arguments;
        irq_disable();
        put("\nreference: self-test failed: ", 30);
        va_start(arguments, format);
        print_list(format, arguments);
        va_end(arguments);
        put("\n", 1);
        shutdown();
        for (;;)
                ;
}

/* The compiler may call these. */
void *memset(void *to, int value, size_t size)
{
        char *p = to;
        while (size--)
                *p++ = (char)value;
        return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
        char *p = to;
        const char *q = from;
        while (size--)
                *p++ = *q++;
        return to;
}

size_t strlen(const char *text)
{
        size_t size = 0;
        while (text[size])
                size++;
        return size;
}

int memcmp(const void *a, const void *b, size_t size)
{
        const unsigned char *p = a, *q = b;
        for (; size; size--, p++, q++)
                if (*p != *q)
                        return *p - *q;
        return 0;
}
