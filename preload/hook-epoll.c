/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* epoll_ctl(2): notes registrations of sockets that may yet be converted: watch.h. */

#include "preload/hook.h"
#include "preload/process.h"
#include "preload/watch.h"

HOOK int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        const word w = table_get(fd);
        int r;

        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.epoll_ctl(epfd, op, fd, event);
        if (r == 0 && UNLIKELY(WORD_KIND(w) == WORD_INET) && !process_is_borrowed()) {
                watch_note(epfd, op, fd, event);
                (void)table_replace(fd, w, w | WORD_EPOLLED);
        }

        return r;
}
