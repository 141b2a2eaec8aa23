/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What becomes of a socket that a rule says is to be bound. */

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "rules/rule.h"

/*
 * Carry out a rule for bind(2); any action but "ignore".
 *
 * endpoint: what the program binds to. query: the bind, as the rule was found by.
 * Errors: as bind(2) documents; the program's socket is as it was.
 */
int serve(const struct inet_socket *inet, const struct rule *rule, const struct endpoint *endpoint,
          const struct rule_query *query);

/*
 * A datagram socket that nobody has bound is about to send or to connect, which binds it: to the
 * wildcard address and a port that the kernel chooses. A rule for that, with "in", names it.
 * Returns 1 when it has, 0: there is none, or a negative errno.
 */
int serve_unbound(const struct inet_socket *inet);
