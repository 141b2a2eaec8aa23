/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Clients of a datagram server that know nothing of IP: Unix sockets, which no rule is about.
 *
 * Run bare, the same clients are UDP sockets, so that the kernel confirms what a program expects of
 * its peers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A UDP socket that is bound there, close-on-exec; it has to work. Clients send to it from now on.
 */
int serve_datagrams(const char *address, int flags);

/* Clients send there from now on: the place is that of passed(), or bare, the address. */
void clients_reach(int place, const char *address);

/*
 * A client's socket. name: "@" and an abstract name, of this test alone, or a file in its
 * directory, which is replaced; NULL for no name at all, so that it can't be answered.
 */
int new_client(const char *name);

/* One datagram to the server. It waits where there is no room, as Unix sockets do. */
bool client_sends(int fd, const void *bytes, size_t size);

/* Connect it to the server, which alone can send to it then; client_sends() is not for such. */
bool client_joins(int fd);

/* What the client got within so many milliseconds; -1: nothing. */
ssize_t client_gets(int fd, void *bytes, size_t size, int milliseconds);

/* A text each way. */
bool client_says(int fd, const char *text);
const char *client_hears(int fd);

/*
 * The next datagram for the server: a text, or the name of the errno, or "nothing" after
 * PATIENCE. Whence it came is in ret_from when not NULL, 64 bytes.
 */
const char *server_hears(int fd, char *ret_from);

/* sendto(2) of a text. Returns 0 or the errno, positive. */
int server_says(int fd, const char *to, const char *text);

/* As many descriptors as can be had, of those that are wanted. Returns how many. */
int raise_descriptors(int wanted);
