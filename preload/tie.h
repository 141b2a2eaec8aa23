/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who can send to a client that has not connected its socket?
 *
 * Everybody could who finds its name, and the kernel tells no more of a sender than the name that
 * that one has given itself, perhaps in a file system of his own. So the socket is connected in the
 * kernel to the target of a rule that it sends to, and only the socket there can answer. The
 * program does not know.
 *
 * That must not happen to a program that asks several servers at a time: while it is connected to
 * one, no other can answer, and leaving that one throws away what it has answered already. So it is
 * done at once where the rules have one target alone, and else when the program has had an answer
 * and asks the same server again.
 *
 * It ends when the program sends to another target or a peer, and when it has asked twice without
 * an answer: servers may answer from another socket. TFTP's always do, so that a client which asks
 * port 69 is never tied. There names have to do: asked.h. Where the server has a name that anybody
 * can have as well (bound-name.h), they don't: its clients are tied at once, and for as long as
 * they ask nobody else.
 */

#include "preload/datagram.h"

/*
 * A client is about to send to the target of a rule. Where to is not changed by this: only who is
 * heard.
 */
void tie_to(int fd, const struct sock *sock, const struct target *target);

/* Is it tied to the socket that has that name? Then nobody else can have sent from there. */
bool tie_is_to(int fd, const struct sock *sock, const struct target *name);

/*
 * It comes from another program, which may have tied it, and have answers unread: they are thrown
 * away when this one sends elsewhere, and not before.
 */
void tie_inherit(const struct sock *sock);

/* The kernel's socket is being connected elsewhere, or nowhere. */
void tie_forget(const struct sock *sock);

/* It has got a datagram. */
void tie_answered(const struct sock *sock);

/* It is about to send to a peer of another socket's, or to a socket of ours. */
void tie_loosen(int fd, const struct sock *sock, const struct target *to);
