/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Opening files below another root directory, the way that chroot(2) would see them but without
 * its privileges.
 *
 * Every directory on the way is looked at before it is entered: a generator that steps on an
 * automount point waits for process 1, which waits for the generator.
 */

#include <stddef.h>

/* A root directory of our own is this one. */
#define ROOT_HOST ""

/*
 * Open a file.
 *
 * root: ROOT_HOST, or a directory without a slash at its end. Symbolic links and ".." in path
 * don't lead out of it.
 * path: absolute.
 * flags: of open(2); O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added, so that a FIFO or a terminal
 * can't hold up the caller.
 *
 * Returns a descriptor that the caller closes.
 * Errors: -EREMOTE when an automount would be triggered, -ELOOP, -ENAMETOOLONG, else what open(2)
 * says.
 */
int root_open(const char *root, const char *path, int flags);

/*
 * Read a regular file whole.
 *
 * ret: the bytes and a NUL behind them, owned by the caller. ret_size: without that NUL.
 * Errors: -EISDIR, -EINVAL when it is neither a directory nor a regular file, -EFBIG when it is
 * larger than limit, -ENOMEM, else as root_open() and read(2).
 */
int root_read(const char *root, const char *path, size_t limit, char **ret, size_t *ret_size);

/* The same for a file that is open already. */
int root_read_fd(int fd, size_t limit, char **ret, size_t *ret_size);
