/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * shutdown(2). On a listener it ends the listening, and some servers (Ruby's WEBrick) stop that
 * way. The socket is systemd's and shared by all who come after us, so it is not touched: the
 * program's descriptor gets a socket of its own that behaves like a listener that was shut down.
 */

#include "preload/convert.h"
#include "preload/hook.h"
#include "preload/sock.h"

static int shut_listener(int fd, word w, int how)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        const struct inet_socket inet = {fd, w, sock->family, sock->type, sock->protocol, NULL};
        struct sock *shut;
        int with, r;

        if (how != SHUT_RD && how != SHUT_RDWR)
                return how == SHUT_WR ? 0 : -EINVAL;

        /* What is left can neither accept nor be connected to, and polls as hung up. */
        with = next.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (with < 0)
                return -ENOBUFS;
        shut = sock_new();
        if (shut) {
                shut->kind = SOCK_SHUT;
                shut->family = sock->family;
                shut->type = sock->type;
                shut->protocol = sock->protocol;
                shut->local = sock->local;
                shut->options = sock->options;
        }
        r = shut ? convert(&inet, with, shut) : -ENOBUFS;
        if (r < 0 && shut)
                sock_unref(shut);
        next.close(with);
        return r;
}

HOOK int shutdown(int fd, int how)
{
        const int saved = errno;
        const word w = table_get(fd);
        int r;

        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);
        if (WORD_KIND(w) != WORD_SOCK)
                return next.shutdown(fd, how);

        switch (sock_at(WORD_INDEX(w))->kind) {
        case SOCK_CONNECTION:
                return next.shutdown(fd, how);
        case SOCK_LISTENER:
        case SOCK_PASSED_IP:
                r = shut_listener(fd, w, how);
                break;
        case SOCK_BLACKHOLE:
        case SOCK_SHUT:
                r = 0;
                break;
        default:
                r = -ENOTCONN;
        }

        errno = saved;
        return hook_result(r);
}
