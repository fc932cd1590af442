/* SPDX-License-Identifier: MIT */
/*
 * A small virtual machine monitor on /dev/kvm: boots a bzImage by the 32- or
 * the 64-bit boot protocol on one processor whose CPUID names any hypervisor;
 * an ELF kernel in its place is entered at e_entry, as by the 32-bit protocol.
 *
 *      vmm [-e 32|64] [-s SIGNATURE] [-k] [-m MIB] KERNEL INITRD COMMAND-LINE
|64] [-s SIGNATURE] [-m MIB] KERNEL INITRD COMMAND-LINE
 *
 * The guest has what KVM brings (processor, interrupt controllers, PIT) and a
 * 16550 at 0x3f8 whose output goes to standard output; no ACPI, no PCI, no
 * firmware.  The run ends when the guest prints its init's last line, resets
 * through port 0x64, halts with interrupts off, or is shut down.
 *
 * SIGNATURE is the 12 bytes of CPUID leaf 0x40000000.  "KVMKVMKVM" (default)
 * leaves what KVM itself reports; "Microsoft Hv" turns on KVM's own emulation
 * of Hyper-V, with -k in front of KVM's leaves (at 0x40000100) as QEMU has it;
 * any other only changes the name.
 *
 * Reference: Linux, Documentation/virt/kvm/api.rst and x86/boot.rst.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Guest physical addresses of what a boot loader prepares. */
enum {
        GDT_ADDR = 0x1000,
        PAGE_TABLE_ADDR = 0x2000, /* PML4, PDPT, 4 page directories */
        BOOT_PARAMS_ADDR = 0x10000,
        COMMAND_LINE_ADDR = 0x20000,
        LOW_MEMORY_END = 0x9f000,
        HIGH_MEMORY = 0x100000,
};

#define ENTRY_64_OFFSET 0x200      /* boot.rst: 64-bit boot protocol */
#define TSS_ADDR        0xfffbd000 /* three pages that KVM wants on Intel */
#define MAX_CPUID       128

#define UART_BASE 0x3f8
#define UART_IRQ  4
#define END_LINE  "ingot-test: end"

static uint8_t *memory;
static uint64_t memory_size = 256 << 20;
static int vm_fd, vcpu_fd;

/* ---- a 16550 that never has input ---------------------------------- */

enum {
        UART_DATA,
        UART_IER,
        UART_IIR,
        UART_LCR,
        UART_MCR,
        UART_LSR,
        UART_MSR,
        UART_SCRATCH
};

static struct {
        uint8_t ier, lcr, mcr, scratch, dll, dlm;
        bool thri; /* "transmitter is empty" is pending */
} uart;

static void uart_interrupt(void)
{
        bool raise = uart.thri && (uart.ier & 2);
        struct kvm_irq_level level = { .irq = UART_IRQ, .level = raise };

        ioctl(vm_fd, KVM_IRQ_LINE, &level);
}

/* Writes one character through; true when the guest's last line is out. */
static bool uart_print(uint8_t c)
{
        static char line[256];
        static size_t at;

        if (write(STDOUT_FILENO, &c, 1) != 1)
                return true;
        if (c == '\n') {
                line[at] = '\0';
                at = 0;
                return strstr(line, END_LINE) != NULL;
        }
        if (at < sizeof(line) - 1)
                line[at++] = (char)c;
        return false;
}

static bool uart_write(unsigned int reg, uint8_t value)
{
        bool dlab = uart.lcr & 0x80, end = false;

        switch (reg) {
        case UART_DATA:
                if (dlab) {
                        uart.dll = value;
                        break;
                }
                if (!(uart.mcr & 0x10)) /* not in loopback */
                        end = uart_print(value);
                uart.thri = true;
                break;
        case UART_IER:
                if (dlab) {
                        uart.dlm = value;
                        break;
                }
                if (!(uart.ier & 2) && (value & 2))
                        uart.thri = true;
                uart.ier = value & 0xf;
                break;
        case UART_LCR:
                uart.lcr = value;
                break;
        case UART_MCR:
                uart.mcr = value & 0x1f;
                break;
        case UART_SCRATCH:
                uart.scratch = value;
                break;
        }
        uart_interrupt();
        return end;
}

