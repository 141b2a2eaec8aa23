/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The address at which a client's datagram socket can be answered.
 *
 * It is a name that the kernel chooses in the abstract namespace (autobind of unix(7)): nothing in
 * the file system, and nothing that needs a place to write to. But abstract names belong to a
 * network namespace, and a server with PrivateNetwork=yes that has made its socket itself can't
 * answer there. To such a server the client goes by a hidden file.
 */

#include "preload/target.h"

/* How a client is named. */
struct reply_name {
        ino_t inode;          /* of the file; 0: it is an abstract name */
        struct target target; /* the file's path */
        bool unsure; /* an abstract name, since nobody was there who could be asked about */
};

/*
 * Give a Unix datagram socket its name.
 * towards: whom it is going to send to.
 * Errors: -ENOBUFS.
 */
int reply_bind(int fd, const struct target *towards, struct reply_name *ret);

/*
 * Can a socket at that path answer an abstract name of ours?
 * ret_missing: there is none, or not yet, and the answer is a guess.
 */
bool reply_is_near(const struct target *towards, bool *ret_missing);
