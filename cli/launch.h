/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exit statuses for a program that does not run, as env(1) has them. */
#define LAUNCH_CANNOT_RUN 126
#define LAUNCH_NOT_FOUND  127

/*
 * Execute a program in place of this one, the way that execvp(3) would find it, unless it is one
 * that no library can be preloaded into.
 *
 * argv: the program's name and arguments. envp: its environment.
 *
 * Returns, when it does not run, the exit status that says why; it has been printed.
 */
int launch(char **argv, char **envp);

/*
 * Find the program and look at it, as launch() does, without executing it.
 *
 * Returns 0 or the exit status that launch() would give.
 */
int launch_check(const char *name);