static uint8_t uart_read(unsigned int reg)
{
        bool dlab = uart.lcr & 0x80;
        uint8_t value = 0;

        switch (reg) {
        case UART_DATA:
                return dlab ? uart.dll : 0;
        case UART_IER:
                return dlab ? uart.dlm : uart.ier;
        case UART_IIR:
                value = 1; /* nothing pending */
                if (uart.thri && (uart.ier & 2)) {
                        value = 2;
                        uart.thri = false;
                        uart_interrupt();
                }
                return value;
        case UART_LCR:
                return uart.lcr;
        case UART_MCR:
                return uart.mcr;
        case UART_LSR:
                return 0x60; /* transmitter empty */
        case UART_MSR:
                /* CTS, DSR, DCD; in loopback MCR's outputs come back here. */
                if (!(uart.mcr & 0x10))
                        return 0xb0;
                return (uint8_t)((uart.mcr & 0x0c) << 4 | (uart.mcr & 2) << 3 |
                                 (uart.mcr & 1) << 5);
        case UART_SCRATCH:
                return uart.scratch;
        }
        return 0xff;
}

/* ---- machine ------------------------------------------------------- */

static void create_machine(void)
{
        struct kvm_pit_config pit = { 0 };
        struct kvm_userspace_memory_region region;
        uint64_t identity_addr = TSS_ADDR - 0x1000;
        int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

        if (kvm < 0)
                err(77, "/dev/kvm");
        if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
                errx(77, "/dev/kvm: unknown API version");
        vm_fd = ioctl(kvm, KVM_CREATE_VM, 0);
        if (vm_fd < 0)
                err(1, "KVM_CREATE_VM");
        ioctl(vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_addr);
        ioctl(vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR);
        if (ioctl(vm_fd, KVM_CREATE_IRQCHIP, 0))
                err(1, "KVM_CREATE_IRQCHIP");
        if (ioctl(vm_fd, KVM_CREATE_PIT2, &pit))
                err(1, "KVM_CREATE_PIT2");

        memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                err(1, "%ju bytes of memory", (uintmax_t)memory_size);
        region = (struct kvm_userspace_memory_region){
                .memory_size = memory_size,
                .userspace_addr = (uintptr_t)memory,
        };
        if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
                err(1, "KVM_SET_USER_MEMORY_REGION");
        vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);
        if (vcpu_fd < 0)
                err(1, "KVM_CREATE_VCPU");
}

/* KVM's own CPUID with the hypervisor's name replaced. */
static void set_cpuid(const char *signature, bool keep_kvm)
{
        struct kvm_cpuid2 *all;
        bool hyperv = !strcmp(signature, "Microsoft Hv");
        int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

        all = calloc(1, sizeof(*all) + MAX_CPUID * sizeof(all->entries[0]));
        if (!all)
                err(1, "memory");
        all->nent = MAX_CPUID;
        if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, all))
                err(1, "KVM_GET_SUPPORTED_CPUID");
        close(kvm);

        for (uint32_t i = 0; i < all->nent; i++) {
                struct kvm_cpuid_entry2 *e = &all->entries[i];

                if (e->function == 1)
                        e->ecx |= 1u << 31; /* a hypervisor is present */
                /* Hyper-V's leaves take KVM's place: those move up, or out of
                 * sight to where nobody looks. */
                if (hyperv && (e->function & 0xffffff00) == 0x40000000)
                        e->function += keep_kvm ? 0x100 : 0x20000;
                if (e->function == 0x40000000 &&
                    strcmp(signature, "KVMKVMKVM")) {
                        char name[12] = { 0 };

                        memcpy(name, signature,
                               strnlen(signature, sizeof(name)));
                        memcpy(&e->ebx, name, 4);
                        memcpy(&e->ecx, name + 4, 4);
                        memcpy(&e->edx, name + 8, 4);
                }
        }
        if (hyperv) {
                struct kvm_cpuid2 *own;

                own = calloc(1, sizeof(*own) +
                                        MAX_CPUID * sizeof(own->entries[0]));
                if (!own)
                        err(1, "memory");
                own->nent = MAX_CPUID;
                if (ioctl(vcpu_fd, KVM_GET_SUPPORTED_HV_CPUID, own))
                        err(1, "KVM_GET_SUPPORTED_HV_CPUID");
                for (uint32_t i = 0; i < own->nent && all->nent < MAX_CPUID;
                     i++) {
                        struct kvm_cpuid_entry2 *e = &own->entries[i];

                        if (e->function == 0x40000000) /* as Hyper-V itself */
                                memcpy(&e->ebx, "Microsoft Hv", 12);
                        if (e->function > 0x40000006)
                                continue; /* no nested virtualisation */
                        all->entries[all->nent++] = *e;
                }
                free(own);
        }
        if (ioctl(vcpu_fd, KVM_SET_CPUID2, all))
                err(1, "KVM_SET_CPUID2");
        free(all);
}

