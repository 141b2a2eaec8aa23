/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Connections that came in through a converted listener.
 *
 * Most live in their descriptor's word alone (WORD_ACCEPTED): a reference to the listener, the
 * peer's port, two flags. One on which the program sets an option that has no room there becomes a
 * struct sock of its own.
 */

#include "preload/endpoint.h"
#include "preload/sock.h"

/*
 * The peer's address to tell, of a connection or of one that this listener accepted: the loopback
 * address with the given port, or with peer=credentials what SO_PEERCRED says. Documented in
 * ip2unix-rules(7).
 */
struct endpoint connection_peer(int fd, const struct sock *sock, uint16_t port);

/* The connection's own end: the listener's address, the loopback address for the wildcard. */
struct endpoint connection_local(const struct endpoint *listener, sa_family_t family);

/*
 * Track a connection that accept(2) has just made.
 *
 * w: the listener's word, held since before accept(2), in which another thread may have closed the
 * listener. On success the reference is the connection's.
 * Errors: -EMFILE, -ENOMEM; the connection is untracked, and to be closed by the caller.
 */
int connection_track(int fd, word w, uint16_t port);

/*
 * Make a struct sock of a connection that has none yet.
 * Returns the descriptor's word, held: WORD_SOCK, or what it is when that did not work.
 */
word connection_promote(int fd);
