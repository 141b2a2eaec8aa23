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

/* A socket as the program has it, before it becomes another. */
struct inet_socket {
        int fd;
        word word;          /* as it stands in the table, perhaps zero */
        sa_family_t family; /* AF_INET, AF_INET6; AF_UNIX for rules with from-unix= */
        int type;
        int protocol;
        struct sock *sock; /* held by word; NULL for a socket that is what it seems to be */
        const struct unix_name *name; /* AF_UNIX: what the program binds or connects it to */
        word flags;                   /* what the word of a fresh IP socket in its place says */
        ino_t file;                   /* where the word is zero; or 0 */
};

static inline bool inet_socket_is_standin(const struct inet_socket *inet)
{
        return inet->sock && inet->sock->kind == SOCK_STANDIN;
}

/*
 * What is this descriptor?
 * Returns false unless it is an IP stream or datagram socket, or a stand-in for one.
 */
bool inet_socket_find(int fd, struct inet_socket *ret);

/* The same for one that has been converted; sock is that of the held word w. */
struct inet_socket inet_socket_of(int fd, word w);

/*
 * The same for a Unix socket of the program's own, stream or datagram, that has no other word than
 * WORD_PLAIN.
 */
bool inet_socket_find_unix(int fd, struct inet_socket *ret);

/* What the program has bound it to: kept in buf, or in its sock. Returns NULL when it has not. */
const struct endpoint *inet_socket_local(const struct inet_socket *inet, struct endpoint *buf);

/* A new object that says what inet is. Errors: NULL when there is no memory. */
struct sock *inet_socket_object(const struct inet_socket *inet, enum sock_kind kind);

/*
 * A new object for the socket that inet will become, with the options that were set so far.
 * Errors: NULL when there is no memory.
 */
struct sock *convert_prepare(const struct inet_socket *inet, enum sock_kind kind);

/*
 * Which open file is at the number: to be compared after something was waited for. 0: none.
 */
ino_t inet_socket_file(const struct inet_socket *inet);

/* Set on a new socket what the program has set of the options that all sockets have. */
void convert_copy_options(int from, int to);

/* So many conversions there have been: when it has changed, a socket may be another by now. */
unsigned convert_count(void);

/*
 * Replace the socket at inet->fd, and at the other numbers that it has in this process, by a
 * duplicate of with. On success sock is in the table, and its reference is the table's. sock may be
 * NULL: with is an IP socket that is to be none of ours.
 *
 * shared: other workers use the same open file (SO_REUSEPORT). Its O_NONBLOCK is all of theirs, and
 * a worker that has not set it yet must not take it from those that have.
 *
 * Errors: a negative errno; the program's socket is as it was, and sock still the caller's.
 */
int convert(const struct inet_socket *inet, int with, struct sock *sock, bool shared);

/*
 * The socket stays what it is, and becomes what w says, which is about to be in the table: the
 * duplicates that the program made before are it as well.
 */
void convert_names(const struct inet_socket *inet, word w);

/*
 * Set on an IP socket what the program had set on the one before: the options of IP, TCP and UDP.
 */
void convert_restore_options(int fd, const struct option_values *options);

/*
 * Give the program a fresh IP socket in place of a converted one, with its options.
 *
 * bound: what it is to be bound to, although a rule is about that address: nobody can listen there.
 * NULL: nothing.
 * Errors: -ENOBUFS, and those of bind(2); the program's socket is as it was.
 */
int convert_back(const struct inet_socket *inet, const struct sockaddr *bound, socklen_t length);

/*
 * The same for one that sends or connects to what no rule is about: bound as the program has bound
 * it. Errors: the same, and -ENETUNREACH where the kernel makes no IP sockets.
 */
int convert_back_bound(const struct inet_socket *inet);

/*
 * Replace it by a socket that nobody can reach.
 * Errors: as bind(2) and listen(2) document: -ENOBUFS.
 */
int convert_to_blackhole(const struct inet_socket *inet, const struct endpoint *local);
