/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What servers and their clients do with sockets, in few words. Plain calls of the C library: none
 * of this knows of the shim.
 *
 * Addresses are texts: "127.0.0.1:80", "[::1]:80", "unix" for any Unix address. Where a call fails
 * the text is the name of the errno, "EBADF", so that one comparison checks both.
 */

#include <stdbool.h>
#include <sys/socket.h>

/* Parse "127.0.0.1:80" or "[::1]:80". Returns the length of the address. */
socklen_t address_of(const char *text, struct sockaddr_storage *ret);

const char *address_text(const struct sockaddr *address);

/* A socket of the family of the address, stream or datagram, flags included. Not yet bound. */
int socket_for(const char *address, int type);

/* Returns 0 or the errno, positive. */
int bind_to(int fd, const char *address);
int connect_to(int fd, const char *address);

/* socket(2), bind(2), listen(2), all of which have to work. */
int listen_at(const char *address);

/* getsockname(2), getpeername(2) as texts. The text is the thread's, and overwritten
 * by one of its next 8 calls. */
const char *local_name(int fd);
const char *peer_name(int fd);

/* An integer option; or minus the errno. */
int option(int fd, int level, int name);

/* Returns 0 or the errno, positive. */
int set_option(int fd, int level, int name, int value);

/*
 * Milliseconds for what has to happen: a machine may be slow, and have other things to do. What
 * takes longer never ends.
 */
#define PATIENCE 20000

/*
 * Is there something to read or to accept within so many milliseconds? PATIENCE where there has to
 * be.
 */
bool readable(int fd, int milliseconds);

/* Is the text a loopback address of the family with an ephemeral port? */
bool is_local_peer(const char *text, int family);

/*
 * Where clients connect, by its place in what activate.c was given, from 0: an address, or a Unix
 * socket's path, or "@" and an abstract name. NULL: nowhere, clients ask the listener.
 */
const char *passed(int place);

/*
 * Are the sockets systemd's, so that they listen already and outlive whatever the program does? If
 * not, bind(2) makes them.
 */
bool is_activated(void);

/* Are there rules to be tested? When a program is run bare there are none. */
bool under_rules(void);

/*
 * Connect as a client to the socket of that place. Run bare: to the address at which
 * listener is bound.
 */
int client(int place, int listener);

/* Connect a client and accept it: the server's end, with the client's in ret_client if not NULL. */
int accept_client(int place, int listener, int *ret_client);

/* Do clients of the socket of that place reach listener? One byte goes each way. */
bool serves(int place, int listener);

/* What the process and its children wrote to stderr so far. */
const char *messages(void);

/* Wait for a child. Returns its exit status, or 1000 and the signal that ended it. */
int reap(int pid);

/*
 * Wait for a child that writes to the other end of a pipe, and return what it wrote, without the
 * last line break.
 */
const char *reap_output(int pid, int fd);

/* May this process make a network namespace of its own? */
bool can_unshare_network(void);

/* Hand a descriptor to another process over a Unix socket (SCM_RIGHTS), and get it: -1 for none. */
void send_descriptor(int channel, int fd);
int receive_descriptor(int channel);
