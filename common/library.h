/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a shared library can be loaded, as far as that can be told without loading it: the
 * dynamic loader passes over a library in LD_PRELOAD that it can't map (ld.so(8)).
 */

/*
 * Look at a file that was opened for reading. It is mapped as the loader would map it, since mounts
 * may forbid just that.
 *
 * Errors: -ENOEXEC when it is no shared library for this machine, or not all of one, else what
 * fstat(2), pread(2) and mmap(2) say; on a mount without exec, -EPERM.
 */
int library_check(int fd);

/* Such an error, or one of open(2), in words. */
const char *library_error(int error);
