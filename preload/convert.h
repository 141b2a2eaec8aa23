/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Puts another socket at the number of the program's, so that the program doesn't notice: what it
 * has set before still holds (flags, owner and signal, timeouts, buffers, epoll registrations).
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "preload/sock.h"
#include "preload/table.h"

/* An IP socket as the program made it, before it is converted. */
struct inet_socket {
        int fd;
        word word; /* as it stands in the table, perhaps zero */
        sa_family_t family;
        int type;
        int protocol;
        struct sock *standin; /* held by word; NULL for a real IP socket */
};

/*
 * What is this descriptor?
 * Returns false unless it is an IP stream or datagram socket, or a stand-in for one.
 */
bool inet_socket_find(int fd, struct inet_socket *ret);

/*
 * A new object for the socket that inet will become, with the options that were set so far.
 * Errors: NULL when there is no memory.
 */
struct sock *convert_prepare(const struct inet_socket *inet, enum sock_kind kind);

/*
 * Replace the socket at inet->fd, and at the other numbers that it has in this process, by a
 * duplicate of with. On success sock is in the table, and its reference is the table's.
 *
 * shared: other workers use the same open file (SO_REUSEPORT). Its O_NONBLOCK is all of theirs, and
 * a worker that has not set it yet must not take it from those that have.
 *
 * Errors: a negative errno; the program's socket is as it was, and sock still the caller's.
 */
int convert(const struct inet_socket *inet, int with, struct sock *sock, bool shared);

/*
 * Replace it by a socket that nobody can reach.
 * Errors: as bind(2) and listen(2) document: -ENOBUFS.
 */
int convert_to_blackhole(const struct inet_socket *inet, const struct endpoint *local);
