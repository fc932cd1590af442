/* SPDX-License-Identifier: MIT */
/*
 * Reads an input image: a bzImage or an ELF kernel, whole, as its own boot
 * loader would take it.
 *
 * The file's magic number says which: 0x7f "ELF", or "HdrS" at 0x202.  Of a
 * bzImage's set-up header (Linux, Documentation/x86/boot.rst) each value is
 * checked before it is used; the payload is then unpacked (payload.c) and its
 * ELF headers are read (kernel-elf.c).
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-parts.h"
#include "message.h"
#include "../stub/multi-image/format.h"

/* Largest input: a payload of the largest size, stored, and 64 MiB around it. */
#define IMAGE_MAX_FILE ((size_t)IMAGE_MAX_PAYLOAD + (64u << 20))

/* Offsets in the set-up header, with the names of boot.rst. */
enum {
        SETUP_SECTS = 0x1f1,
        SYSSIZE = 0x1f4,
        BOOT_FLAG = 0x1fe,
        HEADER_MAGIC = 0x202,
        VERSION = 0x206,
        LOADFLAGS = 0x211,
        KERNEL_ALIGNMENT = 0x230,
        RELOCATABLE_KERNEL = 0x234,
        XLOADFLAGS = 0x236,
        CMDLINE_SIZE = 0x238,
        PAYLOAD_OFFSET = 0x248,
        PAYLOAD_LENGTH = 0x24c,
        PREF_ADDRESS = 0x258,
        INIT_SIZE = 0x260,
        HEADER_END = 0x264, /* of protocol 2.10, the oldest taken */
};

#define LOADED_HIGH      1     /* bit of loadflags: a bzImage, not a zImage */
#define MIN_VERSION      0x20a /* first with pref_address and init_size */
#define XLOADFLAGS_SINCE 0x20c /* xloadflags was padding before */

static uint16_t get16(const uint8_t *data, size_t offset)
{
        le16 v;

        memcpy(&v, data + offset, sizeof(v));
        return get_le16(v);
}

static uint32_t get32(const uint8_t *data, size_t offset)
{
        le32 v;

        memcpy(&v, data + offset, sizeof(v));
        return get_le32(v);
}

static uint64_t get64(const uint8_t *data, size_t offset)
{
        le64 v;

        memcpy(&v, data + offset, sizeof(v));
        return get_le64(v);
}

/* Sizes: the set-up, the protected-mode part and the payload in it. */
static int read_sizes(struct image *image, char **ret_message)
{
        const uint8_t *data = image->data;
        /* boot.rst: "if setup_sects is 0, the real value is 4" */
        size_t sectors = data[SETUP_SECTS] ? data[SETUP_SECTS] : 4;
        uint64_t system_size = (uint64_t)get32(data, SYSSIZE) * 16;
        uint64_t offset = get32(data, PAYLOAD_OFFSET);
        uint64_t length = get32(data, PAYLOAD_LENGTH);

        image->setup_size = (sectors + 1) * 512;
        if (image->setup_size >= image->size)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: setup_sects: %zu sectors reach beyond the "
                            "file's %zu bytes",
                            image->path, sectors, image->size);
        if (system_size > image->size - image->setup_size)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: syssize: file is truncated: %" PRIu64
                            " bytes of protected-mode code announced, %zu "
                            "present",
                            image->path, system_size,
                            image->size - image->setup_size);
        if (length == 0)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload_length: the image has no payload",
                            image->path);
        if (offset + length > image->size - image->setup_size)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: payload_offset: %#" PRIx64 " + %#" PRIx64
                            " bytes reach beyond the protected-mode code's "
                            "%#zx",
                            image->path, offset, length,
                            image->size - image->setup_size);
        image->payload_offset = image->setup_size + offset;
        image->payload_size = length;
        return 0;
}

/* Where and in how much memory the kernel wants to run. */
static int read_memory_needs(struct image *image, char **ret_message)
{
        const uint8_t *data = image->data;
        size_t system_size = image->size - image->setup_size;

        image->cmdline_size = get32(data, CMDLINE_SIZE);
        image->init_size = get32(data, INIT_SIZE);
        image->pref_address = get64(data, PREF_ADDRESS);
        image->kernel_alignment = get32(data, KERNEL_ALIGNMENT);
        if (image->version >= XLOADFLAGS_SINCE)
                image->xloadflags = get16(data, XLOADFLAGS);

        if (image->init_size > IMAGE_MAX_PAYLOAD)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: init_size: %#" PRIx32
                            " is more than the limit of %#x",
                            image->path, image->init_size, IMAGE_MAX_PAYLOAD);
        /* Loaders copy the file into a buffer of init_size bytes. */
        if (image->init_size < system_size)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: init_size: %#" PRIx32
                            " is less than the protected-mode code's %#zx",
                            image->path, image->init_size, system_size);
        if (data[RELOCATABLE_KERNEL] &&
            (image->kernel_alignment == 0 ||
             image->kernel_alignment & (image->kernel_alignment - 1)))
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: kernel_alignment: %#" PRIx32
                            " is no power of two",
                            image->path, image->kernel_alignment);
        return 0;
}

