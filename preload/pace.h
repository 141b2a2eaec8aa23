/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who does not read must not keep datagrams from the others.
 *
 * A datagram in a Unix socket's queue is charged to the socket that has sent it, until it is read.
 * So receivers that don't read fill the send buffer of a server, and when it is full nothing can be
 * sent to anybody. Nor does the kernel tell whose datagrams they are. While less than three
 * quarters of the buffer are in use, that does not matter. From then on, each receiver is sent one
 * datagram, and is given a moment to read it: who does gets some more without a look, who does not
 * is left alone for a time that doubles. Who asks something is answered, as long as there is room.
 */

#include "preload/datagram.h"
#include "preload/peers.h"

/* What the kernel charges for a datagram beside its data: struct sk_buff and the like. */
#define PACE_OVERHEAD 768

enum pace {
        PACE_SEND,
        PACE_TRY, /* without waiting: its queue was full the last time */
        PACE_DROP,
};

/* What to do with a datagram. pace: the receiver's, or NULL for those that we don't know. */
enum pace pace_of(int fd, struct datagram *datagram, struct peer_pace *pace);

/* It has sent something. pace: or NULL. */
void pace_heard(struct peer_pace *pace);

/* It was sent. size: in bytes. */
void pace_sent(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size);

/* It was not, since a queue or the buffer was full. */
void pace_refused(int fd, struct datagram *datagram, struct peer_pace *pace);
