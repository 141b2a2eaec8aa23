/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Receives from converted datagram sockets: udp(7) on top of unix(7). */

#include <sys/types.h>

#include "preload/datagram.h"
#include "preload/waking.h"

/* Both are for sockets for which sock_is_datagram() holds, and return what recv(2) does, or a
 * negative errno. */

/*
 * Nothing has come: is it that another thread has made another socket of it, by sending for the
 * first time? Who waits for a datagram is woken then (waking.h), and has to receive again.
 * before: what datagram_sock() said.
 */
static inline bool datagram_was_replaced(int fd, const struct sock *before)
{
        const word w = table_get(fd);
        const struct sock *sock = sock_of(w);

        /* Of a stream, nothing is the end. */
        if (sock ? sock->type == SOCK_DGRAM : w & WORD_DGRAM)
                waking_settle();
        return datagram_sock(table_get(fd)) != before;
}

/* addr, length: as for recvfrom(2). */
ssize_t datagram_receive(int fd, struct sock *sock, void *buf, size_t size, int flags,
                         struct sockaddr *addr, socklen_t *length);

ssize_t datagram_receive_message(int fd, struct sock *sock, struct msghdr *msg, int flags);

/* Is there nobody who could send to it whom the program must not hear? */
bool datagram_hears_all(const struct sock *sock);

/*
 * Fill in what the program is told of a datagram that is heard.
 * n: its length; kernel: what the kernel has told; source: the name in it.
 * Returns the length that the program is told.
 */
ssize_t datagram_finish_message(int fd, struct sock *sock, ssize_t n, struct msghdr *kernel,
                                struct target *source, struct msghdr *ret);
