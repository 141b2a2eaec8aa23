/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves IP sockets. See moved.h. */

#include <errno.h>

#include "preload/log.h"
#include "preload/moved-answer.h"
#include "preload/moved.h"
#include "preload/next.h"
#include "preload/watch.h"
#include "rules/address.h"

int moved_address(const struct rule *rule, const struct endpoint *asked, sa_family_t family,
                  struct sockaddr_storage *ret, socklen_t *ret_length)
{
        const struct endpoint there = {
                .address = rule->inet_address,
                .port = rule->inet_port != 0 ? rule->inet_port : asked->port,
        };

        if (family == AF_INET && !rule->inet_is_ipv4) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(asked->port),
                            ": an IPv4 socket cannot have the IPv6 address of inet=");
                return -EADDRNOTAVAIL;
        }

        *ret_length = sizeof(*ret);
        endpoint_write(&there, family, (struct sockaddr *)ret, ret_length);
        return 0;
}

static uint16_t real_port(int fd)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);
        struct endpoint endpoint;

        return next.getsockname(fd, (struct sockaddr *)&addr, &length) == 0 &&
                               endpoint_read((struct sockaddr *)&addr, length, &endpoint, NULL)
                       ? endpoint.port
                       : 0;
}

/* The kernel's own socket goes on; only what is told of it changes. */
static struct sock *prepare(const struct inet_socket *inet, enum sock_kind kind,
                            const struct rule *rule)
{
        struct sock *sock;

        if (table_reserve(inet->fd) < 0)
                return NULL;
        sock = inet_socket_object(inet, kind);
        if (!sock)
                return NULL;

        sock->rule = rule;
        return sock;
}

static void track(const struct inet_socket *inet, const struct sock *sock)
{
        const int saved = errno;

        convert_names(inet, sock_word(sock));
        table_put(inet->fd, sock_word(sock));
        errno = saved;
}

int moved_bind(const struct inet_socket *inet, const struct rule *rule,
               const struct endpoint *asked)
{
        char there[RULE_ADDRESS_TEXT_MAX];
        struct sockaddr_storage addr;
        socklen_t length;
        struct sock *sock;
        int r;

        if (inet_socket_is_standin(inet))
                return -EADDRNOTAVAIL;
        r = moved_address(rule, asked, inet->family, &addr, &length);
        if (r < 0)
                return r;
        sock = prepare(inet, SOCK_MOVED, rule);
        if (!sock)
                return -ENOBUFS;

        if (next.bind(inet->fd, (struct sockaddr *)&addr, length) < 0) {
                r = -errno;
                sock_unref(sock);
                return r;
        }

        (void)rule_address_format(&rule->inet_address, rule->inet_is_ipv4, there);
        log_message(LOG_INFO, "port ", LOG_NUMBER(asked->port), ": bound to ", there,
                    rule->inet_port ? " port " : "",
                    rule->inet_port ? LOG_NUMBER(rule->inet_port) : "");
        sock->local = *asked;
        if (asked->port == 0)
                sock->local.port = real_port(inet->fd);
        track(inet, sock);
        return 0;
}

int moved_connect(const struct inet_socket *inet, const struct rule *rule,
                  const struct endpoint *asked)
{
        struct sockaddr_storage addr;
        socklen_t length;
        struct sock *sock;
        int r;

        if (inet_socket_is_standin(inet))
                return -ENETUNREACH;
        r = moved_address(rule, asked, inet->family, &addr, &length);
        if (r < 0)
                return r;
        sock = prepare(inet, SOCK_MOVED_PEER, rule);
        if (!sock)
                return -ENOBUFS;

        r = next.connect(inet->fd, (struct sockaddr *)&addr, length) < 0 ? -errno : 0;
        if (r < 0 && r != -EINPROGRESS && r != -EINTR && r != -EALREADY) {
                sock_unref(sock);
                return r;
        }

        sock->peer = *asked;
        if (endpoint_is_wildcard(asked, inet->family))
                sock->peer.address = endpoint_opposite(asked, inet->family, 0).address;
        if (inet->type == SOCK_DGRAM)
                moved_answer_expect(&sock->peer, (struct sockaddr *)&addr, length);
        track(inet, sock);
        return r;
}

int moved_local(int fd, const struct sock *sock, struct endpoint *ret)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);

        if (next.getsockname(fd, (struct sockaddr *)&addr, &length) < 0)
                return -errno;
        if (!endpoint_read((struct sockaddr *)&addr, length, ret, NULL))
                return -EINVAL;

        if (sock->kind != SOCK_MOVED)
                return 0;
        /* A listener for all addresses has connections to one of them, which the kernel knows. */
        if (!endpoint_is_wildcard(&sock->local, sock->family))
                ret->address = sock->local.address;
        ret->port = sock->local.port;
        return 0;
}
