/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* bind(2) by a rule with path= or abstract=: a Unix socket of our own at the rule's target. */

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "rules/rule.h"

/*
 * Put a Unix socket that is bound to the rule's target in the place of the program's.
 *
 * endpoint: what the program binds to; for port 0, a port is chosen for which the target is free.
 * query: the bind, as the rule was found by.
 *
 * Where the rule has led to the same target already, and that socket is still open, the program's
 * becomes a blackhole, or with SO_REUSEPORT another descriptor of that socket.
 *
 * Errors: as bind(2) and bind(3p) document for IP sockets, and -ENAMETOOLONG; the program's socket
 * is as it was.
 */
int listener_bind(const struct inet_socket *inet, const struct rule *rule,
                  const struct endpoint *endpoint, const struct rule_query *query);

/*
 * A datagram socket that shares its address with others of this process was connected: it hears its
 * peer alone from now on, and the others get a new socket at the target, as the kernel would give
 * them what the peer does not send. Servers of DTLS have such a socket for each client.
 */
void listener_divide(const struct sock *connected);

/*
 * accept(2) is back on a listener that another thread has closed meanwhile. Until then accept(2)
 * itself held the socket, so that the file can only be removed now.
 *
 * sock: the listener, held.
 */
void listener_left(const struct sock *sock);

/* Has the socket SO_REUSEPORT? */
bool listener_is_shared(const struct inet_socket *inet);