/* ---- boot loader --------------------------------------------------- */

static uint8_t *read_file(const char *path, size_t *ret_size)
{
        struct stat st;
        uint8_t *bytes;
        FILE *f = fopen(path, "rb");

        if (!f || fstat(fileno(f), &st))
                err(1, "%s", path);
        bytes = malloc((size_t)st.st_size + 1);
        if (!bytes)
                err(1, "memory");
        if (fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
                err(1, "%s", path);
        fclose(f);
        *ret_size = (size_t)st.st_size;
        return bytes;
}

/* Copies into guest memory, or ends. */
static void place(uint64_t addr, const void *bytes, size_t size,
                  const char *what)
{
        if (addr > memory_size || size > memory_size - addr)
                errx(1, "%s: %zu bytes at %#jx do not fit %ju MiB", what, size,
                     (uintmax_t)addr, (uintmax_t)memory_size >> 20);
        memcpy(memory + addr, bytes, size);
}

/* An ELF kernel's segments at their physical addresses; the same fields of its
 * two sizes.  Gives the entry. */
#define ELF_FIELD(type, p, field)                      \
        (wide ? ((const Elf64_##type *)(p))->field : \
                ((const Elf32_##type *)(p))->field)
static uint64_t load_elf(const uint8_t *file, size_t size, const char *path)
{
        bool wide = file[EI_CLASS] == ELFCLASS64;
        size_t step = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
        uint64_t table = ELF_FIELD(Ehdr, file, e_phoff);
        unsigned int count = ELF_FIELD(Ehdr, file, e_phnum);

        if (table > size || count > (size - table) / step)
                errx(1, "%s: the program headers lie outside", path);
        for (unsigned int i = 0; i < count; i++) {
                const uint8_t *p = file + table + i * step;
                uint64_t offset = ELF_FIELD(Phdr, p, p_offset);
                uint64_t length = ELF_FIELD(Phdr, p, p_filesz);

                if (ELF_FIELD(Phdr, p, p_type) != PT_LOAD)
                        continue;
                if (offset > size || length > size - offset)
                        errx(1, "%s: segment %u lies outside", path, i);
                place(ELF_FIELD(Phdr, p, p_paddr), file + offset, length, path);
        }
        return ELF_FIELD(Ehdr, file, e_entry);
}

/* Loads kernel, initrd and boot_params; gives the load address. */
static uint64_t load_kernel(const char *kernel_path, const char *initrd_path,
                            const char *command_line)
{
        struct boot_params bp = { 0 };
        size_t size, initrd_size, setup_size, header_end;
        uint8_t *file = read_file(kernel_path, &size);
        uint8_t *initrd = read_file(initrd_path, &initrd_size);
        uint64_t load, initrd_addr;

        if (size >= 0x1000 && !memcmp(file, ELFMAG, SELFMAG)) {
                load = load_elf(file, size, kernel_path);
                goto boot_params;
        }
        if (size < 0x1000 || memcmp(file + 0x202, "HdrS", 4))
                errx(1, "%s: not a bzImage", kernel_path);
        header_end = 0x202 + file[0x201];
        memcpy(&bp.hdr, file + 0x1f1, header_end - 0x1f1);
        setup_size = (bp.hdr.setup_sects + 1u) * 512;
        if (setup_size >= size)
                errx(1, "%s: shorter than its set-up", kernel_path);

        load = bp.hdr.pref_address ? bp.hdr.pref_address : HIGH_MEMORY;
        if (load + bp.hdr.init_size > memory_size)
                load = HIGH_MEMORY;
        place(load, file + setup_size, size - setup_size, kernel_path);
        initrd_addr = (memory_size - initrd_size) & ~0xfffull;
        if (initrd_addr < load + bp.hdr.init_size)
                errx(1, "%ju MiB of memory are not enough",
                     (uintmax_t)memory_size >> 20);
        place(initrd_addr, initrd, initrd_size, initrd_path);
        bp.hdr.code32_start = (uint32_t)load;
        bp.hdr.ramdisk_image = (uint32_t)initrd_addr;
        bp.hdr.ramdisk_size = (uint32_t)initrd_size;

boot_params:
        place(COMMAND_LINE_ADDR, command_line, strlen(command_line) + 1,
              "command line");
        bp.hdr.type_of_loader = 0xff;
        bp.hdr.cmd_line_ptr = COMMAND_LINE_ADDR;
        bp.e820_entries = 2;
        bp.e820_table[0] = (struct boot_e820_entry){ 0, LOW_MEMORY_END, 1 };
        bp.e820_table[1] =
                (struct boot_e820_entry){ HIGH_MEMORY,
                                          memory_size - HIGH_MEMORY, 1 };
        place(BOOT_PARAMS_ADDR, &bp, sizeof(bp), "boot_params");
        free(file);
        free(initrd);
        return load;
}

/* Flat segments as boot.rst asks: CS 0x10, DS 0x18; page tables that map
 * 4 GiB 1:1 with 2 MiB pages for the 64-bit entry. */
static void set_registers(uint64_t load, bool long_mode)
{
        static const uint64_t gdt32[] = { 0, 0, 0x00cf9b000000ffff,
                                          0x00cf93000000ffff };
        static const uint64_t gdt64[] = { 0, 0, 0x00af9b000000ffff,
                                          0x00cf93000000ffff };
        struct kvm_sregs s;
        struct kvm_regs r = { .rflags = 2 };
        struct kvm_segment code = {
                .limit = 0xffffffff,
                .selector = 0x10,
                .type = 11,
                .present = 1,
                .s = 1,
                .g = 1,
                .db = !long_mode,
                .l = long_mode,
        };
        struct kvm_segment data = {
                .limit = 0xffffffff,
                .selector = 0x18,
                .type = 3,
                .present = 1,
                .s = 1,
                .g = 1,
                .db = 1,
        };

        if (ioctl(vcpu_fd, KVM_GET_SREGS, &s))
                err(1, "KVM_GET_SREGS");
        place(GDT_ADDR, long_mode ? gdt64 : gdt32, sizeof(gdt32), "GDT");
        s.gdt.base = GDT_ADDR;
        s.gdt.limit = sizeof(gdt32) - 1;
        s.idt.limit = 0;
        s.cs = code;
        s.ds = s.es = s.fs = s.gs = s.ss = data;
        s.cr0 = 0x11; /* PE, ET */
        s.cr4 = 0;
        s.efer = 0;
        if (long_mode) {
                uint64_t *table = (uint64_t *)(memory + PAGE_TABLE_ADDR);

                table[0] = (PAGE_TABLE_ADDR + 0x1000) | 3;
                for (unsigned int i = 0; i < 4; i++)
                        table[512 + i] =
                                (PAGE_TABLE_ADDR + 0x2000 + i * 0x1000) | 3;
                for (uint64_t i = 0; i < 2048; i++)
                        table[1024 + i] = i << 21 | 0x83;
                s.cr3 = PAGE_TABLE_ADDR;
                s.cr4 = 0x20;      /* PAE */
                s.cr0 |= 1u << 31; /* PG */
                s.efer = 0x500;    /* LME, LMA */
        }
        if (ioctl(vcpu_fd, KVM_SET_SREGS, &s))
                err(1, "KVM_SET_SREGS");
        r.rip = load + (long_mode ? ENTRY_64_OFFSET : 0);
        r.rsi = BOOT_PARAMS_ADDR;
        if (ioctl(vcpu_fd, KVM_SET_REGS, &r))
                err(1, "KVM_SET_REGS");
}

/* ---- run ----------------------------------------------------------- */

/* One port access of the guest; true when the guest has ended. */
static bool port_access(struct kvm_run *run)
{
        uint8_t *data = (uint8_t *)run + run->io.data_offset;
        uint16_t port = run->io.port;
        size_t size = run->io.size;
        bool out = run->io.direction == KVM_EXIT_IO_OUT;

        for (uint32_t i = 0; i < run->io.count; i++, data += size) {
                if (port >= UART_BASE && port < UART_BASE + 8) {
                        if (!out)
                                memset(data, uart_read(port - UART_BASE), size);
                        else if (uart_write(port - UART_BASE, *data))
                                return true;
                } else if (!out) {
                        /* Nobody answers; the keyboard controller is idle. */
                        memset(data, port == 0x64 ? 0 : 0xff, size);
                } else if (port == 0x64 && *data == 0xfe) {
                        return true; /* reset line */
                }
        }
        return false;
}

static int run_guest(void)
{
        int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
        struct kvm_run *run;

        run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                   vcpu_fd, 0);
        if (run == MAP_FAILED)
                err(1, "kvm_run");
        for (;;) {
                if (ioctl(vcpu_fd, KVM_RUN, 0))
                        err(1, "KVM_RUN");
                switch (run->exit_reason) {
                case KVM_EXIT_IO:
                        if (port_access(run))
                                return 0;
                        break;
                case KVM_EXIT_MMIO:
                        if (!run->mmio.is_write)
                                memset(run->mmio.data, 0xff, run->mmio.len);
                        break;
                case KVM_EXIT_HLT:
                case KVM_EXIT_SHUTDOWN:
                case KVM_EXIT_SYSTEM_EVENT:
                        printf("\nvmm: guest stopped: exit reason %u\n",
                               run->exit_reason);
                        return 1;
                case KVM_EXIT_INTR:
                        break;
                default:
                        printf("\nvmm: guest stopped: exit reason %u\n",
                               run->exit_reason);
                        return 1;
                }
        }
}

int main(int argc, char **argv)
{
        const char *signature = "KVMKVMKVM";
        bool long_mode = false, keep_kvm = false;
        int option;

        while ((option = getopt(argc, argv, "e:s:km:")) != -1) {
                switch (option) {
                case 'e':
                        long_mode = !strcmp(optarg, "64");
                        break;
                case 's':
                        signature = optarg;
                        break;
                case 'k':
                        keep_kvm = true;
                        break;
                case 'm':
                        memory_size = strtoull(optarg, NULL, 10) << 20;
                        break;
                default:
                        return 2;
                }
        }
        if (argc - optind != 3)
                errx(2, "usage: vmm [-e 32|64] [-s SIGNATURE] [-k] [-m MIB] "
                        "KERNEL INITRD COMMAND-LINE");
        create_machine();
        set_cpuid(signature, keep_kvm);
        set_registers(
                load_kernel(argv[optind], argv[optind + 1], argv[optind + 2]),
                long_mode);
        return run_guest();
}
