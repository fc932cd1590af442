/* SPDX-License-Identifier: MIT */
/*
 * Text, memory and the end of a run for the programs of tests/hosts.
 */
#include "bare.h"

#define COM1           0x3f8
#define COM_STATUS     5
#define COM_SENT       0x20  /* the holding register is empty */
#define DEBUG_EXIT     0x501 /* isa-debug-exit, iobase=0x501 */
#define RESET_CONTROL  0xcf9
#define RESET_HARD_NOW 0x06

void serial_put(char c)
{
        if (c == '\n')
                serial_put('\r');
        while (!(inb(COM1 + COM_STATUS) & COM_SENT))
                ;
        outb(COM1, (uint8_t)c);
}

_Noreturn void machine_exit(uint8_t code)
{
        outb(DEBUG_EXIT, code);
        outb(RESET_CONTROL, RESET_HARD_NOW);
        for (;;)
                asm volatile("cli; hlt");
}

static void print_number(uint32_t value, uint32_t base)
{
        char digits[10]; /* 4294967295 */
        unsigned n = 0;

        do
                digits[n++] = "0123456789abcdef"[value % base];
        while ((value /= base));
        while (n)
                console_put(digits[--n]);
}

void print_list(const char *format, va_list list)
{
        for (; *format; format++) {
                if (*format != '%') {
                        console_put(*format);
                        continue;
                }
                switch (*++format) {
                case 's':
                        for (const char *s = va_arg(list, const char *); *s;
                             s++)
                                console_put(*s);
                        break;
                case 'c':
                        console_put((char)va_arg(list, int));
                        break;
                case 'u':
                        print_number(va_arg(list, uint32_t), 10);
                        break;
                case 'x':
                        print_number(va_arg(list, uint32_t), 16);
                        break;
                default:
                        console_put(*format);
                }
        }
}

void print(const char *format, ...)
{
        va_list list;

        va_start(list, format);
        print_list(format, list);
        va_end(list);
}

uint64_t divide(uint64_t number, uint32_t by)
{
        uint32_t high = (uint32_t)(number >> 32);
        uint32_t quotient = high / by, rest = high % by, low;

        asm("divl %3" : "=a"(low), "+d"(rest) : "0"((uint32_t)number), "r"(by));
        return (uint64_t)quotient << 32 | low;
}

int memcmp(const void *a, const void *b, size_t size)
{
        const uint8_t *p = a, *q = b;

        for (; size; size--, p++, q++)
                if (*p != *q)
                        return *p < *q ? -1 : 1;
        return 0;
}

/* By words as far as they go: an emulated processor takes as long for a byte. */
void *memcpy(void *to, const void *from, size_t size)
{
        void *end = to;
        size_t words = size / 4, bytes = size % 4;

        asm volatile("rep movsl"
                     : "+D"(end), "+S"(from), "+c"(words)
                     :
                     : "memory");
        asm volatile("rep movsb"
                     : "+D"(end), "+S"(from), "+c"(bytes)
                     :
                     : "memory");
        return to;
}

void *memset(void *to, int c, size_t size)
{
        void *end = to;
        size_t words = size / 4, bytes = size % 4;
        uint32_t pattern = (uint8_t)c * 0x01010101u;

        asm volatile("rep stosl"
                     : "+D"(end), "+c"(words)
                     : "a"(pattern)
                     : "memory");
        asm volatile("rep stosb"
                     : "+D"(end), "+c"(bytes)
                     : "a"(pattern)
                     : "memory");
        return to;
}

bool text_equal(const char *a, const char *b)
{
        while (*a && *a == *b)
                a++, b++;
        return *a == *b;
}

bool has_word(const char *line, const char *word)
{
        while (*line) {
                const char *w = word;

                while (*line && *line != ' ' && *line == *w)
                        line++, w++;
                if (!*w && (!*line || *line == ' '))
                        return true;
                while (*line && *line != ' ')
                        line++;
                while (*line == ' ')
                        line++;
        }
        return false;
}
