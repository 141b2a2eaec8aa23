/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Of threads that send first on one socket, or connect it, one replaces it: what had been sent from
 * the socket of another would be answered to nobody. Who claims it is done in less than a
 * millisecond, unless he does not run. Async-signal-safe: who replaces a datagram socket has
 * blocked signals, of others a handler does not wait for long for who it has interrupted.
 */

#include "preload/convert.h"
#include "preload/sock.h"

/*
 * The socket is going to be replaced by this thread: then there is claim_done() with its word,
 * which is held, or else claim_give_up(). Errors: -EBADF: it is not what inet says any more.
 * Somebody may have closed the descriptor while a connect(2) or a lock was waited for, and what has
 * its number now must not be replaced.
 */
int claim_take(const struct inet_socket *inet);
void claim_done(word before);
void claim_give_up(const struct inet_socket *inet);

/* Is it so yet? Somebody may have closed the descriptor all the same. */
bool claim_holds(const struct inet_socket *inet);

/* Another thread may be about to replace the socket: wait until it has, or has not. */
void claim_await(int fd);

/* In a child that was forked: who has claimed something is not there. */
void claim_fork_child(void);

/*
 * A datagram socket is about to be closed, or something else put over its number: nobody replaces
 * it from now on, who might replace what has the number next. The second is called when the table
 * says that it is closed, or it is not after all. In between, signals may be blocked.
 */
struct claim {
        word w; /* held; 0: nobody ever would replace it */
        bool blocks;
        uint64_t signals; /* before */
};

void claim_to_close(int fd, struct claim *ret);
void claim_closed(int fd, const struct claim *claim);

/*
 * claim_await() before a datagram socket is received from, or the Unix socket would be seen that
 * the program knows nothing of. Returns the word by then.
 */
static inline word claim_await_datagram(int fd, word w)
{
        const bool may_be =
                word_is_inet(w)
                        ? w & WORD_CLAIMED && w & WORD_DGRAM
                        : WORD_KIND(w) == WORD_SOCK &&
                                  __builtin_expect(sock_at(WORD_INDEX(w))->claimed_by != 0, 0);

        if (__builtin_expect(!may_be, 1))
                return w;
        claim_await(fd);
        return table_get(fd);
}
