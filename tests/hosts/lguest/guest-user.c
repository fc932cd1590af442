/* SPDX-License-Identifier: MIT */
/*
 * The lguest test guest's checks of ring 3.
 */
#include "guest.h"

#define USER_CODE  (WINDOW + 0x10000)
#define USER_STACK (WINDOW + 0x20000)

static uint32_t code_page[1024] __attribute__((aligned(4096)));
static uint32_t stack_page[1024] __attribute__((aligned(4096)));

void run_user(enum user_work work)
{
        last.trap = 256;
        enter_user(USER_CODE + code_page[work], USER_STACK + PAGE_SIZE - 16,
                   0x202);
}

static void map(uint32_t address, uint32_t entry)
{
        window_table[address >> 12 & 1023] = entry;
        hypercall(LHCALL_SET_PTE, (uint32_t)directory, address, entry);
}

void test_user(void)
{
        memcpy(code_page, user_code, (size_t)(user_code_end - user_code));
        map(USER_CODE, (uint32_t)code_page | PRESENT | USER);
        map(USER_STACK, (uint32_t)stack_page | PRESENT | USER | WRITABLE);
        hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS,
                  (uint32_t)kernel_stack_end, 1);

        lguest_data.irq_enabled = LGUEST_IF;
        run_user(USER_SYSCALL);
        check(last.trap == LGUEST_SYSCALL && last.eax == 0x1234 &&
                      last.cs == USER_CS && last.user_ss == USER_DS &&
                      last.user_esp == USER_STACK + PAGE_SIZE - 16,
              "a system call from ring 3");
        check(last_address + sizeof(struct frame) == (uint32_t)kernel_stack_end,
              "SET_STACK: the stack it comes on");
        set_gate(LGUEST_SYSCALL, GATE_INTERRUPT, 3);
        run_user(USER_SYSCALL);
        check(last.trap == LGUEST_SYSCALL && !last_enabled &&
                      last_address + sizeof(struct frame) ==
                              (uint32_t)kernel_stack_end,
              "a system call by an interrupt gate");
        set_gate(LGUEST_SYSCALL, GATE_TRAP, 1);
        run_user(USER_SYSCALL);
        check(last.trap == 13 && last.error == LGUEST_SYSCALL * 8 + 2,
              "a gate that is not for ring 3");
        set_gate(LGUEST_SYSCALL, GATE_TRAP, 3);
        set_gate(3, GATE_INTERRUPT, 3);
        run_user(USER_BREAKPOINT);
        check(last.trap == 3, "a breakpoint");
        run_user(USER_READ);
        check(last.trap == 14 && last.error == 4 &&
                      lguest_data.cr2 == 0x10000000,
              "a page fault of ring 3");
        run_user(USER_WRITE);
        check(last.trap == 14 && (last.error & ~1u) == 6 &&
                      lguest_data.cr2 == KERNEL_ADDRESS,
              "a page of the kernel's");
        run_user(USER_CLI);
        check(last.trap == 13 && !last.error, "cli is a fault in ring 3");
        run_user(USER_IN);
        check(last.trap == 13 && !last.error, "in is one");
        run_user(USER_HYPERCALL);
        check(last.trap == 13 && last.error == LGUEST_TRAP_ENTRY * 8 + 2,
              "a hypercall is one");
        lguest_data.irq_enabled = 0;
}
