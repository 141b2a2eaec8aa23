/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * exec(3), execveat(2), fexecve(3), posix_spawn(3), system(3), popen(3): what this process knows
 * has to reach the program that comes after it, through the environment and through marks on the
 * sockets that it inherits. nginx, for one, executes its successor with an environment that has one
 * variable.
 *
 * All may be called by a child of vfork(2), on the parent's stack and in its memory: nothing is
 * allocated, and nothing is written but to our own frame.
 */

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/activation.h"
#include "preload/environment.h"
#include "preload/hook.h"
#include "preload/mark.h"

#define PRELOAD_SIZE PATH_MAX

/* The caller's frame holds the environment: its size is known at run time alone. */
#define COMPLETE_ENVIRONMENT(envp)                                                                 \
        environment_complete((envp), __builtin_alloca(environment_size(envp) * sizeof(char *)),    \
                             (char[PRELOAD_SIZE]){0}, PRELOAD_SIZE)

static void prepare(void)
{
        mark_write_inherited();
        activation_prepare_exec();
}

/* What exec(3) returned, for it does so when it failed. */
static int failed(int r)
{
        activation_exec_failed();
        return r;
}

static int exec_path(const char *path, char *const argv[], char *const envp[])
{
        prepare();
        return failed(next.execve(path, argv, (char **)COMPLETE_ENVIRONMENT(envp)));
}

static int exec_search(const char *file, char *const argv[], char *const envp[])
{
        prepare();
        return failed(NEXT(execvpe)(file, argv, (char **)COMPLETE_ENVIRONMENT(envp)));
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
        return exec_path(path, argv, envp);
}

HOOK int execv(const char *path, char *const argv[])
{
        return exec_path(path, argv, environ);
}

HOOK int execvp(const char *file, char *const argv[])
{
        return exec_search(file, argv, environ);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
        return exec_search(file, argv, envp);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
        prepare();
        return failed(NEXT(fexecve)(fd, argv, (char **)COMPLETE_ENVIRONMENT(envp)));
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
        prepare();
        return failed(NEXT(execveat)(fd, path, argv, (char **)COMPLETE_ENVIRONMENT(envp), flags));
}

static size_t count_arguments(va_list ap)
{
        size_t n = 1;

        while (va_arg(ap, char *))
                n++;

        return n;
}

/* Gather the arguments of execl() and its like, the first of them given, into an array. */
#define GATHER(argument, argv, ap)                                                                 \
        do {                                                                                       \
                va_list counted;                                                                   \
                size_t n;                                                                          \
                va_copy(counted, ap);                                                              \
                n = argument ? count_arguments(counted) : 0;                                       \
                va_end(counted);                                                                   \
                argv = __builtin_alloca((n + 1) * sizeof(char *));                                 \
                argv[0] = (char *)(argument);                                                      \
                for (size_t i = 1; i <= n; i++)                                                    \
                        argv[i] = va_arg(ap, char *);                                              \
        } while (0)

HOOK int execl(const char *path, const char *argument, ...)
{
        char **argv;
        va_list ap;

        va_start(ap, argument);
        GATHER(argument, argv, ap);
        va_end(ap);

        return exec_path(path, argv, environ);
}

HOOK int execlp(const char *file, const char *argument, ...)
{
        char **argv;
        va_list ap;

        va_start(ap, argument);
        GATHER(argument, argv, ap);
        va_end(ap);

        return exec_search(file, argv, environ);
}

HOOK int execle(const char *path, const char *argument, ...)
{
        char *const *envp;
        char **argv;
        va_list ap;

        va_start(ap, argument);
        GATHER(argument, argv, ap);
        envp = va_arg(ap, char *const *);
        va_end(ap);

        return exec_path(path, argv, envp);
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
        mark_write_inherited();
        return NEXT(posix_spawn)(pid, path, actions, attributes, argv,
                                 (char **)COMPLETE_ENVIRONMENT(envp));
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
        mark_write_inherited();
        return NEXT(posix_spawnp)(pid, file, actions, attributes, argv,
                                  (char **)COMPLETE_ENVIRONMENT(envp));
}

/*
 * A connection that is close-on-exec may yet be duplicated for the new program, by the C library
 * and without our hooks.
 */
HOOK int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
        mark_write_connection(fd);
        return NEXT(posix_spawn_file_actions_adddup2)(actions, fd, to);
}

/* Their shell gets the environment as it is, and the connections that are not close-on-exec. */
HOOK int system(const char *command)
{
        mark_write_inherited();
        return NEXT(system)(command);
}

HOOK FILE *popen(const char *command, const char *mode)
{
        mark_write_inherited();
        return NEXT(popen)(command, mode);
}
