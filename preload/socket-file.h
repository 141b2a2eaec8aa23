/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The files of Unix sockets that rules with path= make: how they come into being with the rights
 * that they are to have, how dead ones are replaced, and how the last closer removes them.
 *
 * A file is alive as long as some process has the socket that is bound to it. connect(2) with a
 * datagram socket tells: a live stream socket is of the wrong type (EPROTOTYPE), a dead one refuses
 * (ECONNREFUSED), and no server notices. Whoever removes a file holds a lock on its directory
 * (flock(2)) from the question to the removal, so that it can't be another's new file.
 *
 * Everything here is async-signal-safe.
 */

#include "preload/target.h"

/*
 * Bind a Unix socket to a path, in place of a dead socket that may be there.
 *
 * rule: its mode, user and group are in force from the first instant.
 * replaces_connected: so is a living datagram socket that is connected to somebody else, and hears
 * nobody who sends to the path. UDP servers that connect a socket to each client bind a new one.
 * ret_file: the inode of the file.
 * Errors: -EADDRINUSE: a live socket is there; with a message, -EEXIST: something else is, or a
 * socket that can't be asked; otherwise as bind(2) on IP sockets (-EACCES, -EADDRNOTAVAIL) and
 * bind(3p) (-ENOBUFS) have them. The socket may be bound then, and is of no further use.
 */
int socket_file_bind(int fd, const struct target *target, const struct rule *rule,
                     bool replaces_connected, ino_t *ret_file);

/*
 * The same at a path that nobody else knows, without a message: nothing is replaced, and there is
 * no lock. Errors: as bind(2) on Unix sockets.
 */
int socket_file_bind_new(int fd, const struct target *target, mode_t mode, ino_t *ret_file);

/*
 * Remove the file if nobody has the socket any more.
 * file: the inode that it must have; 0: any dead socket's.
 */
void socket_file_remove(const struct target *target, ino_t file);
