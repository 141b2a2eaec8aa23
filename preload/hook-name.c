/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* getsockname(2), getpeername(2): the addresses that the program expects; where the socket is an
 * IP socket in its eyes alone, without a system call. */

#include <stddef.h>
#include <string.h>

#include "preload/connection.h"
#include "preload/datagram.h"
#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/moved.h"
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

/* A Unix socket's name as the program gave it. */
static int give_name(const struct unix_name *name, struct sockaddr *addr, socklen_t *length)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const socklen_t size = (socklen_t)offsetof(struct sockaddr_un, sun_path) + name->length;

        if (!length || (!addr && *length > 0))
                return hook_result(-EFAULT);
        if ((int)*length < 0)
                return hook_result(-EINVAL);

        memcpy(un.sun_path, name->path, name->length);
        memcpy(addr, &un, *length < size ? *length : size);
        *length = size;
        return 0;
}

/* An IP socket that is elsewhere in truth. */
static int name_of_moved(int fd, const struct sock *sock, struct sockaddr *addr, socklen_t *length)
{
        const int saved = errno;
        struct endpoint local;
        int r = 0;

        if (sock->kind == SOCK_MOVED && WORD_KIND(table_get(fd)) == WORD_SOCK)
                local = sock->local;
        else
                r = moved_local(fd, sock, &local);
        if (r < 0)
                return hook_result(r);

        errno = saved;
        return give(&local, sock->family, addr, length);
}

static int name_of(int fd, word w, struct sockaddr *addr, socklen_t *length)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        struct endpoint local = sock->local;

        if (UNLIKELY(sock_is_datagram(sock))) {
                local = datagram_local(sock);
                return give(&local, sock->family, addr, length);
        }
        if (UNLIKELY(!sock_is_disguised(sock)))
                return sock->family == AF_UNIX ? sock->outgoing || sock->name.length == 0
                                                         ? next.getsockname(fd, addr, length)
                                                         : give_name(&sock->name, addr, length)
                                               : name_of_moved(fd, sock, addr, length);
        if (WORD_KIND(w) == WORD_ACCEPTED || (sock->kind == SOCK_CONNECTION && !sock->outgoing))
                local = connection_local(&local, sock->family);

        return give(&local, sock->family, addr, length);
}

/* The peer of a socket that does not pretend to be another. */
static int peer_of_undisguised(int fd, const struct sock *sock, struct sockaddr *addr,
                               socklen_t *length)
{
        struct sockaddr_storage unused;
        socklen_t size = sizeof(unused);

        if (!sock->outgoing && sock->kind != SOCK_MOVED_PEER)
                return next.getpeername(fd, addr, length);
        /* It may have been refused since, or have no answer yet. */
        if (next.getpeername(fd, (struct sockaddr *)&unused, &size) < 0)
                return -1;

        return sock->family == AF_UNIX ? give_name(&sock->name, addr, length)
                                       : give(&sock->peer, sock->family, addr, length);
}

static int peer_of(int fd, word w, struct sockaddr *addr, socklen_t *length)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        const bool accepted = WORD_KIND(w) == WORD_ACCEPTED;
        struct endpoint peer;

        if (UNLIKELY(!sock_is_disguised(sock)))
                return peer_of_undisguised(fd, sock, addr, length);
        if (UNLIKELY(sock_is_datagram(sock)))
                return datagram_peer_head(sock, &peer) == CORRESPONDENT_NONE
                               ? hook_result(-ENOTCONN)
                               : give(&peer, sock->family, addr, length);
        if (!accepted && sock->kind != SOCK_CONNECTION)
                return hook_result(-ENOTCONN);

        if (!accepted && sock->outgoing)
                peer = sock->peer;
        else
                peer = connection_peer(fd, sock, accepted ? WORD_PEER_PORT(w) : sock->peer.port);
        return give(&peer, sock->family, addr, length);
}

/* Is the word about a socket whose addresses are ours to tell? */
static inline bool is_converted(word w)
{
        return WORD_KIND(w) == WORD_ACCEPTED ||
               (WORD_KIND(w) == WORD_SOCK && sock_at(WORD_INDEX(w))->kind != SOCK_PASSED_IP);
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
                return name_of(fd, w, addr.__sockaddr__, length);
        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.getsockname(fd, addr.__sockaddr__, length);
        if (r == 0 && UNLIKELY(is_unknown_unix(fd, addr.__sockaddr__, size))) {
                *length = size;
                return name_of(fd, table_get(fd), addr.__sockaddr__, length);
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
