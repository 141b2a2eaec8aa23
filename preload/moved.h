/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IP sockets that a rule with inet= binds or connects elsewhere. They stay what they are; the
 * program is told the addresses that it has asked for.
 */

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "rules/rule.h"

/*
 * The address that the rule puts in the place of another, for a socket of that family. An IPv6
 * socket reaches an IPv4 address by its IPv4-mapped form.
 * Errors: -EADDRNOTAVAIL, with a message: an IPv4 socket can't have an IPv6 address.
 */
int moved_address(const struct rule *rule, const struct endpoint *asked, sa_family_t family,
                  struct sockaddr_storage *ret, socklen_t *ret_length);

/* Bind there. Errors: as bind(2). */
int moved_bind(const struct inet_socket *inet, const struct rule *rule,
               const struct endpoint *asked);

/* Connect there. Errors: as connect(2): -EINPROGRESS is one. */
int moved_connect(const struct inet_socket *inet, const struct rule *rule,
                  const struct endpoint *asked);

/*
 * The local address to tell, of a moved socket or a connection that came in through one.
 * Errors: as getsockname(2).
 */
int moved_local(int fd, const struct sock *sock, struct endpoint *ret);
