/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * clone(2) and vfork(2): children that borrow our memory, see process.h. What fork(2) needs is done
 * by handlers for it (start.c).
 * _exit(2): the files of listeners that nobody else has go with the process.
 */

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/hook.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "preload/waking.h"

#if !defined(__x86_64__)
/* Without a vfork.S for the architecture: POSIX lets vfork() be fork(). */
HOOK pid_t vfork(void)
{
        return fork();
}

HOOK_ALIAS(__vfork, vfork);
#endif

HOOK int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
        const bool borrows = flags & CLONE_VM && !(flags & CLONE_FILES);
        void *parent_tid, *tls, *child_tid;
        va_list ap;
        int r;

        va_start(ap, argument);
        parent_tid = va_arg(ap, void *);
        tls = va_arg(ap, void *);
        child_tid = va_arg(ap, void *);
        va_end(ap);

        /* With CLONE_VFORK this thread sleeps, and its thread-local counter tells the child. */
        if (borrows && flags & CLONE_VFORK && !(flags & CLONE_SETTLS)) {
                const pid_t before = process_vforker;

                process_vforker = getpid();
                process_vforks++;
                r = NEXT(clone)(function, stack, flags, argument, parent_tid, tls, child_tid);
                process_vforks--;
                process_vforker = before;
                return r;
        }

        if (flags & CLONE_FILES && !(flags & CLONE_THREAD))
                hook_keep_listeners();
        if (!(flags & CLONE_THREAD)) {
                waking_fork_prepare();
                waking_fork_parent();
        }
        if (borrows) {
                r = process_share();
                if (r < 0)
                        return hook_result(r);
        }
        return NEXT(clone)(function, stack, flags, argument, parent_tid, tls, child_tid);
}

HOOK_ALIAS(__clone, clone);

HOOK void _exit(int status)
{
        hook_close_listeners();
        next._exit(status);
        kernel_exit(status);
}

HOOK_ALIAS(_Exit, _exit);

/* It ends by an _exit(2) that does not go through the hook. */
HOOK void quick_exit(int status)
{
        hook_close_listeners();
        NEXT(quick_exit)(status);
        kernel_exit(status);
}
