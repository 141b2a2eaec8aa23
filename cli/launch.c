/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/launch.h"

#include "cli/message.h"
#include "cli/program-check.h"
#include "cli/search-path.h"
#include "common/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What execvp(3) runs scripts with that name no interpreter. */
#define SHELL "/bin/sh"

/* An attempt to run the program. */
struct attempt {
        char **argv; /* NULL: only find out whether it would be */
        char **envp;
        char path[PATH_MAX];
        struct program program; /* what is known of the file at path */
        bool refused;           /* and has been told of */
};

/* What execve(2) says before it looks into the file. */
static int check_executable(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int execute_by_shell(struct attempt *attempt)
{
        _cleanup_free_ char **argv = NULL;
        char shell[] = SHELL;
        size_t n = 0;

        while (attempt->argv[n])
                n++;
        argv = calloc(n + 2, sizeof(*argv));
        if (!argv)
                return -ENOMEM;
        argv[0] = shell;
        argv[1] = attempt->path;
        for (size_t i = 1; i < n; i++)
                argv[i + 1] = attempt->argv[i];
        execve(SHELL, argv, attempt->envp);
        return -errno;
}

/* Returns a negative errno, or 0 when the program was only to be checked. */
static int execute(struct attempt *attempt)
{
        struct program shell;

        if (attempt->argv)
                execve(attempt->path, attempt->argv, attempt->envp);
        if (attempt->argv && errno != ENOEXEC)
                return -errno;
        if (!attempt->argv && attempt->program.kind != PROGRAM_UNKNOWN)
                return 0;
        attempt->refused = program_check(SHELL, &shell) == -EPERM;
        if (attempt->refused)
                return -EPERM;
        return attempt->argv ? execute_by_shell(attempt) : 0;
}

static int try_path(struct attempt *attempt)
{
        int r;

        attempt->program.is_interpreter = false;
        r = check_executable(attempt->path);
        if (r < 0)
                return r;
        r = program_check(attempt->path, &attempt->program);
        attempt->refused = r == -EPERM;
        /* A file that can be executed but not read is judged by the kernel alone. */
        if (attempt->refused || (r < 0 && r != -EACCES && !attempt->argv))
                return r;
        return execute(attempt);
}

/* Returns as try_path() does for the path that decided. */
static int try_paths(struct attempt *attempt, const char *name)
{
        struct search_path search;
        bool denied = false;
        int r = -ENOENT;

        if (strlen(name) >= PATH_MAX)
                return -ENAMETOOLONG;
        search_path_begin(&search, name);
        while (search_path_next(&search, attempt->path)) {
                r = try_path(attempt);
                if (attempt->refused || !search_path_goes_on(-r))
                        return r;
                denied = denied || r == -EACCES;
        }
        return denied ? -EACCES : r;
}

static size_t strings_size(char **strings)
{
        size_t size = 0;

        while (*strings)
                size += strlen(*strings++) + 1 + sizeof(char *);
        return size;
}

/* The kernel counts strings and pointers to them, and lets them have a quarter of the stack. */
static void complain_size(const struct attempt *attempt, const char *name)
{
        message(MESSAGE_ERROR,
                "can't run %s: its arguments and environment, rules included, take %zu bytes, and "
                "the kernel takes %ld (a quarter of what 'ulimit -s' says) and 131072 in one piece",
                name, strings_size(attempt->argv) + strings_size(attempt->envp),
                sysconf(_SC_ARG_MAX));
}

static int run(struct attempt *attempt, const char *name)
{
        int r = try_paths(attempt, name);

        if (r == 0)
                return 0;
        if (r == -E2BIG)
                complain_size(attempt, name);
        else if (!attempt->refused && attempt->program.is_interpreter)
                message(MESSAGE_ERROR, "can't run %s: its interpreter %s: %s", name,
                        attempt->program.file, strerror(-r));
        else if (r == -ENOENT && !strchr(name, '/'))
                message(MESSAGE_ERROR, "can't run %s: there is no such program in PATH", name);
        else if (!attempt->refused)
                message(MESSAGE_ERROR, "can't run %s: %s", name, strerror(-r));
        return r == -ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_RUN;
}

int launch(char **argv, char **envp)
{
        struct attempt attempt = {.argv = argv, .envp = envp};

        return run(&attempt, argv[0]);
}

int launch_check(const char *name)
{
        struct attempt attempt = {};

        return run(&attempt, name);
}
