/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* getsockname(2), getpeername(2): IP addresses for converted sockets, without a system call. */

#include "preload/connection.h"
#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/sock.h"

static int give(const struct endpoint *endpoint, sa_family_t family, struct sockaddr *addr,
                socklen_t *length)
{
        if (!length || (!addr && *length > 0))
                return hook_result(-EFAULT);
        if ((int)*length < 0)
                return hook_result(-EINVAL);

        endpoint_write(endpoint, family, addr, length);
        return 0;
}

static int name_of(word w, struct sockaddr *addr, socklen_t *length)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        struct endpoint local = sock->local;

        if (WORD_KIND(w) == WORD_ACCEPTED || sock->kind == SOCK_CONNECTION)
                local = connection_local(&local, sock->family);

        return give(&local, sock->family, addr, length);
}

static int peer_of(int fd, word w, struct sockaddr *addr, socklen_t *length)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        const bool accepted = WORD_KIND(w) == WORD_ACCEPTED;
        struct endpoint peer;

        if (!accepted && sock->kind != SOCK_CONNECTION)
                return hook_result(-ENOTCONN);

        peer = connection_peer(fd, sock->family, sock->peer_credentials,
                               accepted ? WORD_PEER_PORT(w) : sock->peer.port);
        return give(&peer, sock->family, addr, length);
}

/* Is the word about a socket whose addresses are ours to tell? */
static inline bool is_converted(word w)
{
        return WORD_KIND(w) == WORD_ACCEPTED ||
               (WORD_KIND(w) == WORD_SOCK && sock_is_unix(sock_at(WORD_INDEX(w))));
}

/* The kernel's answer is a Unix address, on a descriptor that may have come to us with a mark. */
static bool is_unknown_unix(int fd, const struct sockaddr *addr, socklen_t size)
{
        return size >= sizeof(sa_family_t) && addr->sa_family == AF_UNIX && table_get(fd) == 0 &&
               mark_adopt(fd);
}

HOOK int getsockname(int fd, __SOCKADDR_ARG addr, socklen_t *length)
{
        const word w = table_get(fd);
        const socklen_t size = length ? *length : 0;
        int r;

        if (is_converted(w))
                return name_of(w, addr.__sockaddr__, length);
        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.getsockname(fd, addr.__sockaddr__, length);
        if (r == 0 && UNLIKELY(is_unknown_unix(fd, addr.__sockaddr__, size))) {
                *length = size;
                return name_of(table_get(fd), addr.__sockaddr__, length);
        }

        return r;
}

HOOK int getpeername(int fd, __SOCKADDR_ARG addr, socklen_t *length)
{
        const word w = table_get(fd);
        const socklen_t size = length ? *length : 0;
        int r;

        if (is_converted(w))
                return peer_of(fd, w, addr.__sockaddr__, length);
        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.getpeername(fd, addr.__sockaddr__, length);
        if (r == 0 && UNLIKELY(is_unknown_unix(fd, addr.__sockaddr__, size))) {
                *length = size;
                return peer_of(fd, table_get(fd), addr.__sockaddr__, length);
        }

        return r;
}
