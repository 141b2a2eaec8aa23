/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a shared library can be loaded, as far as that can be told without loading it: the
 * dynamic loader passes over a library in LD_PRELOAD that it can't map (ld.so(8)).
 */

/*
 * Look at the file the way this process sees it: with its user, root directory and mounts.
 *
 * Errors: -ENOEXEC when it is no shared library for this machine, or not all of one, else what
 * open(2), fstat(2), pread(2) and mmap(2) say. A mount without exec is -EPERM.
 */
int library_check(const char *path);

/* The error in words. */
const char *library_error(int error);
