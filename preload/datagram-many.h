/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* recvmmsg(2) and sendmmsg(2) on converted datagram sockets: many datagrams in one system call. */

#include <sys/socket.h>
#include <time.h>

#include "preload/datagram.h"

/*
 * So many of the messages as one call of the kernel's gives.
 *
 * Returns 0 when they have to be received one by one, or else what recvmmsg(2) does, or a negative
 * errno.
 */
int datagram_receive_many(int fd, struct sock *sock, struct mmsghdr *messages, unsigned count,
                          int flags, struct timespec *timeout);

/*
 * The first of the messages, as many as go to whom they are addressed without further ado.
 *
 * Returns their number; 0 when the first needs a look (datagram_send()).
 */
unsigned datagram_send_many(int fd, struct sock *sock, struct mmsghdr *messages, unsigned count,
                            int flags);
