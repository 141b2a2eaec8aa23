/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Answers to datagrams that a rule with inet= has sent elsewhere. They come from there, while the
 * program waits for one from where it has sent to. So what was sent where is remembered, by the
 * process as a whole, for the targets that were sent to last.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "preload/sock.h"

/* asked: where the program sends to; real, length: where the datagram goes. */
void moved_answer_expect(const struct endpoint *asked, const struct sockaddr *real,
                         socklen_t length);

/* Is there anything to remember? No system call, and nearly never. */
extern _Atomic bool moved_answers_expected;

/*
 * The source of a datagram, as the program is to know it.
 * addr: what the kernel has filled in; length: of that, and no more than there is room for.
 */
void moved_answer_restore(struct sockaddr *addr, socklen_t length);
