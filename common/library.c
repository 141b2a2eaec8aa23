/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/library.h"

#include "common/program-elf.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_at(int fd, void *data, size_t size, uint64_t offset)
{
        ssize_t n = pread(fd, data, size, (off_t)offset);

        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -ENOEXEC;
}

/* A package that was unpacked in part leaves a file that is cut short behind its header. */
static int check_segments(int fd, const ElfW(Ehdr) * header, uint64_t size)
{
        for (unsigned i = 0; i < header->e_phnum; i++) {
                ElfW(Phdr) segment;
                int r = read_at(fd, &segment, sizeof(segment),
                                header->e_phoff + i * sizeof(segment));

                if (r < 0)
                        return r;
                if (segment.p_type == PT_LOAD &&
                    (segment.p_offset > size || segment.p_filesz > size - segment.p_offset))
                        return -ENOEXEC;
        }
        return 0;
}

/* NoExecPaths= and mounts without exec show at this and at nothing before it. */
static int check_mapping(int fd)
{
        void *page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

        if (page == MAP_FAILED)
                return -errno;
        munmap(page, 1);
        return 0;
}

int library_check(int fd)
{
        ElfW(Ehdr) header;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENOEXEC;
        r = read_at(fd, &header, sizeof(header), 0);
        if (r < 0)
                return r;
        if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_DYN ||
            !program_elf_is_native(&header))
                return -ENOEXEC;
        r = check_segments(fd, &header, (uint64_t)st.st_size);
        return r < 0 ? r : check_mapping(fd);
}

const char *library_error(int error)
{
        return error == -ENOEXEC ? "not a shared library for this machine" : strerror(-error);
}
