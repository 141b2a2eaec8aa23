/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who does not read must not keep datagrams from the others.
 *
 * A datagram in a Unix socket's queue is charged to the socket that has sent it, until it is read.
 * So receivers that don't read fill the send buffer of a server, and when it is full nothing can be
 * sent to anybody. Nor does the kernel tell whose datagrams they are: only how much is unread in
 * all.
 *
 * While less than half of the buffer is unread, that does not matter, and nothing is counted. Then
 * what each receiver is sent is, and with what is left the rest is handed out: each may have a
 * small part of the buffer, a smaller one when three quarters are unread, and then has to be seen
 * to read. For that it is given a moment after each datagram, in which what is unread has to become
 * less, or it has to ask once more, when less is unread than after the last answer. Who is not seen
 * to read gets nothing for a time that doubles. The last of the buffer is for those who were seen
 * to read the last time.
 *
 * Others may read in the same moment, so that one can be wrong about a receiver: it is one datagram
 * each time.
 */

#include "preload/datagram.h"
#include "preload/peers.h"

/* What the kernel charges for a datagram beside its data: struct sk_buff and the like. */
#define PACE_OVERHEAD 768

enum pace {
        PACE_SEND,
        PACE_TRY, /* without waiting: its queue was full the last time, or the buffer soon is */
        PACE_DROP,
};

/* Is there so much room that nobody has to be looked at? */
static inline bool pace_is_calm(const struct datagram *datagram)
{
        return atomic_load_explicit(&datagram->zone, memory_order_relaxed) == 0;
}

/*
 * What to do with a datagram. pace: the receiver's, or NULL for those that we don't know.
 * size: in bytes.
 */
enum pace pace_of(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size);

/* Another receiver has its place now. */
void pace_forget(struct peer_pace *pace);

/* It has sent something. pace: or NULL. */
void pace_heard(struct peer_pace *pace);

/* It was sent. size: in bytes. */
void pace_sent(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size);

/* It was not, since a queue or the buffer was full. */
void pace_refused(int fd, struct datagram *datagram, struct peer_pace *pace);
