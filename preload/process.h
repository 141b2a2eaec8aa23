/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose memory is this?
 *
 * A child of vfork(2), or of clone(2) with CLONE_VM but without CLONE_FILES, runs in its parent's
 * memory with a descriptor table of its own. What it closes and duplicates (CPython and Java do
 * both) must not be recorded: the memory with our records goes on being the parent's.
 *
 * While a vfork child runs, its parent's thread is stopped, and both have the same thread-local
 * storage. So a counter there, raised around vfork, tells most of the time without a system call.
 */

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * Raised by vfork.S, and around clone(CLONE_VM | CLONE_VFORK), with the process that made the
 * child: when it goes on, a signal handler may run before the counter is lowered.
 */
extern __thread int process_vforks __attribute__((tls_model("initial-exec"), visibility("hidden")));
extern __thread pid_t process_vforker
        __attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * Set once the program has made a child that runs beside its parent in the same memory, which
 * nobody but exotic sandboxes does. From then on changes of the table ask getpid(2) whose they are.
 */
extern bool process_is_shared;

bool process_is_stranger(void);

/* Are we a child that only borrows this memory? */
static inline bool process_is_borrowed(void)
{
        return (__builtin_expect(process_vforks > 0, 0) && getpid() != process_vforker) ||
               (__builtin_expect(process_is_shared, 0) && process_is_stranger());
}

/* For vfork.S: set errno and return -1. */
int process_vfork_failed(int number) __attribute__((visibility("hidden")));

/*
 * Is this the process of that number, or is that one gone? A daemon forks and goes on as its own
 * child, with all that its parent had.
 */
bool process_is_heir_of(pid_t pid);

/* getpid(2), which is only asked once in a process. Async-signal-safe. */
pid_t process_id(void);

/* Called before such a child is made. Errors: -ENOMEM. */
int process_share(void);
