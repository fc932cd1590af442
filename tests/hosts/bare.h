/* SPDX-License-Identifier: MIT */
/*
 * What the programs of tests/hosts share: they run on bare 32-bit x86, so there
 * is no library below them.  A program supplies console_put().
 */
#ifndef TESTS_HOSTS_BARE_H
#define TESTS_HOSTS_BARE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where a program's characters go; print() is built on it. */
void console_put(char c);

/* %s text, %c character, %u decimal, %x hexadecimal without a prefix: all
 * arguments are 32 bits wide. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, va_list list);

/* The first serial port as the firmware left it: QEMU's needs no setting up. */
void serial_put(char c);

/* Ends QEMU: its exit status is 2 * code + 1.  Needs the device of the option
 * QEMU_EXIT in the tests' command lines; without it the machine is reset. */
_Noreturn void machine_exit(uint8_t code);

int memcmp(const void *a, const void *b, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int c, size_t size);
bool text_equal(const char *a, const char *b);
/* Whether the words of line, which blanks part, have this one among them. */
bool has_word(const char *line, const char *word);

/* There is no library for 64-bit division. */
uint64_t divide(uint64_t number, uint32_t by);

static inline void outb(uint16_t port, uint8_t value)
{
        asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
        uint8_t value;

        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline uint64_t rdtsc(void)
{
        uint64_t value;

        asm volatile("rdtsc" : "=A"(value));
        return value;
}

#endif
