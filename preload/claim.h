/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Of threads that send first on one socket, or connect it, one replaces it: what had been sent from
 * the socket of another would be answered to nobody. Who claims it is done in less than a
 * millisecond, unless he does not run. Async-signal-safe: of datagram sockets the caller has
 * blocked signals, of others a handler does not wait for long for who it has interrupted.
 */

#include "preload/convert.h"

/*
 * The socket is going to be replaced by this thread; that ends the claim, or claim_give_up().
 * Errors: -EBADF: it is not what inet says any more. Somebody may have closed the descriptor while
 * a connect(2) or a lock was waited for, and what has its number now must not be replaced.
 */
int claim_take(const struct inet_socket *inet);
void claim_give_up(const struct inet_socket *inet);

/* Is it so yet? Somebody may have closed the descriptor all the same. */
bool claim_holds(const struct inet_socket *inet);

/* Another thread may be about to replace a datagram socket: wait until it has, or has not. */
void claim_await(int fd);

/* May claim_await() have to wait? A look at the word of the descriptor. */
static inline bool claim_may_be(word w)
{
        return word_is_inet(w) && w & WORD_CLAIMED && w & WORD_DGRAM;
}
