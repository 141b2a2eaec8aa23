/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sends from converted datagram sockets: udp(7) on top of unix(7). */

#include <sys/types.h>

#include "preload/convert.h"
#include "preload/datagram.h"
#include "preload/peers.h"

/* What is sent: the bytes of buf, or of msg unless that is NULL. */
struct outgoing {
        const void *buf;
        size_t size; /* of both */
        const struct msghdr *msg;
        int flags; /* as for send(2) */
};

struct outgoing outgoing_message(const struct msghdr *msg, int flags);

/* Send to a target. Returns what sendmsg(2) would, or a negative errno of it. */
ssize_t outgoing_transmit(int fd, const struct outgoing *out, const struct target *target);

/* Does an error of that say that nobody is there, of which UDP's senders are told nothing? */
bool outgoing_is_absence(int error);

/* Is it to be many datagrams: UDP_SEGMENT, udp(7)? A Unix socket would make one of it. */
bool outgoing_is_segmented(const struct sock *sock, const struct outgoing *out);

/*
 * What datagram_send() returns besides: no rule is about the address, and the socket is one of IP
 * again, from which it is to be sent.
 */
#define DATAGRAM_IS_IP (-4096)

/*
 * Send from a socket for which sock_is_datagram() holds.
 *
 * addr: where the program sends it, or NULL: to the peer. The rules are asked here.
 * A datagram that nobody takes, or that a slow receiver has no room for, counts as sent.
 * Returns the number of bytes or a negative errno, as send(2) has them for UDP.
 */
ssize_t datagram_send(int fd, const struct outgoing *out, const struct sockaddr *addr,
                      socklen_t length);
