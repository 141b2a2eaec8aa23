/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The sockets that activate.c opens and hands to the program it starts, as sd_listen_fds(3)
 * describes, and the list of addresses at which clients find them.
 */

#include <sys/types.h>

/*
 * Open a socket and keep it for pass_on(). argument: NAME=KIND, taken apart in place. KIND: unix,
 * abstract, unix-dgram, abstract-dgram, unix-seqpacket, inet, inet6, udp, udp6, pair (a connected
 * socket, which no bind can use), the path of a Unix socket, unix-dgram:PATH, or udp:ADDRESS and
 * the like. directory: where Unix sockets without a path of their own are made.
 */
void pass_open(char *argument, const char *directory);

/* An address that clients connect to and that is the program's own to open. */
void pass_address(const char *address);

/* The addresses so far, separated by "|". */
const char *pass_addresses(void);

/*
 * Put the sockets where the program expects them and say so in the environment: LISTEN_FDS,
 * LISTEN_FDNAMES and LISTEN_PID, and TEST_PASSED for the test itself. pid: what LISTEN_PID says; or
 * NULL for the truth. Without sockets nothing is done.
 */
void pass_on(const char *pid);
