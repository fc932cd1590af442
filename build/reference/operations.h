/* SPDX-License-Identifier: MIT */
/*
 * The privileged operations: what a kernel can't do the same way everywhere.
 *
 * These tables are the only list of them.  A backend NAME supplies a function
 * NAME_operation() for each, usually a short inline one.  The rest of the
 * kernel calls operation(), which becomes
 *
 *   - in a kernel compiled for one backend, that function itself, so that the
 *     compiler puts `sti` where it stands; or a direct call of it by the name
 *     backend_operation().  Devices are called in every kernel, all operations
 *     where they are calls into the hypervisor anyway (BACKEND_IS_CALLED): so
 *     callers are the same bytes in many kernels, and stored once;
 *   - in the pv_ops kernel, `call *operations.operation`, 6 bytes whose address
 *     goes into the section .pv_sites.  At boot patch.c rewrites the sites.
 *
 * Registers carry the arguments (regparm(3) in 32 bits: eax, edx, ecx; as C
 * has them in 64 bits) and may be lost, but the calls of kind FLAG_… keep all
 * of them: they stand in the shortest paths.
 */
#ifndef REFERENCE_OPERATIONS_H
#define REFERENCE_OPERATIONS_H

#include "layout.h"

/* Columns: kind (result and number of arguments), type of the result, name,
 * parameters, arguments. */
/* clang-format off */
#define OPERATIONS(OP) \
        FLAG_OPERATIONS(OP) PROCESSOR_OPERATIONS(OP) JUMP_OPERATIONS(OP) \
        ENTRY_OPERATIONS(OP) DEVICE_OPERATIONS(OP)
/* Interrupt flag, bit 9 of a word: cli, sti, pushf, popf. */
#define FLAG_OPERATIONS(OP) \
OP(FLAG_VALUE0, unsigned long, save_flags, (void), ()) \
OP(FLAG_VOID1, void, restore_flags, (unsigned long flags), (flags)) \
OP(FLAG_VOID0, void, irq_disable, (void), ()) \
OP(FLAG_VOID0, void, irq_enable, (void), ())
#define PROCESSOR_OPERATIONS(OP) \
/* Interrupts on and wait for one, without a gap between the two. */ \
OP(VOID0, void, halt, (void), ()) \
OP(VALUE0, unsigned long, read_cr2, (void), ()) \
OP(VALUE0, unsigned long, read_cr3, (void), ()) \
OP(VOID1, void, write_cr3, (unsigned long table), (table)) \
OP(VALUE0, unsigned long, read_cr4, (void), ()) \
OP(VOID1, void, write_cr4, (unsigned long value), (value)) \
/* Page tables.  `where` is the page's address with the table's level, 1 to 4,
 * in its lowest bits. */ \
OP(VOID3, void, set_entry, (unsigned long value, unsigned long *entry, unsigned long where), (value, entry, where)) \
/* From now on this page is a page table of that level. */ \
OP(VOID2, void, add_table, (unsigned long addr, unsigned long level), (addr, level)) \
OP(VOID0, void, flush_tlb, (void), ()) \
OP(VOID1, void, flush_page, (unsigned long addr), (addr)) \
OP(VOID1, void, load_gdt, (const struct table_pointer *table), (table)) \
OP(VOID1, void, load_idt, (const struct table_pointer *table), (table)) \
OP(VOID1, void, load_tr, (unsigned long selector), (selector)) \
/* Where an interrupt that comes in user mode finds its stack. */ \
OP(VOID1, void, set_kernel_stack, (unsigned long top), (top)) \
OP(VALUE1, unsigned long, read_msr, (unsigned long msr), (msr)) \
OP(VOID2, void, write_msr, (unsigned long msr, unsigned long value), (msr, value)) \
OP(VOID0, void, io_delay, (void), ())
/* Back to what was interrupted: jumped to, from assembler only. */
#define JUMP_OPERATIONS(OP) \
OP(JUMP, void, iret, (void), ())
/* Entries of page tables hold machine addresses, the kernel thinks in physical
 * ones, and Xen tells the two apart. */
#define ENTRY_OPERATIONS(OP) \
OP(VALUE1, unsigned long, machine_entry, (unsigned long value), (value)) \
OP(VALUE1, unsigned long, physical_entry, (unsigned long value), (value))
#define DEVICE_OPERATIONS(OP) \
/* Interrupts at VECTOR_TIMER, hz times a second, each to be acknowledged. */ \
OP(VOID1, void, timer_start, (unsigned long hz), (hz)) \
OP(VOID0, void, timer_ack, (void), ()) \
OP(VOID2, void, console_put, (const char *text, unsigned long size), (text, size)) \
OP(VOID0, void, shutdown, (void), ())
/* clang-format on */

