/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * accept(2), accept4(2): a connection to a converted listener gets a peer's address of the family
 * that the program expects. One implementation, two entry points.
 */

#include "preload/connection.h"
#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/sock.h"

/*
 * Nobody can ever connect to a blackhole. recv(MSG_PEEK) on its socket, to which nobody can ever
 * send, waits as accept(2) would: for ever, or not at all, or until SO_RCVTIMEO is over.
 */
static int accept_blackhole(int fd)
{
        char nothing;

        if (next.recvfrom(fd, &nothing, sizeof(nothing), MSG_PEEK, NULL, NULL) < 0)
                return -1;

        return hook_result(-EAGAIN);
}

static int accept_unix(int listener, word w, struct sockaddr *addr, socklen_t *length, int flags)
{
        const struct connection_origin origin = connection_origin(sock_at(WORD_INDEX(w)));
        const int saved = errno;
        uint16_t port;
        int fd, r;

        fd = next.accept4(listener, NULL, NULL, flags);
        if (fd < 0)
                return -1;

        port = endpoint_ephemeral_port();
        r = connection_track(fd, listener, w, &origin, port);
        if (r < 0) {
                next.close(fd);
                return hook_result(r);
        }

        connection_inherit(fd, listener, origin.inherited);
        if (addr) {
                const struct endpoint peer =
                        connection_peer(fd, origin.family, origin.peer_credentials, port);

                endpoint_write(&peer, origin.family, addr, length);
        }
        errno = saved;
        return fd;
}

/* The kernel accepts, for whom it may be; the number is new, and nothing old may be met there. */
static int accept_plain(int listener, struct sockaddr *addr, socklen_t *length, int flags)
{
        const int fd = next.accept4(listener, addr, length, flags);

        if (fd >= 0)
                table_forget(fd);
        return fd;
}

static int accept_sock(int listener, word w, struct sockaddr *addr, socklen_t *length, int flags)
{
        struct sock *sock = sock_at(WORD_INDEX(w));

        if (addr && !length)
                return hook_result(-EFAULT);
        if (addr && (int)*length < 0)
                return hook_result(-EINVAL);
        if (!atomic_load_explicit(&sock->listening, memory_order_relaxed))
                return hook_result(-EINVAL);

        switch (sock->kind) {
        case SOCK_LISTENER:
                return accept_unix(listener, w, addr, length, flags);
        case SOCK_PASSED_IP:
                return accept_plain(listener, addr, length, flags);
        case SOCK_BLACKHOLE:
                return accept_blackhole(listener);
        default:
                return hook_result(-EINVAL);
        }
}

static int accept_any(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
        word w = table_get(fd);

        /*
         * A listener from before this program was executed. It is looked at once: what is not ours
         * is remembered, so that accept(2) costs no second call from then on.
         */
        if (UNLIKELY(w == 0) && mark_look(fd))
                w = table_get(fd);

        switch (WORD_KIND(w)) {
        case WORD_SOCK:
                return accept_sock(fd, w, addr, length, flags);
        case WORD_ACCEPTED:
                return hook_result(-EINVAL);
        case WORD_KEPT:
                return hook_result(-EBADF);
        default:
                return accept_plain(fd, addr, length, flags);
        }
}

HOOK int accept(int fd, __SOCKADDR_ARG addr, socklen_t *length)
{
        return accept_any(fd, addr.__sockaddr__, length, 0);
}

HOOK int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *length, int flags)
{
        return accept_any(fd, addr.__sockaddr__, length, flags);
}
