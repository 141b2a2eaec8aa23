/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * exec(3), execveat(2), fexecve(3), posix_spawn(3), system(3), popen(3), wordexp(3): what this
 * process knows has to reach the program that comes after it, through the environment and through
 * marks on the sockets that it inherits. nginx, for one, executes its successor with an environment
 * that has one variable.
 *
 * All may be called by a child of vfork(2), on the parent's stack and in its memory: nothing is
 * allocated, and nothing is written but to our own frame.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/environment.h"
#include "preload/hook.h"
#include "preload/inheritance.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/memory.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/waking.h"

/* So much of the stack may be taken: threads have been seen with 64 KiB of it. */
#define STACK_MAX 16384

/* A macro, for what it takes from the stack is the caller's. Without memory nothing is executed. */
#define WITH_ENVIRONMENT(envp, completed, call)                                                    \
        ({                                                                                         \
                const size_t size = environment_missing(envp);                                     \
                void *memory = size == 0           ? NULL                                          \
                               : size <= STACK_MAX ? __builtin_alloca(size)                        \
                                                   : memory_map(size);                             \
                char **completed = size == 0 ? (char **)(envp)                                     \
                                   : memory  ? environment_complete((envp), memory)                \
                                             : NULL;                                                \
                const int result = size > 0 && !memory ? -ENOMEM : (call);                         \
                if (size > STACK_MAX && memory)                                                    \
                        (void)kernel_munmap(memory, size);                                         \
                result;                                                                            \
        })

/*
 * A wrapper that has gone where our library is not (chroot(8) does) would execute a server that
 * opens its IP port. Once the service serves, what it executes is its own business.
 */
static int check_library(const char *file)
{
        const int saved = errno;

        if (!rule_set.concerns_in || inheritance_has_begun() || environment_has_library())
                return 0;

        log_message(LOG_ERR, file, ": not executed, since libip2unix.so cannot be loaded there (",
                    LOG_ERRNO(errno), "), and it would open its IP ports");
        errno = saved;
        return -EACCES;
}

/* Both return 0, or -EACCES when nothing may be executed. */
static int prepare_exec(const char *file)
{
        if (check_library(file) < 0)
                return -EACCES;

        mark_write_inherited();
        if (process_is_borrowed())
                waking_note_exec();
        inheritance_prepare_exec();
        return 0;
}

static int prepare_spawn(const char *file)
{
        if (check_library(file) < 0)
                return -EACCES;

        mark_write_inherited();
        waking_note_exec();
        inheritance_prepare_spawn();
        return 0;
}

/* What exec(3) returned, for it does so when it failed; or the negative errno of our own failure.
 */
static int failed(int r)
{
        inheritance_exec_failed();
        return r < -1 ? hook_result(r) : -1;
}

static int exec_path(const char *path, char *const argv[], char *const envp[])
{
        if (prepare_exec(path) < 0)
                return hook_result(-EACCES);

        return failed(WITH_ENVIRONMENT(envp, completed, next.execve(path, argv, completed)));
}

static int exec_search(const char *file, char *const argv[], char *const envp[])
{
        if (prepare_exec(file) < 0)
                return hook_result(-EACCES);

        return failed(WITH_ENVIRONMENT(envp, completed, NEXT(execvpe)(file, argv, completed)));
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
        if (prepare_exec("fexecve") < 0)
                return hook_result(-EACCES);

        return failed(WITH_ENVIRONMENT(envp, completed, NEXT(fexecve)(fd, argv, completed)));
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
        if (prepare_exec(path) < 0)
                return hook_result(-EACCES);

        return failed(WITH_ENVIRONMENT(envp, completed,
                                       NEXT(execveat)(fd, path, argv, completed, flags)));
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

/* posix_spawn(3) returns its errors. */
HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
        int r;

        if (prepare_spawn(path) < 0)
                return EACCES;

        r = WITH_ENVIRONMENT(envp, completed,
                             NEXT(posix_spawn)(pid, path, actions, attributes, argv, completed));
        return r < 0 ? -r : r;
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
        int r;

        if (prepare_spawn(file) < 0)
                return EACCES;

        r = WITH_ENVIRONMENT(envp, completed,
                             NEXT(posix_spawnp)(pid, file, actions, attributes, argv, completed));
        return r < 0 ? -r : r;
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

/* Their shell gets environ as it is, and the connections that are not close-on-exec. */
HOOK int system(const char *command)
{
        environment_restore();
        mark_write_inherited();
        return NEXT(system)(command);
}

HOOK FILE *popen(const char *command, const char *mode)
{
        environment_restore();
        mark_write_inherited();
        return NEXT(popen)(command, mode);
}

/* "$(command)" is for the shell. */
HOOK int wordexp(const char *words, wordexp_t *ret, int flags)
{
        environment_restore();
        mark_write_inherited();
        return NEXT(wordexp)(words, ret, flags);
}
