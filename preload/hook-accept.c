/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * accept(2), accept4(2): a connection to a converted listener gets a peer's address of the family
 * that the program expects. One implementation, two entry points.
 */

#include "preload/connection.h"
#include "preload/departure.h"
#include "preload/hook.h"
#include "preload/inherited.h"
#include "preload/kernel.h"
#include "preload/listener.h"
#include "preload/mark.h"
#include "preload/sock.h"
#include "preload/waiting.h"

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

static bool is_shut(int listener)
{
        const word w = table_get(listener);

        return WORD_KIND(w) == WORD_SOCK && sock_at(WORD_INDEX(w))->kind == SOCK_SHUT;
}

/*
 * accept(2) on a passed socket, noted so that shutdown(2) in another thread knows whom to wake.
 * What wakes it is a connection from ourselves, of no use: the answer is a shut listener's.
 */
static int accept_passed(int listener, struct sock *sock, struct sockaddr *addr, socklen_t *length,
                         int flags)
{
        const int place = sock->passed ? waiting_enter(sock->index) : -1;
        const int fd = next.accept4(listener, addr, length, flags);

        if (place >= 0)
                waiting_leave(place);
        if (fd >= 0 && UNLIKELY(is_shut(listener))) {
                next.close(fd);
                return hook_result(-EINVAL);
        }

        return fd;
}

/*
 * Threads of Java's wait in accept(2) while another replaces the listener by dup2(2), and are woken
 * by a signal then.
 */
static void leave(int listener, word w, const struct sock *sock)
{
        if (UNLIKELY(table_get(listener) != w))
                listener_left(sock);
}

static int accept_any(int fd, struct sockaddr *addr, socklen_t *length, int flags);

static int accept_after_end(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
        for (int i = 0; i < 100; i++) {
                const word w = table_get(fd);

                if (WORD_KIND(w) != WORD_SOCK || sock_at(WORD_INDEX(w))->kind != SOCK_LISTENER)
                        return accept_any(fd, addr, length, flags);
                kernel_sleep_millisecond();
        }

        return hook_result(-EOPNOTSUPP);
}

/* w is held, and passes to the connection. */
static int accept_unix(int listener, word w, struct sockaddr *addr, socklen_t *length, int flags)
{
        struct sock *sock = sock_at(WORD_INDEX(w));
        const int saved = errno;
        uint16_t port;
        int fd, r;

        fd = accept_passed(listener, sock, NULL, NULL, flags);
        if (fd < 0) {
                r = -errno;
                leave(listener, w, sock);
                table_drop(w);
                /* At the end of the process, what is at the number changes before its word does. */
                if (r == -EOPNOTSUPP)
                        return accept_after_end(listener, addr, length, flags);
                return hook_result(r);
        }

        leave(listener, w, sock);
        if (UNLIKELY(sock->removes_file && !departure_is_expected()))
                departure_expect();
        port = endpoint_ephemeral_port();
        inherited_copy(listener, fd, sock->inherited);
        if (addr) {
                const struct endpoint peer = connection_peer(fd, sock, port);

                endpoint_write(&peer, sock->family, addr, length);
        }

        r = connection_track(fd, w, port);
        if (r < 0) {
                next.close(fd);
                table_drop(w);
                return hook_result(r);
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

static int accept_passed_ip(int listener, word w, struct sockaddr *addr, socklen_t *length,
                            int flags)
{
        const int fd = accept_passed(listener, sock_at(WORD_INDEX(w)), addr, length, flags);
        const int saved = errno;

        table_drop(w);
        if (fd >= 0)
                table_forget(fd);
        errno = saved;
        return fd;
}

/*
 * A connection to a listener that does not pretend to be another: the kernel tells who it is. It is
 * tracked for its own address, which is the listener's.
 */
static int accept_undisguised(int listener, word w, struct sockaddr *addr, socklen_t *length,
                              int flags)
{
        const int fd = accept_passed(listener, sock_at(WORD_INDEX(w)), addr, length, flags);
        const int saved = errno;

        if (fd < 0 || connection_track(fd, w, 0) < 0)
                table_drop(w);
        errno = saved;
        return fd;
}

static int check(const struct sock *sock, const struct sockaddr *addr, const socklen_t *length)
{
        if (addr && !length)
                return -EFAULT;
        if (addr && (int)*length < 0)
                return -EINVAL;

        return atomic_load_explicit(&sock->listening, memory_order_relaxed) ? 0 : -EINVAL;
}

static int accept_sock(int listener, struct sockaddr *addr, socklen_t *length, int flags)
{
        const word w = table_hold(listener);
        enum sock_kind kind;
        int r;

        /* Another thread has closed it just now. */
        if (WORD_KIND(w) != WORD_SOCK) {
                table_drop(w);
                return hook_result(-EBADF);
        }

        kind = sock_at(WORD_INDEX(w))->kind;
        r = check(sock_at(WORD_INDEX(w)), addr, length);
        if (sock_at(WORD_INDEX(w))->type == SOCK_DGRAM)
                r = -EOPNOTSUPP;
        if (r == 0 && (kind == SOCK_MOVED ||
                       (kind == SOCK_LISTENER && sock_at(WORD_INDEX(w))->family == AF_UNIX)))
                return accept_undisguised(listener, w, addr, length, flags);
        if (r == 0 && kind == SOCK_LISTENER)
                return accept_unix(listener, w, addr, length, flags);
        if (r == 0 && kind == SOCK_PASSED_IP)
                return accept_passed_ip(listener, w, addr, length, flags);

        table_drop(w);
        if (r == 0 && kind == SOCK_BLACKHOLE)
                return accept_blackhole(listener);
        return hook_result(r < 0 ? r : -EINVAL);
}

static int accept_any(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
        word w = table_get(fd);

        /*
         * A listener from before this program was executed. It is looked at once: what is not ours
         * is remembered, so that accept(2) costs no second call from then on.
         */
        if (w == 0 && UNLIKELY(mark_may_be_inherited) && mark_look(fd))
                w = table_get(fd);

        switch (WORD_KIND(w)) {
        case WORD_SOCK:
                return accept_sock(fd, addr, length, flags);
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
