/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of converted datagram sockets. See datagram-option.h. What datagram_tune() has changed is
 * told as the program has set it.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "preload/datagram-option.h"
#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/option.h"

/* Not in every C library's headers. */
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* What the kernel would make of it; the real one is as large as can be. */
static int set_room(struct sock *sock, int name, const void *value, socklen_t length)
{
        const int fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r = 0;

        if (fd < 0)
                return -ENOBUFS;
        if (next.setsockopt(fd, SOL_SOCKET, name, value, length) < 0)
                r = -errno;
        else
                datagram_of(sock)->told_room = option_number(fd, SO_SNDBUF);
        kernel_close(fd);
        return r;
}

static int set_timeout(struct sock *sock, const void *value, socklen_t length)
{
        struct timeval timeout;

        if (length < sizeof(timeout))
                return -EINVAL;
        if (!value)
                return -EFAULT;
        memcpy(&timeout, value, sizeof(timeout));
        if (timeout.tv_usec < 0 || timeout.tv_usec >= 1000000)
                return -EDOM;

        datagram_of(sock)->told_timeout = timeout;
        return 0;
}

int datagram_set_option(struct sock *sock, int level, int name, const void *value, socklen_t length)
{
        if (level == SOL_SOCKET)
                switch (name) {
                case SO_SNDBUF:
                case SO_SNDBUFFORCE:
                        return set_room(sock, name, value, length);
                case SO_SNDTIMEO:
                        return set_timeout(sock, value, length);
                }
        /* Programs that may send many datagrams in one, or in pieces, do it themselves then. */
        if (level == IPPROTO_UDP && (name == UDP_GRO || name == UDP_CORK))
                return -ENOPROTOOPT;

        return 1;
}

/* See datagram_plant_refusal(). */
static int give_error(int fd, const struct sock *sock, void *value, socklen_t *length)
{
        int error = option_number(fd, SO_ERROR);
        struct endpoint unused;

        if (error == ECONNRESET)
                error = datagram_peer_head(sock, &unused) == CORRESPONDENT_NONE ? 0 : ECONNREFUSED;
        return option_give(&error, sizeof(error), value, length);
}

int datagram_get_option(int fd, const struct sock *sock, int level, int name, void *value,
                        socklen_t *length)
{
        const struct datagram *datagram = datagram_of(sock);

        if (level != SOL_SOCKET)
                return 1;

        switch (name) {
        case SO_SNDBUF:
                return option_give(&datagram->told_room, sizeof(datagram->told_room), value,
                                   length);
        case SO_SNDTIMEO:
                return option_give(&datagram->told_timeout, sizeof(datagram->told_timeout), value,
                                   length);
        case SO_ERROR:
                return give_error(fd, sock, value, length);
        default:
                return 1;
        }
}
