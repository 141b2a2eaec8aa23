/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The options that a connection inherits from a TCP listener, and does not from a Unix one: tcp(7),
 * socket(7). A listener remembers which of them the program has set, as one bit each, so that
 * accept(2) costs nothing more where there are none.
 */

#include <sys/socket.h>

/* Which of them has the program set on an IP socket? */
unsigned inherited_find(int fd);

/* The set after setsockopt(2) of a converted listener: name and value as given to it. */
unsigned inherited_note(unsigned set, int name, const void *value, socklen_t length);

/* Set those on another socket: two system calls each. What either has not is passed over. */
void inherited_copy(int from, int to, unsigned set);

/* The set without SO_SNDBUF and SO_SNDTIMEO, of which converted datagram sockets have their own. */
unsigned inherited_but_sending(unsigned set);

/* All, but for buffer sizes that nobody has set. */
unsigned inherited_complete(unsigned set);
