/* SPDX-License-Identifier: MIT */
/*
 * What the pv_ops kernel knows of its backends: for each a structure filled
 * with its functions (taking the address of an inline function makes one of
 * it), the order in which they are tried, and the rules of patching.
 *
 * A rule says of one function which instructions do the same: if native_sti
 * was chosen, patch in `sti`.  The patcher knows nothing else about backends.
 */
#include "kernel.h"
#include "table.h"

#include "kvm.h"
#include "native.h"
#if BITS == 64
#include "xen.h"
#else
#include "lguest.h"
#include "vmi.h"
#include "xen-pvh.h"
#endif

#define OPERATIONS_OF(backend)   \
        BACKEND_DECLARE(backend) \
        const struct operations backend##_operations = { OPERATIONS(OP) }
#define ROW(name, function) .name = function,

#define OP(kind, type, name, parameters, arguments) ROW(name, native_##name)
OPERATIONS_OF(native);
#undef OP
#define OP(kind, type, name, parameters, arguments) ROW(name, kvm_##name)
OPERATIONS_OF(kvm);
#undef OP
#if BITS == 32
#define OP(kind, type, name, parameters, arguments) ROW(name, lguest_##name)
OPERATIONS_OF(lguest);
#undef OP
#define OP(kind, type, name, parameters, arguments) ROW(name, vmi_##name)
OPERATIONS_OF(vmi);
#undef OP
#endif
#define OP(kind, type, name, parameters, arguments) ROW(name, xen_##name)
OPERATIONS_OF(xen);
#undef OP

#define BACKEND_ROW(name)                                                \
        {                                                                \
                { #name, name##_probe, name##_init }, &name##_operations \
        }
/* The first whose probe is content wins: specific before general. */
const struct backend_row backend_rows[] = {
#if BITS == 32
        BACKEND_ROW(lguest), BACKEND_ROW(vmi),
#endif
        BACKEND_ROW(xen),    BACKEND_ROW(kvm),
        BACKEND_ROW(native), { { NULL, NULL, NULL }, NULL },
};

const void *const patch_nothing = (const void *)no_operation;

#if BITS == 64
#define ARGUMENT1 "%rdi"
#define ARGUMENT2 "%rsi"
#define RESULT    "%rax"
#define COPY      "mov %rdi, %rax"
#define IRET      "iretq"
#define OTHER_RULES(RULE)                    \
        RULE(xen_read_cr4, "xor %eax, %eax") \
        RULE(xen_write_cr4, "")              \
        RULE(xen_read_msr, "xor %eax, %eax") \
        RULE(xen_write_msr, "")              \
        RULE(xen_load_gdt, "")               \
        RULE(xen_load_tr, "")
#else
#define ARGUMENT1 "%eax"
#define ARGUMENT2 "%edx"
#define RESULT    "%eax"
#define COPY      "" /* the argument's register is the result's */
#define IRET      "iret"
#define OTHER_RULES(RULE)                                \
        RULE(lguest_save_flags, "mov lguest_data, %eax") \
        RULE(lguest_entry, "")                           \
        RULE(lguest_add_table, "")                       \
        RULE(lguest_read_cr4, "xor %eax, %eax")          \
        RULE(lguest_write_cr4, "")                       \
        RULE(lguest_load_tr, "")                         \
        RULE(lguest_read_msr, "xor %eax, %eax")          \
        RULE(lguest_write_msr, "")
#endif

/* clang-format off */
#define RULES(RULE) \
        RULE(no_operation, "") \
        RULE(native_irq_enable, "sti") \
        RULE(native_irq_disable, "cli") \
        RULE(native_save_flags, "pushf; pop " RESULT) \
        RULE(native_restore_flags, "push " ARGUMENT1 "; popf") \
        RULE(native_halt, "sti; hlt") \
        RULE(native_iret, IRET) \
        RULE(native_read_cr2, "mov %cr2, " RESULT) \
        RULE(native_read_cr3, "mov %cr3, " RESULT) \
        RULE(native_read_cr4, "mov %cr4, " RESULT) \
        RULE(native_write_cr3, "mov " ARGUMENT1 ", %cr3") \
        RULE(native_write_cr4, "mov " ARGUMENT1 ", %cr4") \
        RULE(native_set_entry, "mov " ARGUMENT1 ", (" ARGUMENT2 ")") \
        RULE(native_machine_entry, COPY) \
        RULE(native_physical_entry, COPY) \
        RULE(native_add_table, "") \
        RULE(native_flush_page, "invlpg (" ARGUMENT1 ")") \
        RULE(native_load_idt, "lidt (" ARGUMENT1 ")") \
        RULE(native_io_delay, "out %al, $0x80") \
        RULE(native_timer_ack, "mov $0x20, %al; out %al, $0x20") \
        OTHER_RULES(RULE)
/* clang-format on */

/* The instructions are assembled here, and lie in a table of bytes. */
#define ASSEMBLE(function, code)                        \
        __asm__(".pushsection .rodata.rules, \"a\"\n"   \
                "code_" #function ": " code "\n"        \
                "code_end_" #function ": .popsection"); \
        extern const uint8_t code_##function[], code_end_##function[];
RULES(ASSEMBLE)
#define RULE_ROW(function, code) \
        { (const void *)function, code_##function, code_end_##function },
const struct patch_rule patch_rules[] = { RULES(RULE_ROW){ NULL, NULL, NULL } };
