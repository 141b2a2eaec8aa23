/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * shutdown(2). On a listener it ends the listening, and some servers (Ruby's WEBrick) stop that
 * way. The socket is systemd's and shared by all who come after us, so it is not touched: the
 * program's descriptor gets a socket of its own that behaves like a listener that was shut down.
 */

#include <fcntl.h>

#include "preload/cancel.h"
#include "preload/convert.h"
#include "preload/datagram.h"
#include "preload/hook.h"
#include "preload/kept.h"
#include "preload/kernel.h"
#include "preload/mark.h"
#include "preload/sock.h"
#include "preload/waiting.h"

/* How long a thread may take to wake up, on a machine that has much to do. */
#define WAKING_MS 50

static void connect_to(const struct sockaddr *addr, socklen_t length)
{
        const int fd = next.socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return;
        (void)next.connect(fd, addr, length);
        next.close(fd);
}

/*
 * Threads that wait in accept(2) wait on systemd's socket, and a shutdown would have woken them. A
 * connection does, which the thread that gets it ends: see accept_passed(). Another worker may get
 * it instead, so that it takes more than one, and there is an end to the trying. A listener that
 * does not block has nobody to wake.
 */
static void wake_accepting(const struct sock *sock)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);
        const int listener = sock->kept < 0 ? -1 : kept_at(sock->kept)->fd;
        unsigned waiting = waiting_count(sock->index);
        const unsigned tries = waiting + 20;

        if (tries == 20 || listener < 0 || next.fcntl(listener, F_GETFL) & O_NONBLOCK ||
            next.getsockname(listener, (struct sockaddr *)&addr, &length) < 0)
                return;

        for (unsigned i = 0; i < tries && (waiting = waiting_count(sock->index)) > 0; i++) {
                connect_to((struct sockaddr *)&addr, length);
                /* What nobody gets would be a client of the next listener. */
                for (int ms = 0; ms < WAKING_MS && waiting_count(sock->index) >= waiting; ms++)
                        kernel_sleep_millisecond();
        }
}

static int replace_listener(int fd, word w)
{
        struct sock *sock = sock_at(WORD_INDEX(w));
        const struct inet_socket inet = inet_socket_of(fd, w);
        struct sock *shut;
        int with, r;

        /* What is left can neither accept nor be connected to, and polls as hung up. */
        with = next.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (with < 0)
                return -ENOBUFS;
        shut = inet_socket_object(&inet, SOCK_SHUT);
        if (shut) {
                shut->local = sock->local;
                shut->options = sock->options;
        }
        r = shut ? convert(&inet, with, shut, false) : -ENOBUFS;
        if (r < 0 && shut)
                sock_unref(shut);
        else if (r == 0)
                wake_accepting(sock);
        next.close(with);
        return r;
}

int hook_shut_listener(int fd, word w)
{
        const int before = cancel_disable();
        const int r = replace_listener(fd, w);

        cancel_restore(before);
        return r;
}

static int shut_listener(int fd, word w, int how)
{
        word held;
        int r;

        /* What is no stream has no connection to shut; its receivers are not woken. */
        if (sock_at(WORD_INDEX(w))->type != SOCK_STREAM)
                return -ENOTCONN;
        if (how != SHUT_RD && how != SHUT_RDWR)
                return how == SHUT_WR ? 0 : -EINVAL;

        held = table_hold(fd);
        r = held == w ? hook_shut_listener(fd, w) : -EBADF;
        table_drop(held);
        return r;
}

/* Its file stays, as the port of TCP stays bound. Threads that wait in accept(2) are woken. */
static int shut_own_listener(int fd, struct sock *sock, int how)
{
        if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
                return hook_result(-EINVAL);
        if (sock->family != AF_UNIX && (sock->type != SOCK_STREAM || !sock->listening))
                return hook_result(-ENOTCONN);
        if (how == SHUT_RD || how == SHUT_RDWR)
                atomic_store(&sock->listening, false);

        return next.shutdown(fd, how);
}

/*
 * What was written last woke up the peer on this very processor, where it waits for this thread to
 * sleep; behind TCP's shutdown the kernel works off its queue for the loopback device, and the peer
 * gets its turn. Servers that ask for new work before they wait (Python's socketserver) depend on
 * it.
 */
static int shut_connection(int fd, int how)
{
        const int r = next.shutdown(fd, how);

        if (r == 0 && how != SHUT_RD)
                kernel_yield();
        return r;
}

/* udp(7) has no connections, but ends: of a socket with a peer, and for this side alone. */
static int shut_datagram(int fd, const struct sock *sock, int how)
{
        struct endpoint unused;
        const bool connected = datagram_peer_head(sock, &unused) != CORRESPONDENT_NONE;
        int r;

        if (!connected && sock->passed)
                return hook_result(-ENOTCONN);

        if (how != SHUT_RD)
                atomic_store(&datagram_of(sock)->shut, true);
        r = next.shutdown(fd, how);
        /* The kernel says so of a UDP socket, and wakes who waits on it all the same. */
        return connected ? r : hook_result(-ENOTCONN);
}

HOOK int shutdown(int fd, int how)
{
        const int saved = errno;
        word w = table_get(fd);
        int r;

        if (w == 0 && mark_adopt(fd))
                w = table_get(fd);
        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);
        if (WORD_KIND(w) == WORD_ACCEPTED)
                return shut_connection(fd, how);
        if (WORD_KIND(w) != WORD_SOCK)
                return next.shutdown(fd, how);

        if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
                return hook_result(-EINVAL);

        if (datagram_sock(w))
                return shut_datagram(fd, datagram_sock(w), how);

        switch (sock_at(WORD_INDEX(w))->kind) {
        case SOCK_CONNECTION:
                return shut_connection(fd, how);
        case SOCK_MOVED:
        case SOCK_MOVED_PEER:
                return next.shutdown(fd, how);
        case SOCK_LISTENER:
                if (!sock_at(WORD_INDEX(w))->passed)
                        return shut_own_listener(fd, sock_at(WORD_INDEX(w)), how);
                __attribute__((fallthrough));
        case SOCK_PASSED_IP:
                r = shut_listener(fd, w, how);
                break;
        case SOCK_BLACKHOLE:
        case SOCK_SHUT:
                r = 0;
                break;
        default:
                r = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR ? -ENOTCONN : -EINVAL;
        }

        errno = saved;
        return hook_result(r);
}
