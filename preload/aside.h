/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A connected datagram socket may send to others than its peer, and does not hear their answers:
 * connect(2), udp(7). Where such a datagram leads from IP to Unix sockets or back, the socket must
 * not become another one, or the connection would be lost. It goes out from a socket that is made
 * for it.
 */

#include "preload/datagram-send.h"
#include "preload/target.h"

/*
 * Both return what sendmsg(2) would, or a negative errno of it.
 * from: the program's socket, whose address and options the other one has as far as it can.
 */
ssize_t aside_send_unix(const struct target *target, const struct outgoing *out);
ssize_t aside_send_ip(int from, const struct sock *sock, const struct outgoing *out,
                      const struct sockaddr *addr, socklen_t length);
