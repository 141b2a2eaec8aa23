/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Threads that wait for a datagram wait on the socket that was there when they began. When it is
 * replaced by another one (convert.h), they have to be woken to wait on that. Async-signal-safe.
 */

#include "preload/convert.h"

/*
 * The datagram socket is about to be replaced: shut it down, so that who waits for it wakes.
 * Returns what waking_end() is given.
 */
int waking_begin(const struct inet_socket *inet);

/* It was replaced, or stays what it is. */
void waking_end(int waking);

/* Who has received nothing may have been woken: wait until the socket is another. */
void waking_settle(void);