/* Numbers that boot finds out once and nobody changes afterwards: variables in
 * a backend's own kernel, immediate operands in the pv_ops kernel's code. */
#define CONSTANTS(C)                                            \
        C(memory_end) /* of the physical memory that is used */ \
        C(kernel_cs)  /* of gates */                            \
        C(user_cs)                                              \
        C(user_ss)

/* Kinds of patch sites. */
#define SITE_CALL     0
#define SITE_JUMP     1
#define SITE_CONSTANT 2

#if BITS == 64
#define WORD     8
#define WORD_ASM ".quad "
#define RELATIVE "(%%rip)"
#else
#define WORD     4
#define WORD_ASM ".long "
#define RELATIVE
#endif

#if defined(__ASSEMBLER__) && defined(BACKEND_pvops)

/* OPERATION_name: the place in the structure. */
/* clang-format off */
#define OP(kind, type, name, parameters, arguments) \
        .set    OPERATION_##name, operation_number; \
        .set    operation_number, operation_number + 1;
        .set    operation_number, 0
        OPERATIONS(OP)
/* clang-format on */
#undef OP

/* The table is all that sites.c and kernel.lds want. */
#elif defined(BACKEND_HEADER)

#include <stddef.h>
#include <stdint.h>

/* What lgdt and lidt want. */
struct table_pointer {
        uint16_t limit; /* bytes - 1 */
        unsigned long base;
} __attribute__((packed));

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define STRING_(x)  #x
#define STRING(x)   STRING_(x)

#define INLINE         static inline __attribute__((always_inline))
/* Where time does not count: compiled for size. */
#define SMALL          __attribute__((cold))
/* What a backend's functions are: inline, or, where their address is taken,
 * functions.  Those behind FLAG_… save every register that they use. */
#define OPERATION      static inline __attribute__((unused))
#define FLAG_OPERATION OPERATION __attribute__((no_caller_saved_registers))

/* What an operation is where there is nothing to do. */
OPERATION void no_operation(void)
{
}

enum constant {
#define C(name)        CONSTANT_##name,
        CONSTANTS(C)
#undef C
        CONSTANT_COUNT
};

#ifndef BACKEND_pvops

#define BACKEND_(name) JOIN(BACKEND, JOIN(_, name))
/* clang-format off */
#include BACKEND_HEADER
/* clang-format on */

#define INLINE_OPERATION(kind, type, name, parameters, arguments) \
        INLINE type name parameters                               \
        {                                                         \
                return BACKEND_(name) arguments;                  \
        }
/* The function has the same name whichever backend it is of. */
#define CALLED_OPERATION(kind, type, name, parameters, arguments) \
        type backend_##name parameters;                           \
        INLINE type name parameters                               \
        {                                                         \
                return backend_##name arguments;                  \
        }
#define CALLED_FLAG(kind, type, name, parameters, arguments) \
        type backend_##name parameters                       \
                __attribute__((no_caller_saved_registers));  \
        CALLED_OPERATION(kind, type, name, parameters, arguments)

#ifdef BACKEND_IS_CALLED
FLAG_OPERATIONS(CALLED_FLAG)
PROCESSOR_OPERATIONS(CALLED_OPERATION)
#else
FLAG_OPERATIONS(INLINE_OPERATION)
PROCESSOR_OPERATIONS(INLINE_OPERATION)
#endif
ENTRY_OPERATIONS(INLINE_OPERATION)
DEVICE_OPERATIONS(CALLED_OPERATION)

extern uint32_t constants[CONSTANT_COUNT];
#define constant(name) (constants[CONSTANT_##name])

#else /* BACKEND_pvops */

struct operations {
#define OP(kind, type, name, parameters, arguments) type(*name) parameters;
        OPERATIONS(OP)
#undef OP
};
extern struct operations operations;

/* One row of .pv_sites; entry.S and the macros below write them. */
struct patch_site {
        uint8_t *code;
        uint8_t number; /* of the operation or constant */
        uint8_t size;   /* bytes that may be rewritten */
        uint8_t kind;   /* SITE_… */
} __attribute__((aligned(sizeof(void *))));

#define SITE_ROW(addr, number, size, kind)                             \
        ".pushsection .pv_sites, \"a\"\n"                              \
        ".balign %c[word]\n" WORD_ASM addr "\n.byte " number ", " size \
        ", " kind "\n"                                                 \
        ".balign %c[word]\n.popsection"
#define CALL_SITE                                                          \
        "771: call *operations + %c[offset]" RELATIVE "\n772:\n" SITE_ROW( \
                "771b", "%c[offset] / %c[word]", "772b - 771b", "%c[kind]")
#define SITE_INPUT(name)                                                   \
        [offset] "i"(offsetof(struct operations, name)), [word] "i"(WORD), \
                [kind] "i"(SITE_CALL)

