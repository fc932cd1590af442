/* SPDX-License-Identifier: MIT */
/*
 * Writes a file so that it appears whole or not at all.
 *
 * The bytes go into a file that has no name yet (O_TMPFILE), in the folder of
 * the output: whatever kills the program meanwhile, nothing of it is left.
 * Once they are on the disk the file gets its name.  link() can not replace a
 * file, rename() can: so over an old file it takes a temporary name first, for
 * the moment between two system calls.  File systems without O_TMPFILE (NFS,
 * overlays on them) get a named temporary file from the start.
 */
#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

#define MAX_LINKS 40 /* as many as the kernel follows */

/* The file being written. */
struct output {
        const char *path; /* as the user named it: for messages */
        char *target;     /* path, symbolic links followed */
        char *folder;     /* of target */
        char *temporary;  /* name beside target; NULL while there is none */
        int fd;
};

static int write_all(int fd, const uint8_t *data, size_t size)
{
        while (size) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Follows a symbolic link by one step.  1: path was none. */
static int follow(char **path)
{
        char to[PATH_MAX];
        ssize_t size = readlink(*path, to, sizeof(to) - 1);
        char *slash = strrchr(*path, '/'), *next;

        if (size < 0)
                return errno == EINVAL || errno == ENOENT ? 1 : -1;
        to[size] = '\0';
        if (asprintf(&next, "%.*s%s",
                     *to == '/' || !slash ? 0 : (int)(slash - *path + 1), *path,
                     to) < 0)
                return -1;
        free(*path);
        *path = next;
        return 0;
}

/* Sets target and folder.  Not with realpath(), which wants the file to be
 * there. */
static int resolve(struct output *o)
{
        int steps = 0, result;
        char *slash;

        o->target = strdup(o->path);
        if (!o->target)
                return -1;
        while (!(result = follow(&o->target)))
                if (++steps > MAX_LINKS) {
                        errno = ELOOP;
                        return -1;
                }
        if (result < 0)
                return -1;
        o->folder = strdup(o->target);
        if (!o->folder)
                return -1;
        slash = strrchr(o->folder, '/');
        if (!slash)
                strcpy(o->folder, *o->folder ? "." : "");
        else
                slash[slash == o->folder] = '\0'; /* keep the root's slash */
        return 0;
}

static int make_temporary_name(struct output *o)
{
        const char *slash = strrchr(o->target, '/');
        const char *base = slash ? slash + 1 : o->target;

        return asprintf(&o->temporary, "%s/.%.200s.%ld.tmp", o->folder, base,
                        (long)getpid()) < 0
                       ? -1
                       : 0;
}

static int open_unnamed(struct output *o)
{
        o->fd = open(o->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        if (o->fd >= 0 ||
            (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
                return o->fd;
        if (make_temporary_name(o) < 0)
                return -1;
        unlink(o->temporary); /* left by a process that had our number */
        o->fd = open(o->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
                     0666);
        return o->fd;
}

/* Gives the complete file its name. */
static int publish(struct output *o)
{
        char self[32];

        if (!o->temporary) {
                snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
                if (linkat(AT_FDCWD, self, AT_FDCWD, o->target,
                           AT_SYMLINK_FOLLOW) == 0)
                        return 0;
                if (errno != EEXIST || make_temporary_name(o) < 0)
                        return -1;
                unlink(o->temporary);
                if (linkat(AT_FDCWD, self, AT_FDCWD, o->temporary,
                           AT_SYMLINK_FOLLOW) < 0)
                        return -1;
        }
        if (rename(o->temporary, o->target) < 0)
                return -1;
        free(o->temporary);
        o->temporary = NULL;
        return 0;
}

/* The name itself is to survive a power failure; some file systems can not
 * sync a folder, which is no fault of the file. */
static void sync_folder(const struct output *o)
{
        int fd = open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0) {
                fsync(fd);
                close(fd);
        }
}

static int write_whole(struct output *o, const uint8_t *data, size_t size,
                       char **ret_message)
{
        if (resolve(o) < 0 || open_unnamed(o) < 0)
                return fail_errno(ret_message, o->path, "create");
        if (write_all(o->fd, data, size) < 0)
                return fail_errno(ret_message, o->path, "write");
        if (fsync(o->fd) < 0)
                return fail_errno(ret_message, o->path, "sync");
        if (publish(o) < 0)
                return fail_errno(ret_message, o->path, "rename");
        sync_folder(o);
        return 0;
}

static int write_direct(const char *path, const uint8_t *data, size_t size,
                        char **ret_message)
{
        bool is_stdout = !strcmp(path, "-");
        int fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC);
        int err = 0;

        if (fd < 0)
                return fail_errno(ret_message, path, "open");
        if (write_all(fd, data, size) < 0)
                err = fail_errno(ret_message, path, "write");
        if (!is_stdout)
                close(fd);
        return err;
}

int output_write(const char *path, const uint8_t *data, size_t size,
                 char **ret_message)
{
        struct output o = { .path = path, .fd = -1 };
        struct stat st;
        int err;

        if (!strcmp(path, "-") ||
            (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
                return write_direct(path, data, size, ret_message);
        err = write_whole(&o, data, size, ret_message);
        if (o.fd >= 0)
                close(o.fd);
        if (o.temporary)
                unlink(o.temporary);
        free(o.temporary);
        free(o.target);
        free(o.folder);
        return err;
}
