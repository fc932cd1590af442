/* SPDX-License-Identifier: MIT */
/*
 * A host for lguest guests, which left Linux with 4.14: a multiboot kernel for
 * QEMU's -kernel that behaves to its guest as lguest's launcher and Linux's
 * host do.  The guest is the first module, with its command line, its initrd
 * the second:
 *
 *      qemu -kernel lguest-host -append OPTIONS -initrd "GUEST ARGUMENTS,INITRD"
 *
 * OPTIONS are words:
 *      strict          what Linux 4.9 does not have any more is refused: the
 *                      hypercall NOTIFY of 3.x, an ignored sti
 *      no-tsc          lguest_data.tsc_khz is 0
 *      no-subarch      boot_params does not say who has started the guest
 *      each            every module is a guest: when one has come to its end,
 *                      the host starts anew with the next
 *
 * The guest's console goes to the first serial port as it is; the host's own
 * lines begin with "lguest-host:".  The run ends QEMU by isa-debug-exit:
 * code 0 the guest's shutdown, 1 it was killed, 2 the host is at fault, 3 there
 * is no guest to run, 4 its restart.
 *
 * How it is done: the guest runs in ring 1 on shadow page tables (pages.c) with
 * copies of its descriptors (tables.c).  A trap leads through three pages that
 * both sides have mapped (switcher.S) back into run_guest().  What is not here:
 * devices but for the console's emergency write, PAE, a second processor.
 */
#include "host.h"

#define MULTIBOOT_MODULES 0x08
#define MB                0x100000u
#define SUPER_PAGE        0x400000u
#define FLAGS_AT_ENTRY    0x202

struct multiboot {
        uint32_t flags, mem_lower, mem_upper; /* KiB, from 1 MiB on */
        uint32_t boot_device;
        const char *command_line;
        uint32_t module_count;
        const struct module {
                uint32_t start, end;
                const char *command_line;
                uint32_t reserved;
        } * modules;
};

struct regs *const regs = (void *)SWITCHER_REGS;
bool strict, no_tsc, no_subarch;

static char last_put = '\n';
static const struct multiboot *information;
static uint32_t next_guest; /* its module's number; 0: there is none */

void switch_to_guest(void);
_Noreturn void host_restart(const struct multiboot *m, uint32_t guest)
        __attribute__((regparm(2)));
extern char image_end[];

/* ---- Words -------------------------------------------------------------- */

void console_put(char c)
{
        serial_put(c);
}

void guest_put(char c)
{
        last_put = c;
        serial_put(c);
}

void host_says(void)
{
        if (last_put != '\n')
                serial_put('\n');
        last_put = '\n';
        print("lguest-host: ");
}

_Noreturn void end_run(uint8_t code)
{
        if (next_guest)
                host_restart(information, next_guest);
        machine_exit(code);
}

_Noreturn void kill_guest(const char *format, ...)
{
        va_list list;

        host_says();
        print("guest killed: ");
        va_start(list, format);
        print_list(format, list);
        va_end(list);
        print("\n");
        end_run(1);
}

_Noreturn void guest_shutdown(const char *message, uint32_t how)
{
        host_says();
        print("%s: %s\n",
              how == LGUEST_SHUTDOWN_RESTART ? "restart" : "shutdown", message);
        end_run(how == LGUEST_SHUTDOWN_RESTART ? 4 : 0);
}

/* A trap in ring 0: of the switcher, if the guest's segment registers can't be
 * loaded, or a mistake of the host's. */
__attribute__((regparm(1))) static void host_broken(struct regs *frame)
{
        if (frame->eip >= SWITCHER)
                kill_guest(
                        "unhandled trap 256 at 0x%x: bad segment registers (trap %u, 0x%x)",
                        regs->eip, frame->trap, frame->error);
        host_says();
        print("trap %u in the host at 0x%x (0x%x)\n", frame->trap, frame->eip,
              frame->error);
        machine_exit(2);
}

/* ---- Traps -------------------------------------------------------------- */

static void set_task_switched(bool on)
{
        uint32_t cr0;

        asm volatile("movl %%cr0, %0" : "=r"(cr0));
        cr0 = on ? cr0 | 8 : cr0 & ~8u;
        asm volatile("movl %0, %%cr0" : : "r"(cr0));
}

