/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The environment variables by which rules and descriptors reach a process, and the programs that
 * it executes.
 *
 *   LD_PRELOAD, IP2UNIX_RULES, IP2UNIX_RULES_2 …, IP2UNIX_LOG_LEVEL
 *                                                  inherited; put back where a program executes
 *                                                  another with an environment of its own making
 *   LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID         systemd's; the program sees in them what no rule
 *                                                  can take
 *   IP2UNIX_FDS                                    what has become of them, for those that are
 *                                                  executed later: kept.h
 *
 * Copies are kept, since programs write over their environment to change their title (ps).
 */

#include <stdbool.h>
#include <stddef.h>

#include "rules/parts.h"

enum environment_variable {
        ENVIRONMENT_PRELOAD,
        ENVIRONMENT_RULES,
        ENVIRONMENT_LOG_LEVEL,
        ENVIRONMENT_FDS,
        ENVIRONMENT_RULES_2, /* and so on: rules/parts.h */
        ENVIRONMENT_INHERITED = ENVIRONMENT_RULES_2 + RULE_PARTS_MAX - 1, /* are handed on */
        ENVIRONMENT_LISTEN_FDS = ENVIRONMENT_INHERITED,
        ENVIRONMENT_LISTEN_FDNAMES,
        ENVIRONMENT_LISTEN_PID,
        ENVIRONMENT_JOURNAL_STREAM,
        ENVIRONMENT_RUNTIME_DIRECTORY,
        ENVIRONMENT_XDG_RUNTIME_DIR,
        ENVIRONMENT_COUNT,
};

/*
 * Read the variables, and hide systemd's until environment_show_passed(). envp: the program's own
 * array, which is changed.
 */
void environment_open(char **envp);

/* The value of a variable as it was when the program started, or NULL. */
const char *environment_get(enum environment_variable variable);

/* The value of IP2UNIX_RULES_N, or of IP2UNIX_RULES for 1; number: to RULE_PARTS_MAX. */
const char *environment_get_rules(size_t number);

/*
 * Show systemd's variables to the program again, if there is something that they tell of. count:
 * for LISTEN_FDS; names: for LISTEN_FDNAMES, where systemd set that, and no longer than it was.
 */
void environment_show_passed(char **envp, unsigned count, const char *names);

/*
 * Tell the program's children of kept descriptors: to be called when all is in place that the
 * program is to see, since the array can't grow, and exec puts back what it lacks. Where none are
 * kept, marks: sockets with a mark (mark.h) may come to them; begun: the service has begun to serve
 * (inheritance.h).
 */
void environment_publish_fds(char **envp, bool marks, bool begun);

/*
 * There are marked sockets from now on: programs that are executed later are told to look for them.
 * Async-signal-safe.
 */
void environment_announce_marks(void);

/* Put the present numbers into IP2UNIX_FDS, after one has moved. */
void environment_update_fds(void);

/*
 * How many bytes environment_complete() needs for envp (which may be NULL); 0 when nothing has to
 * be added, as is the rule.
 */
size_t environment_missing(char *const envp[]);

/*
 * The environment for a program that is about to be executed: envp, and those of our variables
 * that it lacks. A variable that it has stays as it is, but for LD_PRELOAD, which has to name our
 * library beside what else it names. Async-signal-safe. Strings are shared, not copied.
 *
 * memory: environment_missing(envp) bytes, aligned for pointers.
 * Returns memory.
 */
char **environment_complete(char *const envp[], void *memory);

/*
 * Can the next program load our library? ld.so(8) goes on without what it can't find: after
 * chroot(2), say.
 */
bool environment_has_library(void);

/* Put what is missing into the process's own environment: not async-signal-safe. */
void environment_restore(void);
