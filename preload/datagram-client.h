/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the datagram socket of a client is made, and named so that it can be answered. */

#include "preload/convert.h"
#include "preload/datagram.h"

/*
 * Make a client of an IP socket, or of a stand-in: a Unix socket that can be answered, and that is
 * connected nowhere yet.
 * towards: whom it is going to send to.
 * serves: that is a peer of a server's, so that it hears everybody, as the server does.
 * Errors: -ENOBUFS, -EACCES and those of bind(2); the program's socket is as it was.
 */
int datagram_make_client(const struct inet_socket *inet, const struct target *towards, bool serves);

/*
 * A client's socket was named before there was anybody at its target, and perhaps so that it can't
 * be answered from there: give it another name, when somebody is there now.
 * Returns true when another struct sock is in the table for fd since.
 */
bool datagram_rename(int fd, const struct sock *sock, const struct target *target);
