/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The two ends of a connection, for programs that test clients.
 *
 * A server is at an IP address, as the client is made to believe. What it is in truth depends on
 * how the program is run: bare, it is the kernel's TCP; under rules for both directions, a listener
 * that the shim converted; with TEST_NATIVE set, a Unix socket in the test's directory, which is
 * where rules for clients alone lead to, tcp-PORT.sock. A program that is run in all these ways has
 * one list of expectations, and the kernel confirms it.
 */

#include <stdbool.h>
#include <sys/socket.h>

/* A file of that name in the directory of this test. Overwritten by one of the next 8 calls. */
const char *in_directory(const char *name);

/* The file at which rules of the form path=DIR/tcp-%p.sock lead to the server of this address. */
const char *socket_file(const char *address);

/* Is the server a Unix socket that knows nothing of IP? */
bool is_native(void);

/* Do rules make Unix sockets of the program's? Not with TEST_INET set: then they move IP sockets.
 */
bool leads_to_unix(void);

/* What is the descriptor in truth? The kernel's list of Unix sockets tells, which no hook answers.
 */
bool is_unix(int fd);

/* A listener for clients of that address, close-on-exec. It has to work. */
int serve_at(const char *address, int backlog);

/* The same with the address of one, as 127.0.0.1. */
int serve_unix(const char *path, int type, int backlog);

/* Accept: it has to work. */
int take(int listener);

/* A client's socket that is connected there; it has to work. */
int reach(const char *address);

/* connect(2), and what comes of it when it does not wait: 0 or an errno as SO_ERROR tells it. */
int try_to_reach(int fd, const char *address);

/* A whole connection: the client's end, and the server's in ret_theirs. */
int join(int listener, const char *address, int *ret_theirs);

/* What a call returned as a text: the name of the errno when negative, else the number. */
const char *result(long long returned);

/* What happened on the descriptor within so many milliseconds: "IN OUT ERR HUP RDHUP", or "". */
const char *events_of(int fd, int milliseconds);

/* The monotonic clock. */
double milliseconds(void);

/*
 * For so many milliseconds this thread has waited for something, from some time on. A processor
 * that others have meanwhile is not waited for.
 */
double slept(void);

/*
 * SIGALRM after so many microseconds, once. A handler that wants it again says so at its end: a
 * timer that goes on by itself leaves a slow machine no time for what it interrupts.
 */
void alarm_in(int microseconds);

/* Neither what was asked for comes any more, nor what a handler asks for that runs meanwhile. */
void alarm_stop(void);

/* So many descriptors are open. */
int count_open(void);

/* The memory of this process that is in use, in pages: proc(5), statm. */
long resident_pages(void);

/* Both ends work: a byte goes each way. */
bool talks(int ours, int theirs);

/* The port of a text such as "[::1]:80". */
int port_in(const char *address);
