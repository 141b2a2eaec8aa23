/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Threads that wait for a datagram wait on the socket that was there when they began. When it is
 * replaced by another one (convert.h), they have to be woken to wait on that. Async-signal-safe.
 */

#include <stdatomic.h>

#include "preload/convert.h"

/*
 * The datagram socket is about to be replaced: shut it down, so that who waits for it wakes. But
 * not where another process may have it: each receive there would return at once, for ever.
 * Returns what waking_end() is given.
 */
int waking_begin(const struct inet_socket *inet);

/* It was replaced, or stays what it is. */
void waking_end(int waking);

/* Who has received nothing may have been woken: wait until the socket is another. */
void waking_settle(void);

/*
 * A datagram socket was made, and the table says so. forks: waking_forks before: a child may have
 * the socket that was forked meanwhile.
 */
extern _Atomic unsigned waking_forks;

void waking_note_made(int fd, unsigned forks);

/*
 * For pthread_atfork(3): a child is about to be forked that will have all our sockets. While that
 * lasts none is shut down.
 */
void waking_fork_prepare(void);
void waking_fork_parent(void);
void waking_fork_child(void);

/* Another program is about to be executed beside this one that will have those without FD_CLOEXEC.
 */
void waking_note_exec(void);
