/* SPDX-License-Identifier: MIT */
/*
 * The first program of every boot test: tells what kernel runs it, and powers
 * the machine off.
 *
 * It says what it found through the kernel's log: that works where a console
 * has no interrupt yet, and keeps lines whole.  (The log takes more than ten
 * lines in five seconds only with printk.devkmsg=on.)
 *
 * It is linked statically and is the whole initramfs.  One line a
 * fact, "ingot-test: WORD VALUE", and "ingot-test: end" last, so that the
 * host can tell a complete report from a torn one:
 *
 *      begin      the kernel reached user space
 *      cmdline    /proc/cmdline
 *      uname      as uname -a
 *      build-id   GNU build-id of the running kernel: which image this is
 *      hypervisor lines of the kernel's log that name its platform; several
 *      text       address of _text as /proc/kallsyms gives it (KASLR offset)
 *      memory     MemTotal in kB
 *      module     "loaded" if /lib/modules/RELEASE/dummy.ko is there and this
 *                 kernel takes it, else its error
 *      end        everything above was said
 *
 * A fact that can't be had is given as "-".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LOG_SIZE (1 << 20) /* CONFIG_LOG_BUF_SHIFT is 17 to 20 in practice */

#define KLOG_READ_ALL 3   /* syslog(2), SYSLOG_ACTION_READ_ALL */
#define MAX_VALUE     900 /* bytes of a fact: the log refuses lines above 1024 */

/* What kernels say about the platform they run on; a line of the log that
 * holds one of these is printed. */
static const char *const platform_lines[] = {
        "Booting paravirtualized kernel",
        "Hypervisor detected:",
        "Xen version:",
        "Hyper-V: ",
        "kvm-clock: ",
        "vmware: ",
        "DMI: ",
};

/* The kernel's log takes a line as a whole and prints it without interrupts;
 * its level is above that of "quiet". */
static int kernel_log;

static void say(const char *word, const char *value)
{
        char line[1024];
        int size = snprintf(line, sizeof(line), "<3>ingot-test: %s %.*s\n",
                            word, MAX_VALUE, value[0] ? value : "-");

        if (write(kernel_log, line, (size_t)size) != size)
                perror("ingot-test: /dev/kmsg");
}

static void open_log(void)
{
        mkdir("/dev", 0755);
        mknod("/dev/kmsg", S_IFCHR | 0600, makedev(1, 11));
        kernel_log = open("/dev/kmsg", O_WRONLY);
}

/* First line of a file, without its newline; empty if there is none. */
static void read_line(const char *path, char *ret_line, size_t line_size)
{
        FILE *f = fopen(path, "r");

        ret_line[0] = '\0';
        if (!f)
                return;
        if (fgets(ret_line, (int)line_size, f))
                ret_line[strcspn(ret_line, "\n")] = '\0';
        fclose(f);
}

static void say_uname(void)
{
        struct utsname u;
        char line[sizeof(u)];

        if (uname(&u))
                return say("uname", "");
        snprintf(line, sizeof(line), "%s %s %s %s %s", u.sysname, u.nodename,
                 u.release, u.version, u.machine);
        say("uname", line);
}

/* /sys/kernel/notes is the kernel's PT_NOTE: name size, description size and
 * type, 4 bytes each, then both padded to 4 bytes.  NT_GNU_BUILD_ID is 3. */
static void say_build_id(void)
{
        static uint8_t notes[65536];
        char hex[2 * 64 + 1] = "";
        FILE *f = fopen("/sys/kernel/notes", "r");
        size_t size = f ? fread(notes, 1, sizeof(notes), f) : 0;
        size_t at = 0;

        if (f)
                fclose(f);
        while (size - at >= 12) {
                uint32_t head[3];
                uint64_t desc, next;

                memcpy(head, notes + at, sizeof(head));
                desc = at + 12 + (((uint64_t)head[0] + 3) & ~3ull);
                next = desc + (((uint64_t)head[1] + 3) & ~3ull);
                if (next > size)
                        break;
                if (head[2] == 3 && head[0] == 4 && head[1] <= 64 &&
                    !memcmp(notes + at + 12, "GNU", 4)) {
                        for (uint32_t i = 0; i < head[1]; i++)
                                sprintf(hex + 2 * i, "%02x", notes[desc + i]);
                        break;
                }
                at = next;
        }
        say("build-id", hex);
}

/* The lines of the kernel's log that tell its platform, levels and times
 * removed. */
static void say_platform(void)
{
        static char log[LOG_SIZE + 1];
        int size = klogctl(KLOG_READ_ALL, log, LOG_SIZE);
        int count = 0;

        if (size < 0)
                size = 0;
        log[size] = '\0';
        for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
                for (size_t i = 0;
                     i < sizeof(platform_lines) / sizeof(platform_lines[0]);
                     i++) {
                        char *text = strstr(line, platform_lines[i]);

                        if (!text)
                                continue;
                        say("hypervisor", text);
                        count++;
                        break;
                }
        }
        if (!count)
                say("hypervisor", "");
}

static void say_text(void)
{
        char line[256];
        FILE *f = fopen("/proc/kallsyms", "r");

        while (f && fgets(line, sizeof(line), f)) {
                char *name = strstr(line, " _text\n");

                if (!name || name - line < 2)
                        continue;
                name[-2] = '\0';
                fclose(f);
                return say("text", line);
        }
        if (f)
                fclose(f);
        say("text", "");
}

static void say_memory(void)
{
        char line[256];

        read_line("/proc/meminfo", line, sizeof(line));
        say("memory", line + strcspn(line, "0123456789"));
}

/* A distribution's initramfs has modules for each variant of a file; only those
 * that were built with the one that boots are taken. */
static void say_module(void)
{
        struct utsname u;
        char path[sizeof(u.release) + 64];
        int fd;

        if (uname(&u))
                return say("module", "");
        snprintf(path, sizeof(path), "/lib/modules/%s/dummy.ko", u.release);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return say("module", errno == ENOENT ? "" : strerror(errno));
        if (syscall(SYS_finit_module, fd, "numdummies=1", 0))
                say("module", strerror(errno));
        else
                say("module", access("/sys/class/net/dummy0", F_OK) ?
                                      "no dummy0" :
                                      "loaded");
        close(fd);
}

int main(void)
{
        char cmdline[4096];

        open_log();
        say("begin", "");
        mkdir("/proc", 0555);
        mkdir("/sys", 0555);
        mount("proc", "/proc", "proc", 0, NULL);
        mount("sysfs", "/sys", "sysfs", 0, NULL);

        read_line("/proc/cmdline", cmdline, sizeof(cmdline));
        say("cmdline", cmdline);
        say_uname();
        say_build_id();
        say_platform();
        say_text();
        say_memory();
        say_module();
        say("end", "");

        sleep(1); /* for consoles that print in a thread */
        reboot(LINUX_REBOOT_CMD_POWER_OFF);
        reboot(LINUX_REBOOT_CMD_HALT);
        for (;;)
                pause();
}
