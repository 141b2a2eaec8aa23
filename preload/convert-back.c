/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What converted sockets become when no rule wants them any more. See convert.h. */

#include <errno.h>
#include <netinet/in.h>

#include "preload/cancel.h"
#include "preload/convert.h"
#include "preload/datagram.h"
#include "preload/endpoint.h"
#include "preload/next.h"
#include "rules/address.h"

void convert_restore_options(int fd, const struct option_values *options)
{
        for (int i = 0; i < OPTION_COUNT; i++)
                if (options->value[i] != option_initial(i))
                        option_restore(fd, i, options->value[i]);
}

/* Where the kernel makes no IP sockets: RestrictAddressFamilies=AF_UNIX. */
static int convert_to_standin(const struct inet_socket *inet)
{
        struct sock *sock;
        int fd, r;

        sock = convert_prepare(inet, SOCK_STANDIN);
        if (!sock)
                return -ENOBUFS;
        if (inet->family == AF_INET)
                sock->local.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});

        fd = next.socket(AF_UNIX, inet->type | SOCK_CLOEXEC, 0);
        r = fd < 0 ? -ENOBUFS : convert(inet, fd, sock, false);
        if (fd >= 0)
                next.close(fd);
        if (r < 0)
                sock_unref(sock);
        return r < 0 ? -ENOBUFS : 0;
}

static int replace_by_inet(const struct inet_socket *inet, int fd, const struct sockaddr *bound,
                           socklen_t length)
{
        struct inet_socket client = *inet;
        int r;

        convert_restore_options(fd, &inet->sock->options);
        if (sock_is_datagram(inet->sock))
                datagram_untune(fd, inet->sock);
        if (bound && next.bind(fd, bound, length) < 0)
                return -errno;

        client.flags = !bound ? 0 : inet->type == SOCK_DGRAM ? WORD_ANY_PORT : WORD_CLIENT;
        r = convert(&client, fd, NULL, false);
        return r == 0 || r == -EBADF ? r : -ENOBUFS;
}

int convert_back(const struct inet_socket *inet, const struct sockaddr *bound, socklen_t length)
{
        const int before = cancel_disable();
        int fd, r;

        fd = next.socket(inet->family, inet->type | SOCK_CLOEXEC, inet->protocol);
        if (fd >= 0) {
                r = replace_by_inet(inet, fd, bound, length);
                next.close(fd);
        } else
                r = errno == EAFNOSUPPORT ? convert_to_standin(inet) : -ENOBUFS;

        cancel_restore(before);
        return r;
}

/* Where the kernel makes no IP sockets, it is a stand-in now. */
static int finish_back(const struct inet_socket *inet, int r)
{
        if (r < 0)
                return r;

        return WORD_KIND(table_get(inet->fd)) == WORD_SOCK ? -ENETUNREACH : 0;
}

int convert_back_bound(const struct inet_socket *inet)
{
        struct endpoint local = inet->sock->local;
        struct sockaddr_storage buf;
        struct sockaddr *bound = (struct sockaddr *)&buf;
        socklen_t size = sizeof(buf);
        int r;

        /* The program may have asked which port it is; but another socket may have it. */
        if (sock_is_datagram(inet->sock) && inet->sock->ephemeral) {
                local.port = datagram_local(inet->sock).port;
                if (local.port != 0) {
                        endpoint_write(&local, inet->family, bound, &size);
                        r = convert_back(inet, bound, size);
                        if (r != -EADDRINUSE)
                                return finish_back(inet, r);
                        size = sizeof(buf);
                }
        }
        if (inet->sock->ephemeral)
                local.port = 0;
        /* Never bound by the program. */
        if (local.port == 0 && endpoint_is_wildcard(&local, inet->family))
                bound = NULL;
        else
                endpoint_write(&local, inet->family, bound, &size);

        return finish_back(inet, convert_back(inet, bound, size));
}

/*
 * An unbound Unix datagram socket: it has no name that anybody could connect to, and it is never
 * readable and never hangs up, as a listener without clients. Every alternative (a socket that is
 * bound and unlinked, one shut down, a backlog of none) can be reached or wakes up poll(2).
 */
int convert_to_blackhole(const struct inet_socket *inet, const struct endpoint *local)
{
        struct sock *sock;
        int fd, r;

        sock = convert_prepare(inet, SOCK_BLACKHOLE);
        if (!sock)
                return -ENOBUFS;
        sock->local = *local;
        sock->listening = inet->sock && inet->sock->listening;

        fd = next.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        r = fd < 0 ? -ENOBUFS : convert(inet, fd, sock, false);
        if (fd >= 0)
                next.close(fd);
        if (r < 0) {
                sock_unref(sock);
                return -ENOBUFS;
        }

        return 0;
}
