/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends a datagram from another socket. See aside.h. */

#include <errno.h>

#include "preload/aside.h"
#include "preload/cancel.h"
#include "preload/convert.h"
#include "preload/next.h"

ssize_t aside_send_unix(const struct target *target, const struct outgoing *out)
{
        const struct outgoing once = {out->buf, out->size, out->msg, out->flags | MSG_DONTWAIT};
        int before, fd;
        ssize_t n;

        if (out->size > DATAGRAM_LONGEST_IPV6)
                return -EMSGSIZE;
        /* A peer that has no name can't be reached. */
        if (target->length <= sizeof(sa_family_t))
                return (ssize_t)out->size;

        before = cancel_disable();
        fd = target_socket(target, SOCK_DGRAM);
        n = fd < 0 ? fd : outgoing_transmit(fd, &once, target);
        if (fd >= 0)
                next.close(fd);
        cancel_restore(before);
        return n == -EAGAIN || outgoing_is_absence((int)-n) ? (ssize_t)out->size : n;
}

/* The port may be another's: then the address alone. */
static void bind_as(int fd, const struct sock *sock)
{
        struct endpoint local = datagram_local(sock);
        struct sockaddr_storage addr;

        for (int i = 0; i < 2 && !endpoint_is_wildcard(&sock->local, sock->family); i++) {
                socklen_t length = sizeof(addr);

                endpoint_write(&local, sock->family, (struct sockaddr *)&addr, &length);
                if (next.bind(fd, (struct sockaddr *)&addr, length) == 0)
                        return;
                local.port = 0;
        }
}

static ssize_t send_from(int fd, const struct sock *sock, const struct outgoing *out,
                         const struct sockaddr *addr, socklen_t length)
{
        ssize_t n;

        convert_restore_options(fd, &sock->options);
        bind_as(fd, sock);
        n = out->msg ? next.sendmsg(fd, out->msg, out->flags)
                     : next.sendto(fd, out->buf, out->size, out->flags, addr, length);
        return n < 0 ? -errno : n;
}

ssize_t aside_send_ip(int from, const struct sock *sock, const struct outgoing *out,
                      const struct sockaddr *addr, socklen_t length)
{
        const int before = cancel_disable();
        const int fd = next.socket(sock->family, SOCK_DGRAM | SOCK_CLOEXEC, sock->protocol);
        ssize_t n;

        if (fd >= 0)
                convert_copy_options(from, fd);
        /* Without IP, nobody is reached. */
        n = fd >= 0                 ? send_from(fd, sock, out, addr, length)
            : errno == EAFNOSUPPORT ? -ENETUNREACH
                                    : -ENOBUFS;
        if (fd >= 0)
                next.close(fd);
        cancel_restore(before);
        return n;
}
