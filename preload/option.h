/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* getsockopt(2), setsockopt(2) on converted sockets. */

#include <sys/socket.h>

#include "preload/table.h"

/* An integer option of the socket level; 0 when the socket does not have it. */
int option_number(int fd, int name);

/*
 * Copy an option of the socket level from one socket to another; a size of a buffer as it was asked
 * for. What either socket does not have is passed over.
 */
void option_copy(int from, int to, int name);

/*
 * Set an option. w: the descriptor's word, WORD_SOCK or WORD_ACCEPTED of a Unix socket.
 * Returns 0 or a negative errno, as setsockopt(2) on an IP socket.
 */
int option_set(int fd, word w, int level, int name, const void *value, socklen_t length);

/* The same for getsockopt(2). */
int option_get(int fd, word w, int level, int name, void *value, socklen_t *length);

/*
 * Hand an option's value to the program: as much as fits, with the length told, as getsockopt(2)
 * does. Errors: -EINVAL.
 */
int option_give(const void *from, size_t size, void *value, socklen_t *length);
