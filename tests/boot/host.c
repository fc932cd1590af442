/* SPDX-License-Identifier: MIT */
/*
 * The first program of the outer machine of nested boot tests: loads KVM's
 * modules, runs /vmm with the arguments in /arguments (one a line), and powers
 * off.  What the inner guest prints goes to this machine's console.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGUMENTS 32

/* In the order in which they need each other. */
static const char *const modules[] = {
        "/irqbypass.ko",
        "/kvm.ko",
        "/kvm-amd.ko",
};

static void load_modules(void)
{
        for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
                int fd = open(modules[i], O_RDONLY | O_CLOEXEC);

                if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
                        printf("host: %s: %m\n", modules[i]);
                if (fd >= 0)
                        close(fd);
        }
}

static void run_vmm(void)
{
        static char text[8192];
        char *arguments[MAX_ARGUMENTS + 2] = { "/vmm" };
        FILE *f = fopen("/arguments", "r");
        int count = 1, status = -1;
        pid_t pid;

        if (!f || !fread(text, 1, sizeof(text) - 1, f)) {
                printf("host: /arguments: %m\n");
                return;
        }
        for (char *a = strtok(text, "\n"); a && count <= MAX_ARGUMENTS;
             a = strtok(NULL, "\n"))
                arguments[count++] = a;
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                execv(arguments[0], arguments);
                _exit(127);
        }
        waitpid(pid, &status, 0);
        printf("\nhost: ended: vmm's status is %d\n", status);
}

int main(void)
{
        int fd;

        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        fd = open("/dev/console", O_RDWR);
        if (fd >= 0) {
                dup2(fd, 0);
                dup2(fd, 1);
                dup2(fd, 2);
        }
        printf("host: begin\n");
        load_modules();
        run_vmm();
        fflush(stdout);
        sleep(1); /* let the console drain */
        reboot(RB_POWER_OFF);
        for (;;)
                pause();
}
