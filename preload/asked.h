/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The addresses that a client has sent to, by rules. An answer has to come from the address that
 * was asked, and not from the Unix socket that has answered.
 */

#include "preload/datagram.h"

/*
 * A datagram is sent to a target of a rule: who answers from there has that address.
 * target: its place is filled in.
 */
void asked_note(const struct sock *sock, union correspondent *target);

/*
 * The address of one who has sent a datagram, as far as it was asked before.
 *
 * A server may answer from another socket than it was asked on (TFTP's do). On a socket that hears
 * nobody else, one is heard whose path is in the same directory as that of the last target: ret is
 * that target's address then, with a port of its own.
 * Returns false when it is none of these.
 */
bool asked_find_source(int fd, const struct sock *sock, struct target *source,
                       struct endpoint *ret);

/*
 * A peer of another socket's, or a socket of ours, is sent to from one that hears nobody else. From
 * now on it hears everybody, unless it hears that one already.
 */
void asked_note_peer(int fd, const struct sock *sock, const struct target *peer);

/* Who was heard as another port of the last target? As peers_find(). */
bool asked_find_other(const struct sock *sock, const struct endpoint *asked, struct target *ret,
                      uint64_t *ret_number);