#if BITS == 64
#define REG1  "+D"
#define REG2  "+S"
#define REG3  "+d"
#define LOST  "rcx", "r8", "r9", "r10", "r11", "memory", "cc"
#define LOST3 LOST, "rax"
#define LOST2 LOST3, "rdx"
#define LOST1 LOST2, "rsi"
#define LOST0 LOST1, "rdi"
#define LOSTV LOST, "rdx", "rsi", "rdi"
#else
#define REG1  "+a"
#define REG2  "+d"
#define REG3  "+c"
#define LOST3 "memory", "cc"
#define LOST2 LOST3, "ecx"
#define LOST1 LOST2, "edx"
#define LOST0 LOST1, "eax"
#define LOSTV LOST1
#endif

/* The code of a call, by kind; r1 to r3 are its arguments. */
#define WORD_ARGUMENT(n, value) unsigned long r##n = (unsigned long)(value)
#define PV_JUMP(type, name, ...)
#define PV_FLAG_VALUE0(type, name, ...)     \
        unsigned long result;               \
        __asm__ volatile(CALL_SITE          \
                         : "=a"(result)     \
                         : SITE_INPUT(name) \
                         : "memory", "cc"); \
        return result;
#define PV_FLAG_VOID0(type, name, ...) \
        __asm__ volatile(CALL_SITE : : SITE_INPUT(name) : "memory", "cc");
#define PV_FLAG_VOID1(type, name, a)        \
        WORD_ARGUMENT(1, a);                \
        __asm__ volatile(CALL_SITE          \
                         : REG1(r1)         \
                         : SITE_INPUT(name) \
                         : "memory", "cc");
#define PV_VALUE0(type, name, ...)                                             \
        unsigned long result;                                                  \
        __asm__ volatile(CALL_SITE : "=a"(result) : SITE_INPUT(name) : LOSTV); \
        return result;
#if BITS == 64
#define PV_VALUE1(type, name, a)                  \
        unsigned long result;                     \
        WORD_ARGUMENT(1, a);                      \
        __asm__ volatile(CALL_SITE                \
                         : "=a"(result), REG1(r1) \
                         : SITE_INPUT(name)       \
                         : LOST, "rdx", "rsi");   \
        return result;
#else
#define PV_VALUE1(type, name, a)                                           \
        WORD_ARGUMENT(1, a);                                               \
        __asm__ volatile(CALL_SITE : REG1(r1) : SITE_INPUT(name) : LOST1); \
        return r1;
#endif
#define PV_VOID0(type, name, ...) \
        __asm__ volatile(CALL_SITE : : SITE_INPUT(name) : LOST0);
#define PV_VOID1(type, name, a) \
        WORD_ARGUMENT(1, a);    \
        __asm__ volatile(CALL_SITE : REG1(r1) : SITE_INPUT(name) : LOST1);
#define PV_VOID2(type, name, a, b)            \
        WORD_ARGUMENT(1, a);                  \
        WORD_ARGUMENT(2, b);                  \
        __asm__ volatile(CALL_SITE            \
                         : REG1(r1), REG2(r2) \
                         : SITE_INPUT(name)   \
                         : LOST2);
#define PV_VOID3(type, name, a, b, c)                   \
        WORD_ARGUMENT(1, a);                            \
        WORD_ARGUMENT(2, b);                            \
        WORD_ARGUMENT(3, c);                            \
        __asm__ volatile(CALL_SITE                      \
                         : REG1(r1), REG2(r2), REG3(r3) \
                         : SITE_INPUT(name)             \
                         : LOST3);

#define UNPACK(...)         __VA_ARGS__
#define PV_CALL(macro, ...) macro(__VA_ARGS__)
#define PV_FUNCTION_JUMP(name, parameters, body)
#define PV_FUNCTION(type, name, parameters, body) \
        INLINE type name parameters               \
        {                                         \
                body                              \
        }
#define OP(kind, type, name, parameters, arguments) \
        PV_FUNCTION(type, name, parameters,         \
                    PV_CALL(PV_##kind, type, name, UNPACK arguments))
OPERATIONS(OP)
#undef OP

/* `mov $imm32, register`; the symbol is 0 and makes the relocation by which
 * the build finds the place once more. */
#define constant(name)                                                     \
        ({                                                                 \
                uint32_t value_;                                           \
                __asm__("mov $very_read_only_" #name                       \
                        ", %[value]\n772:\n" SITE_ROW(                     \
                                "772b - 4", "%c[number]", "4", "%c[kind]") \
                        : [value] "=r"(value_)                             \
                        : [number] "i"(CONSTANT_##name), [word] "i"(WORD), \
                          [kind] "i"(SITE_CONSTANT));                      \
                value_;                                                    \
        })
extern uint32_t constants[CONSTANT_COUNT];

#endif /* BACKEND_pvops */
#endif
#endif
