/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* connect(2) of stream sockets by a rule with path= or abstract=. */

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "rules/rule.h"

/*
 * Connect to the rule's target and put that connection in the place of the program's socket.
 *
 * A Unix socket is connected at once, or not at all. A socket with O_NONBLOCK is told about it as
 * TCP does, later: -EINPROGRESS is no error then, and the descriptor is a SOCK_CONNECTION or a
 * SOCK_REFUSED.
 *
 * local: what the program has bound its socket to; NULL: nothing.
 * asked: the address that it connects to.
 * Errors: as connect(2) has them for IP sockets, and -ENAMETOOLONG; but after -EINPROGRESS the
 * program's socket is as it was.
 */
int client_connect(const struct inet_socket *inet, const struct rule *rule,
                   const struct endpoint *local, const struct endpoint *asked,
                   const struct rule_query *query);

/*
 * Tell of the refusal, once.
 * fd: the socket that could not be connected, SOCK_REFUSED; others have nothing to tell.
 * Returns the error as a negative errno, then 0.
 */
int client_take_error(int fd, struct sock *sock);
