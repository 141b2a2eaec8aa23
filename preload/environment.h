/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The environment variables by which rules and descriptors reach a process, and the programs that
 * it executes.
 *
 *   LD_PRELOAD, IP2UNIX_RULES, IP2UNIX_LOG_LEVEL   inherited; put back where a program executes
 *                                                  another with an environment of its own making
 *   LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID         systemd's; hidden from the program
 *   IP2UNIX_FDS                                    what has become of them, for those that are
 *                                                  executed later: activation.h
 *
 * Copies are kept, since programs write over their environment to change their title (ps).
 */

#include <stddef.h>

enum environment_variable {
        ENVIRONMENT_PRELOAD,
        ENVIRONMENT_RULES,
        ENVIRONMENT_LOG_LEVEL,
        ENVIRONMENT_FDS,
        ENVIRONMENT_INHERITED, /* so many are handed on */
        ENVIRONMENT_LISTEN_FDS = ENVIRONMENT_INHERITED,
        ENVIRONMENT_LISTEN_FDNAMES,
        ENVIRONMENT_LISTEN_PID,
        ENVIRONMENT_JOURNAL_STREAM,
        ENVIRONMENT_COUNT,
};

/* Read the variables, and hide systemd's. envp: the program's own array, which is changed. */
void environment_open(char **envp);

/* The value of a variable as it was when the program started, or NULL. */
const char *environment_get(enum environment_variable variable);

/* Tell the program's children of kept descriptors: to be called after activation_open(). */
void environment_publish_fds(char **envp);

/* Put the present numbers into IP2UNIX_FDS, after one has moved. */
void environment_update_fds(void);

/* How many pointers environment_complete() may need for envp (which may be NULL). */
size_t environment_size(char *const envp[]);

/*
 * The environment for a program that is about to be executed: envp, and those of our variables
 * that it lacks. A variable that it has stays as it is, but for LD_PRELOAD, which has to name our
 * library beside what else it names. Async-signal-safe.
 *
 * ret: environment_size(envp) pointers, for the result.
 * preload: PATH_MAX bytes or so, for an LD_PRELOAD that has to be put together.
 * Returns envp itself when nothing is missing. Strings are shared, not copied.
 */
char *const *environment_complete(char *const envp[], char **ret, char *preload,
                                  size_t preload_size);
