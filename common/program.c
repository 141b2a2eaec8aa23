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

/* Where program_inspect() looks for files. */
struct rooted {
        const char *root;
        char *const *search;
};

int program_check_regular(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

static int open_rooted(const void *userdata, const char *path)
{
        const struct rooted *rooted = userdata;
        int fd = root_open(rooted->root, path, O_RDONLY);
        int r;

        if (fd < 0)
                return fd;
        r = program_check_regular(fd);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

static int find_rooted(const void *userdata, const char *name)
{
        const struct rooted *rooted = userdata;
        const char *const *dir = rooted->search ? (const char *const *)rooted->search : search_path;
        char path[PATH_MAX];

        for (; *dir; dir++) {
                int fd;

                if (snprintf(path, sizeof(path), "%s/%s", *dir, name) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                fd = open_rooted(userdata, path);
                if (fd >= 0)
                        return fd;
        }
        return -ENOENT;
}

/* The first line of a script: what runs it, and the one argument that the kernel makes of the rest.
 */
struct first_line {
        char text[FIRST_LINE_MAX + 1];
        const char *interpreter;
        const char *argument;
};

/* Returns whether it is a script, or a negative errno. */
static int read_first_line(int fd, struct first_line *line)
{
        ssize_t n = pread(fd, line->text, FIRST_LINE_MAX, 0);
        char *end;

        if (n < 0)
                return -errno;
        memset(line->text + n, 0, sizeof(line->text) - (size_t)n);
        if (line->text[0] != '#' || line->text[1] != '!')
                return false;
        end = line->text + strcspn(line->text, "\n");
        while (end[-1] == ' ' || end[-1] == '\t')
                end--;
        *end = '\0';
        line->interpreter = line->text + 2 + strspn(line->text + 2, " \t");
        end = line->text + (line->interpreter - line->text) + strcspn(line->interpreter, " \t");
        if (*end != '\0')
                *end++ = '\0';
        line->argument = end + strspn(end, " \t");
        return *line->interpreter != '\0';
}

/*
 * The command that env(1) is asked to find, or false where it can't be told. Without -S the
 * argument is the name of a command whole; with it, words, of which some may be variables.
 */
static bool read_env_command(const struct first_line *line, char command[static FIRST_LINE_MAX + 1])
{
        const char *name = strrchr(line->interpreter, '/');
        const char *word = line->argument;
        bool split = strncmp(word, "-S", 2) == 0;
        size_t length;

        if (!name || strcmp(name, "/env") != 0)
                return false;
        word += split ? 2 : 0;
        do {
                word += strspn(word, " \t");
                length = split ? strcspn(word, " \t") : strlen(word);
                if (!memchr(word, '=', length))
                        break;
                word += length;
        } while (split);
        /* Other options and quotes, which scripts do without, are env's to understand. */
        if (length == 0 || *word == '-' || strcspn(word, "=\"'\\$") < length)
                return false;
        memcpy(command, word, length);
        command[length] = '\0';
        return true;
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

static int inspect_file(int fd, enum program_kind *ret)
{
        char start[4] = "";

        *ret = check_privileges(fd);
        if (*ret != PROGRAM_PRELOADABLE)
                return 0;
        if (pread(fd, start, sizeof(start), 0) < 0)
                return -errno;
        if (memcmp(start, "\177ELF", sizeof(start)) != 0) {
                *ret = PROGRAM_UNKNOWN;
                return 0;
        }
        return program_elf_inspect(fd, ret);
}

static int set_file(struct program *program, const char *file)
{
        if (strlen(file) >= sizeof(program->file))
                return -ENAMETOOLONG;
        strcpy(program->file, file);
        return 0;
}

/* Go on to what runs the script. Returns 1, 0 when that can't be opened from here, or an error. */
static int enter_interpreter(const struct program_files *files, const struct first_line *line,
                             int *fd, struct program *ret)
{
        ret->is_interpreter = true;
        strcpy(ret->file, line->interpreter);
        if (*line->interpreter != '/' && !files->relative) {
                ret->kind = PROGRAM_UNKNOWN;
                return 0;
        }
        cleanup_close(fd);
        *fd = files->open(files->userdata, ret->file);
        return *fd < 0 ? *fd : 1;
}

/* Where env(1) has been entered and will do, go on to its command. Returns as above. */
static int enter_env_command(const struct program_files *files, const struct first_line *line,
                             int *fd, struct program *ret)
{
        char command[FIRST_LINE_MAX + 1];
        int r;

        if (!read_env_command(line, command))
                return 1;
        r = inspect_file(*fd, &ret->kind);
        if (r < 0 || ret->kind != PROGRAM_PRELOADABLE)
                return r;
        strcpy(ret->file, command);
        cleanup_close(fd);
        *fd = (strchr(command, '/') ? files->open : files->find)(files->userdata, command);
        return *fd < 0 ? *fd : 1;
}

int program_follow(const struct program_files *files, const char *path, struct program *ret)
{
        _cleanup_close_ int fd = -1;
        int r = set_file(ret, path);

        ret->is_interpreter = false;
        if (r < 0)
                return r;
        fd = (strchr(path, '/') ? files->open : files->find)(files->userdata, path);
        for (unsigned i = 0; fd >= 0 && i <= INTERPRETERS_MAX; i++) {
                struct first_line line;

                r = read_first_line(fd, &line);
                if (r < 0)
                        return r;
                if (r == 0)
                        return inspect_file(fd, &ret->kind);
                r = enter_interpreter(files, &line, &fd, ret);
                if (r > 0)
                        r = enter_env_command(files, &line, &fd, ret);
                if (r <= 0)
                        return r;
        }
        return fd < 0 ? fd : -ELOOP;
}

int program_inspect(const char *root, const char *path, char *const *search, struct program *ret)
{
        const struct rooted rooted = {.root = root, .search = search};
        const struct program_files files = {
                .open = open_rooted,
                .find = find_rooted,
                .userdata = &rooted,
        };

        return program_follow(&files, path, ret);
}

static const char *const obstacles[] = {
        [PROGRAM_STATIC] = "is statically linked",
        [PROGRAM_GO] = "is a Go program, which makes its own system calls",
        [PROGRAM_FOREIGN] = "is built for another architecture",
        [PROGRAM_OTHER_LIBC] = "is linked against another C library than glibc",
        [PROGRAM_SET_ID] = "is set-user-ID or set-group-ID",
        [PROGRAM_CAPABILITIES] = "has file capabilities",
        [PROGRAM_UNKNOWN] = NULL,
};

const char *program_obstacle(enum program_kind kind)
{
        return obstacles[kind];
}
