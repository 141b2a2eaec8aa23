/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/program.h"

#include "common/cleanup.h"
#include "common/program-elf.h"
#include "common/root.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* As many interpreters of interpreters as the kernel follows. */
#define INTERPRETERS_MAX 5

/* As much of a script's first line as the kernel reads. */
#define FIRST_LINE_MAX 256

/* systemd's own search path, which is not the service's. */
static const char *const search_path[] = {
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", NULL,
};

/* Open a file that is a program. Returns a descriptor, or a negative errno. */
static int open_program(const char *root, const char *path)
{
        _cleanup_close_ int fd = root_open(root, path, O_RDONLY);
        struct stat st;
        int taken = fd;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        fd = -1;
        return taken;
}

static int find_program(const char *root, const char *name, char *const *search)
{
        char path[PATH_MAX];

        if (strchr(name, '/'))
                return open_program(root, name);
        for (const char *const *dir = search ? (const char *const *)search : search_path; *dir;
             dir++) {
                int fd;

                if (snprintf(path, sizeof(path), "%s/%s", *dir, name) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                fd = open_program(root, path);
                if (fd >= 0)
                        return fd;
        }
        return -ENOENT;
}

/*
 * The interpreter that a script names, or false when it is no script. line: its first bytes,
 * terminated; the name is cut out of it.
 */
static bool read_interpreter(char *line, const char **ret)
{
        char *name;

        if (line[0] != '#' || line[1] != '!')
                return false;
        name = line + 2;
        name += strspn(name, " \t");
        name[strcspn(name, " \t\n")] = '\0';
        *ret = name;
        return *name == '/';
}

/* Both make the kernel tell the dynamic loader to ignore LD_PRELOAD (AT_SECURE in getauxval(3)). */
static enum program_kind check_privileges(int fd)
{
        struct stat st;

        if (fstat(fd, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
                return PROGRAM_SET_ID;
        if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
                return PROGRAM_CAPABILITIES;
        return PROGRAM_PRELOADABLE;
}

static int inspect_file(int fd, const char *start, enum program_kind *ret)
{
        *ret = check_privileges(fd);
        if (*ret != PROGRAM_PRELOADABLE)
                return 0;
        if (memcmp(start, "\177ELF", 4) != 0) {
                *ret = PROGRAM_UNKNOWN;
                return 0;
        }
        return program_elf_inspect(fd, ret);
}

int program_inspect(const char *root, const char *path, char *const *search, enum program_kind *ret)
{
        char lines[2][FIRST_LINE_MAX + 1];

        for (unsigned i = 0; i <= INTERPRETERS_MAX; i++) {
                _cleanup_close_ int fd = find_program(root, path, search);
                /* The path may lie in the other one. */
                char *line = lines[i % 2];
                ssize_t n;

                if (fd < 0)
                        return fd;
                n = pread(fd, line, FIRST_LINE_MAX, 0);
                if (n < 0)
                        return -errno;
                memset(line + n, 0, (size_t)(FIRST_LINE_MAX + 1 - n));
                if (!read_interpreter(line, &path))
                        return inspect_file(fd, line, ret);
        }
        return -ELOOP;
}

static const char *const obstacles[] = {
        [PROGRAM_STATIC] = "is statically linked",
        [PROGRAM_GO] = "is a Go program, which makes its own system calls",
        [PROGRAM_FOREIGN] = "is built for another architecture",
        [PROGRAM_SET_ID] = "is set-user-ID or set-group-ID",
        [PROGRAM_CAPABILITIES] = "has file capabilities",
        [PROGRAM_UNKNOWN] = NULL,
};

const char *program_obstacle(enum program_kind kind)
{
        return obstacles[kind];
}
