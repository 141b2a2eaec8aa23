/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The Unix socket address that a rule with path= or abstract= leads to: unix(7). */

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "preload/endpoint.h"
#include "rules/rule.h"

struct target {
        struct sockaddr_un address;
        socklen_t length;
};

/*
 * Expand the placeholders of a rule's target for one socket call.
 * Errors: -ENAMETOOLONG, with a message.
 */
int target_expand(const struct rule *rule, const struct rule_query *query, struct target *ret);

/*
 * Make a Unix socket for it, with FD_CLOEXEC. type: SOCK_STREAM or SOCK_DGRAM, and SOCK_NONBLOCK.
 * Errors, with a message: -EACCES: the service may have none; -ENOBUFS.
 */
int target_socket(const struct target *target, int type);

/* The address that a Unix socket is bound to. Returns false when it has none. */
bool target_of_socket(int fd, struct target *ret);

/*
 * The same of the socket that it is connected with. That is the name which that one was given, in
 * its own file system, and may be another than it was connected by.
 */
bool target_of_peer(int fd, struct target *ret);

/* Is it a file, and no abstract name? */
static inline bool target_is_file(const struct target *target)
{
        return target->address.sun_path[0] == '/';
}

/*
 * The type of the socket at a path, SOCK_DGRAM or SOCK_STREAM; 0: nobody's, or not to be known.
 * Asked by connect(2) with a datagram socket, which no server notices, so that SOCK_SEQPACKET
 * counts as SOCK_STREAM. Abstract names are each type's own.
 */
int target_type(const struct target *target);

/* Tell that a socket of that type can't be connected to the one at a path: EPROTOTYPE. */
void target_tell_type(int level, const struct target *target, int type);

bool target_equal(const struct target *a, const struct target *b);

/* How a message names it: the path, or the abstract name after '@'. */
const char *target_text(char buf[static sizeof(struct sockaddr_un) + 1],
                        const struct target *target);
#define TARGET_TEXT(target) target_text((char[sizeof(struct sockaddr_un) + 1]){0}, (target))