static void handle_trap(void)
{
        uint32_t cr2 = 0;

        switch (regs->trap) {
        case LGUEST_TRAP_ENTRY:
                do_hypercalls();
                return;
        case 13:
                if (regs->error == 0 && emulate_instruction())
                        return;
                break;
        case 14:
                asm volatile("movl %%cr2, %0" : "=r"(cr2));
                if (demand_page(cr2, regs->error))
                        return;
                if (lguest_data)
                        lguest_data->cr2 = cr2;
                break;
        case 0x20 ... 0x2f:
                clock_interrupt();
                return;
        }
        if (deliver_trap(regs->trap))
                return;
        if (regs->trap == 13 && regs->error == 0)
                kill_guest("unhandled trap %u at 0x%x: %s", 13, regs->eip,
                           instruction_name());
        kill_guest("unhandled trap %u at 0x%x (0x%x)", regs->trap, regs->eip,
                   regs->trap == 14 ? cr2 : regs->error);
}

static _Noreturn void run_guest(void)
{
        for (;;) {
                if (interrupt_pending())
                        deliver_interrupts();
                if (halted) {
                        clock_wait();
                        continue;
                }
                set_task_switched(ts);
                switch_to_guest();
                handle_trap();
        }
}

/* ---- Start -------------------------------------------------------------- */

/* A module's command line begins with its file's name. */
static const char *arguments(const char *line)
{
        while (*line && *line != ' ')
                line++;
        while (*line == ' ')
                line++;
        return line;
}

/* The guest's memory lies between the modules and the pool of page tables. */
static void place_memory(uint32_t used_end)
{
        uint32_t base = (used_end + SUPER_PAGE - 1) & -SUPER_PAGE;
        uint32_t end = pages_pool_start() & -MB;

        if (end <= base || end - base < 2 * MB) {
                host_says();
                print("no memory is left for the guest\n");
                machine_exit(3);
        }
        guest_memory = (uint8_t *)base;
        guest_size = end - base;
        memset(guest_memory, 0, guest_size);
}

static void find_guest(const struct multiboot *m, uint32_t number,
                       struct loaded *ret)
{
        const struct module *guest = &m->modules[number];
        bool each = has_word(m->command_line, "each");

        if (!(m->flags & MULTIBOOT_MODULES) || number >= m->module_count) {
                host_says();
                print("there is no module to run\n");
                machine_exit(3);
        }
        if (each && number + 1 < m->module_count)
                next_guest = number + 1;
        ret->image = (const uint8_t *)guest->start;
        ret->image_size = guest->end - guest->start;
        ret->command_line = arguments(guest->command_line);
        if (!each && m->module_count > 1) {
                ret->initrd = (const uint8_t *)m->modules[1].start;
                ret->initrd_size = m->modules[1].end - m->modules[1].start;
        }
}

__attribute__((regparm(2))) void host_main(const struct multiboot *m,
                                           uint32_t number)
{
        struct loaded l = { 0 };
        uint32_t used_end = (uint32_t)image_end;

        information = m;
        strict = has_word(m->command_line, "strict");
        no_tsc = has_word(m->command_line, "no-tsc");
        no_subarch = has_word(m->command_line, "no-subarch");
        find_guest(m, number, &l);
        for (uint32_t i = 0; i < m->module_count; i++)
                if (m->modules[i].end > used_end)
                        used_end = m->modules[i].end;

        pages_init(MB + m->mem_upper * 1024);
        tables_init((void (*)(struct regs *))host_broken);
        clock_init();
        place_memory(used_end);
        pages_start();
        pci_init();

        memset(regs, 0, sizeof(*regs));
        regs->eip = load_guest(&l);
        regs->cs = LGUEST_KERNEL_CS;
        regs->ds = regs->es = regs->ss = LGUEST_KERNEL_DS;
        regs->eflags = FLAGS_AT_ENTRY;
        host_says();
        print("%u MiB, entry 0x%x\n", guest_size / MB, regs->eip);
        run_guest();
}
