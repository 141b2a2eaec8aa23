/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A mark on the socket itself, that tells another process whose IP address it stands for.
 *
 * The descriptor table ends with exec(3), and a descriptor that is sent over a Unix socket arrives
 * where nobody knows it. Two options that have no effect on a Unix socket stay with it: together
 * they hold 95 bits, unprivileged, for as long as the socket lives.
 *
 *   SO_MAX_PACING_RATE, 64 bits   local IPv4 address (32), local port (16), peer's port (16);
 *                                 of a connection that connect(2) made, the peer's address
 *   SO_INCOMING_CPU, 31 bits      a constant (19), what it is (12)
 *
 * An IPv6 address does not fit: the wildcard, the loopback and IPv4-mapped addresses are kept,
 * others are remembered as the loopback.
 */

#include "preload/sock.h"

/*
 * Stamp a descriptor. listener: sock of a listener or a promoted connection itself; for an
 * accepted connection its listener, with the connection's word.
 */
void mark_write(int fd, const struct sock *sock, word w);

/* Stamp a connection that another program will get, unless it has been. Others are left alone. */
void mark_write_connection(int fd);

/* The same for all connections that exec(3) does not close. */
void mark_write_inherited(void);

/*
 * Can there be a descriptor here that another process has marked? Only if one like us has executed
 * this program, or descriptors have arrived over a Unix socket. Otherwise nobody has to look.
 */
extern bool mark_may_be_inherited;

/*
 * Look for a mark on an untracked descriptor, and track it if there is one.
 * Returns whether the descriptor is tracked now. errno is kept.
 */
bool mark_search(int fd);

static inline bool mark_adopt(int fd)
{
        return __builtin_expect(__atomic_load_n(&mark_may_be_inherited, __ATOMIC_RELAXED), 0) &&
               mark_search(fd);
}

/* The same, and remember an open descriptor that has none as WORD_PLAIN: it is not looked at again.
 */
bool mark_look(int fd);
