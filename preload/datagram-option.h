/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of converted datagram sockets that are neither a Unix socket's own nor in the table.
 */

#include "preload/datagram.h"

/*
 * As setsockopt(2) and getsockopt(2).
 * Return 0 or a negative errno; 1: the option is like those of other sockets.
 */
int datagram_set_option(struct sock *sock, int level, int name, const void *value,
                        socklen_t length);
int datagram_get_option(int fd, const struct sock *sock, int level, int name, void *value,
                        socklen_t *length);
