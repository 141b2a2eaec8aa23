/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Control messages that come with datagrams: those that an IP socket has (ip(7), ipv6(7)), and not
 * those of a Unix socket. A peer can send descriptors, which a program that speaks IP would never
 * close.
 */

#include <sys/socket.h>

#include "preload/sock.h"

/* Room for what the kernel has to say. Descriptors that find no room in it are not let in. */
#define CONTROL_SIZE 160

/*
 * Put together what the program is told.
 *
 * kernel: what the kernel has filled in, in a buffer of ours; its descriptors are closed.
 * ret: the program's, of which msg_control and msg_controllen are the buffer; msg_controllen and
 * msg_flags are filled in.
 */
void control_merge(const struct sock *sock, struct msghdr *kernel, struct msghdr *ret);

/* Close what has come with a message that the program does not get. */
void control_discard(struct msghdr *kernel);
