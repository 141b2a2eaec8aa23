/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What comes with a message beside its data, on sockets that are no converted datagram sockets:
 * control.h is for those.
 */

#include <stdbool.h>
#include <sys/socket.h>

/* Does it bring descriptors? */
static inline bool attached_has_descriptors(const struct cmsghdr *cmsg)
{
        return cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS;
}

/*
 * Descriptors have arrived in a control message: nothing old may be met at their numbers.
 * close_them: they are not for the program.
 */
void attached_take(const struct cmsghdr *cmsg, bool close_them);

/*
 * A message with control messages that the program gets: of the descriptors in it nothing is known
 * any more, and what a passed UDP socket tells is completed.
 */
void attached_note(int fd, struct msghdr *msg);

/* The same of a converted connection: it has no source, and its descriptors are closed. */
void attached_drop(struct msghdr *msg);