static int parse_bzimage(struct image *image, char **ret_message)
{
        const uint8_t *data = image->data;
        int err;

        image->kind = IMAGE_BZIMAGE;
        if (get16(data, BOOT_FLAG) != 0xaa55)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: boot_flag: %#x instead of 0xaa55", image->path,
                            get16(data, BOOT_FLAG));
        image->version = get16(data, VERSION);
        if (image->version < MIN_VERSION)
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: version: boot protocol %u.%02u is older than "
                            "2.10 and unsupported",
                            image->path, image->version >> 8,
                            image->version & 0xff);
        if (!(data[LOADFLAGS] & LOADED_HIGH))
                return fail(ret_message, EXIT_BAD_INPUT,
                            "%s: loadflags: %#x: a zImage is unsupported",
                            image->path, data[LOADFLAGS]);

        if ((err = read_sizes(image, ret_message)) ||
            (err = read_memory_needs(image, ret_message)) ||
            (err = payload_unpack(image, ret_message)))
                return err;
        return kernel_elf_read(image, ret_message);
}

static int parse_elf(struct image *image, char **ret_message)
{
        image->kind = IMAGE_ELF;
        image->payload = image->data;
        image->unpacked_size = image->size;
        return kernel_elf_read(image, ret_message);
}

static int parse(struct image *image, char **ret_message)
{
        if (image->size >= 4 && !memcmp(image->data, "\177ELF", 4))
                return parse_elf(image, ret_message);
        if (image->size >= HEADER_END &&
            !memcmp(image->data + HEADER_MAGIC, "HdrS", 4))
                return parse_bzimage(image, ret_message);
        return fail(ret_message, EXIT_BAD_INPUT,
                    "%s: neither a bzImage nor an ELF kernel (%zu bytes)",
                    image->path, image->size);
}

int image_parse(const char *path, uint8_t *data, size_t size,
                struct image *ret_image, char **ret_message)
{
        struct image image = { .data = data, .size = size };
        int err;

        image.path = strdup(path);
        if (!image.path)
                err = fail_errno(ret_message, path, "memory");
        else
                err = parse(&image, ret_message);
        if (err) {
                image_free(&image);
                return err;
        }
        *ret_image = image;
        return 0;
}

static int read_all(int fd, uint8_t *data, size_t size)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, data + done, size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return -1; /* 0: the file shrank while being read */
                done += (size_t)n;
        }
        return 0;
}

int file_read(const char *path, uint8_t **ret_data, size_t *ret_size,
              char **ret_message)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint8_t *data = NULL;
        struct stat st;
        int err;

        if (fd < 0)
                return fail_errno(ret_message, path, "open");
        if (fstat(fd, &st) < 0) {
                err = fail_errno(ret_message, path, "stat");
        } else if (!S_ISREG(st.st_mode)) {
                err = fail(ret_message, EXIT_IO, "%s: not a regular file",
                           path);
        } else if ((uint64_t)st.st_size > IMAGE_MAX_FILE) {
                err = fail(ret_message, EXIT_BAD_INPUT,
                           "%s: %jd bytes are more than the limit of %zu", path,
                           (intmax_t)st.st_size, IMAGE_MAX_FILE);
        } else if (!(data = malloc((size_t)st.st_size + 1)) ||
                   (errno = 0, read_all(fd, data, (size_t)st.st_size) < 0)) {
                err = errno ? fail_errno(ret_message, path, "read")
                            : fail(ret_message, EXIT_IO,
                                   "%s: read: the file changed meanwhile",
                                   path);
        } else {
                *ret_data = data;
                *ret_size = (size_t)st.st_size;
                data = NULL;
                err = 0;
        }
        free(data);
        close(fd);
        return err;
}

int image_read(const char *path, struct image *ret_image, char **ret_message)
{
        uint8_t *data;
        size_t size;
        int err = file_read(path, &data, &size, ret_message);

        if (err)
                return err;
        return image_parse(path, data, size, ret_image, ret_message);
}

void image_free(struct image *image)
{
        if (image->payload != image->data)
                free(image->payload);
        free(image->data);
        free(image->path);
        memset(image, 0, sizeof(*image));
}

bool image_find_addr(const struct image *image, uint64_t addr, uint64_t size,
                     uint64_t *ret_offset, uint64_t *ret_load_addr)
{
        const struct image_segment *s = image->segments;
        uint64_t shift = s->vaddr - s->paddr; /* of the kernel proper */
        uint32_t i;

        for (i = 0; i < image->segment_count; i++, s++) {
                if (addr < s->vaddr || addr - s->vaddr > s->filesz ||
                    size > s->filesz - (addr - s->vaddr))
                        continue;
                *ret_offset = s->offset + (addr - s->vaddr);
                *ret_load_addr = s->paddr + shift + (addr - s->vaddr);
                return true;
        }
        return false;
}
