/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* epoll_ctl(2): notes registrations of sockets that change what they are: watch.h. */

#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/watch.h"

/*
 * Is it a socket that may become another, or one whose file outlives it? Sockets of UDP may at
 * every send. What is plain and none of UDP has a connection, as a rule, and there may be
 * thousands.
 */
static bool is_to_be_noted(word w)
{
        const struct sock *sock;

        if (WORD_KIND(w) == WORD_PLAIN)
                return WORD_PROTOCOL(w) != 0 && w & WORD_DGRAM;
        if (WORD_KIND(w) != WORD_SOCK)
                return WORD_KIND(w) == WORD_INET;

        sock = sock_at(WORD_INDEX(w));
        return sock_may_become_another(sock) || sock->passed;
}

static void note(int epfd, int op, int fd, const struct epoll_event *event, word w)
{
        watch_note(epfd, op, fd, event);
        /* So that the note ends with the epoll, too. */
        if (table_get(epfd) == 0 && table_reserve(epfd) == 0)
                table_put(epfd, WORD_PLAIN | WORD_EPOLLED);
        if (WORD_KIND(w) != WORD_SOCK)
                (void)table_replace(fd, w, w | WORD_EPOLLED);
        else
                atomic_store(&sock_at(WORD_INDEX(w))->watched, true);
}

HOOK int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        word w = table_get(fd);
        int r;

        if (w == 0 && op == EPOLL_CTL_ADD && mark_adopt(fd))
                w = table_get(fd);

        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.epoll_ctl(epfd, op, fd, event);
        if (r == 0 && UNLIKELY(w != 0) && is_to_be_noted(w) && !process_is_borrowed())
                note(epfd, op, fd, event, w);

        return r;
}
