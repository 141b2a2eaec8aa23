/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pidfd_getfd(2): another process's descriptor gets a number here. What it stands for is told by
 * its mark alone, as when it is received over a Unix socket.
 */

#include <sys/syscall.h>

#include "preload/hook.h"
#include "preload/mark.h"

/* The C library has it since glibc 2.36 only. */
HOOK int pidfd_getfd(int pidfd, int fd, unsigned flags);

HOOK int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
        const int copy = (int)next.syscall(SYS_pidfd_getfd, pidfd, fd, flags);

        if (copy >= 0) {
                table_forget(copy);
                __atomic_store_n(&mark_may_be_inherited, true, __ATOMIC_RELAXED);
        }
        return copy;
}
