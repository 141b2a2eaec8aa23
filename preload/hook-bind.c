/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bind(2), listen(2): here the rules decide what becomes of a server's socket.
 *
 * Nothing here falls back to a real IP socket. Where a rule wants a socket converted and that can't
 * be done, the call fails, and the program's socket stays unbound.
 */

#include <limits.h>
#include <netinet/in.h>
#include <unistd.h>

#include "preload/convert.h"
#include "preload/datagram.h"
#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/rule-set.h"
#include "preload/serve.h"
#include "preload/sock.h"
#include "preload/target.h"
#include "rules/address.h"

/* Bound already, by the kernel's account: a second bind(2) is for it to refuse. */
static bool is_bound(int fd)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);
        struct endpoint endpoint;

        return next.getsockname(fd, (struct sockaddr *)&addr, &length) == 0 &&
               endpoint_read((struct sockaddr *)&addr, length, &endpoint, NULL) &&
               endpoint.port != 0;
}

/* A datagram socket of which only the kernel knows the port may be a client's: see datagram-send.c.
 */
static bool asks_for_any_port(const struct inet_socket *inet, const struct sockaddr *addr,
                              socklen_t length)
{
        struct endpoint endpoint;

        return inet->type == SOCK_DGRAM && endpoint_read(addr, length, &endpoint, NULL) &&
               endpoint.port == 0;
}

/*
 * Where the kernel makes no IP sockets, there is nothing to be bound. But many clients bind port 0
 * before they connect or send, which a rule may lead elsewhere.
 */
static int bind_standin(const struct inet_socket *inet, const struct endpoint *endpoint)
{
        if (endpoint->port != 0 || !rule_set.concerns_out)
                return -EADDRNOTAVAIL;

        inet->sock->local = *endpoint;
        inet->sock->local.port = endpoint_ephemeral_port();
        inet->sock->ephemeral = true;
        if (atomic_load(&inet->sock->stamped))
                mark_write(inet->fd, inet->sock, 0);
        return 0;
}

static bool is_bound_standin(const struct inet_socket *inet)
{
        return inet_socket_is_standin(inet) && inet->sock->local.port != 0;
}

static int bind_for_real(const struct inet_socket *inet, const struct sockaddr *addr,
                         socklen_t length)
{
        const word flag = asks_for_any_port(inet, addr, length) ? WORD_ANY_PORT : 0;

        if (next.bind(inet->fd, addr, length) < 0)
                return -errno;

        /* No rule will have it from now on. */
        if (WORD_KIND(inet->word) == WORD_INET)
                (void)table_replace(inet->fd, inet->word,
                                    (inet->word & ~(word)15) | WORD_PLAIN | flag);
        return 0;
}

/* A socket that is bound already, or is no IP socket: what does bind(2) say? */
static int bind_other(int fd, const struct sockaddr *addr, socklen_t length)
{
        switch (WORD_KIND(table_get(fd))) {
        case WORD_KEPT:
                return -EBADF;
        case WORD_SOCK:
        case WORD_ACCEPTED:
                return -EINVAL;
        default:
                return next.bind(fd, addr, length) < 0 ? -errno : 0;
        }
}

static int bind_inet(const struct inet_socket *inet, const struct sockaddr *addr, socklen_t length,
                     bool *ret_ruled)
{
        const struct rule *rule;
        struct rule_query query;
        struct endpoint endpoint;
        bool is_ipv4;

        /* An address of the wrong family or length is for the kernel to refuse. */
        if (!endpoint_read(addr, length, &endpoint, &is_ipv4) ||
            (addr->sa_family == AF_INET6) != (inet->family == AF_INET6))
                return inet_socket_is_standin(inet) ? -EINVAL : bind_for_real(inet, addr, length);

        rule = rule_set_match(RULE_IN, inet, &endpoint, is_ipv4, &query);
        *ret_ruled = rule;
        if (is_bound_standin(inet))
                return -EINVAL;
        if (!rule)
                return inet_socket_is_standin(inet) ? bind_standin(inet, &endpoint)
                                                    : bind_for_real(inet, addr, length);
        if (!inet_socket_is_standin(inet) && WORD_KIND(inet->word) != WORD_INET &&
            is_bound(inet->fd))
                return -EINVAL;

        return serve(inet, rule, &endpoint, &query);
}

/* A Unix socket of the program's own. */
static int bind_unix(struct inet_socket *inet, const struct sockaddr *addr, socklen_t length)
{
        const struct endpoint nowhere = {0};
        const struct rule *rule;
        struct rule_query query;
        struct unix_name name;
        struct target unused;

        rule = rule_set_match_unix(RULE_IN, inet, addr, length, &query);
        if (!rule || target_of_socket(inet->fd, &unused))
                return next.bind(inet->fd, addr, length) < 0 ? -errno : 0;

        unix_name_set(&name, addr, length);
        inet->name = &name;
        return serve(inet, rule, &nowhere, &query);
}

/* After a connect(2) that was refused, or of UDP was dissolved, a socket can be bound. */
static bool is_unbound_again(const struct sock *sock)
{
        return sock->kind == SOCK_REFUSED ||
               (sock->kind == SOCK_CLIENT && datagram_local(sock).port == 0);
}

static void forget_connect(int fd)
{
        const word w = table_hold(fd);

        if (WORD_KIND(w) == WORD_SOCK && is_unbound_again(sock_at(WORD_INDEX(w)))) {
                const struct inet_socket inet = inet_socket_of(fd, w);

                (void)convert_back(&inet, NULL, 0);
        }
        table_drop(w);
}

int hook_bind(int fd, const struct sockaddr *addr, socklen_t length, bool *ret_ruled)
{
        struct inet_socket inet;
        bool ruled;

        if (!rule_set.loaded)
                return bind_other(fd, addr, length);
        if (table_get(fd) == 0)
                (void)mark_adopt(fd);
        forget_connect(fd);
        if (rule_set.concerns_unix && addr && length >= sizeof(sa_family_t) &&
            addr->sa_family == AF_UNIX && inet_socket_find_unix(fd, &inet))
                return bind_unix(&inet, addr, length);
        if (!inet_socket_find(fd, &inet))
                return bind_other(fd, addr, length);

        return bind_inet(&inet, addr, length, ret_ruled ? ret_ruled : &ruled);
}

HOOK int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t length)
{
        const int saved = errno;
        int r;

        r = hook_bind(fd, addr.__sockaddr__, length, NULL);
        if (r < 0)
                return hook_result(r);

        errno = saved;
        return 0;
}

/*
 * bindresvport(3) calls the kernel around our hook, so that it is done here: the first reserved
 * port that can be bound, from the range that the C library uses, starting at a different one in
 * every process.
 */
HOOK int bindresvport(int fd, struct sockaddr_in *in)
{
        const int saved = errno;
        enum { FIRST = 600, LAST = 1023, PORTS = LAST - FIRST + 1 };
        struct sockaddr_in any = {.sin_family = AF_INET};
        int r = -EADDRINUSE;
        bool ruled = false;

        in = in ? in : &any;
        if (in->sin_family != AF_INET)
                return hook_result(-EAFNOSUPPORT);

        for (int i = 0, start = getpid() % PORTS; i < PORTS && r == -EADDRINUSE && !ruled; i++) {
                in->sin_port = htons((uint16_t)(FIRST + (start + i) % PORTS));
                r = hook_bind(fd, (struct sockaddr *)in, sizeof(*in), &ruled);
        }
        if (r < 0)
                return hook_result(r);

        errno = saved;
        return 0;
}

/* listen(2) on an unbound TCP socket binds it to the wildcard address and a free port. */
static int listen_unbound(const struct inet_socket *inet)
{
        const bool is_ipv4 = inet->family == AF_INET;
        struct endpoint endpoint = {0};
        struct rule_query query;
        const struct rule *rule;

        if (is_ipv4)
                endpoint.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});

        rule = rule_set_match(RULE_IN, inet, &endpoint, is_ipv4, &query);
        if (!rule)
                return inet_socket_is_standin(inet) ? -EADDRNOTAVAIL : 0;

        return serve(inet, rule, &endpoint, &query);
}

/* Give the rules their say where listen(2) would bind. Returns 0 or a negative errno. */
static int bind_before_listen(int fd)
{
        struct inet_socket inet;

        if (rule_set.loaded && inet_socket_find(fd, &inet) && WORD_PROTOCOL(inet.word) != 0 &&
            WORD_KIND(inet.word) != WORD_SOCK && inet.word & WORD_CLIENT)
                return -EINVAL;
        if (!rule_set.loaded || !inet_socket_find(fd, &inet) || inet.type != SOCK_STREAM ||
            (!inet_socket_is_standin(&inet) && is_bound(fd)))
                return 0;

        return listen_unbound(&inet);
}

/*
 * Listening on a converted socket. Where systemd listens already, its backlog is the
 * administrator's. On sockets of our own it is as long as the kernel allows: a client that finds it
 * full is told to try again, which TCP's clients don't know.
 */
static int listen_sock(int fd, struct sock *sock, int backlog)
{
        if (sock->type != SOCK_STREAM)
                return -EOPNOTSUPP;

        switch (sock->kind) {
        case SOCK_LISTENER:
                if (!sock->passed && next.listen(fd, INT_MAX) < 0)
                        return -errno;
                break;
        case SOCK_MOVED:
                if (next.listen(fd, backlog) < 0)
                        return -errno;
                break;
        case SOCK_PASSED_IP:
        case SOCK_BLACKHOLE:
                break;
        default:
                return -EINVAL;
        }

        atomic_store(&sock->listening, true);
        mark_write(fd, sock, 0);
        return 0;
}

HOOK int listen(int fd, int backlog)
{
        const int saved = errno;
        word w;
        int r;

        if (table_get(fd) == 0)
                (void)mark_adopt(fd);
        r = bind_before_listen(fd);
        if (r < 0)
                return hook_result(r);

        w = table_get(fd);
        switch (WORD_KIND(w)) {
        case WORD_KEPT:
                return hook_result(-EBADF);
        case WORD_ACCEPTED:
                return hook_result(-EINVAL);
        case WORD_SOCK:
                r = listen_sock(fd, sock_at(WORD_INDEX(w)), backlog);
                errno = saved;
                return hook_result(r);
        default:
                errno = saved;
                return next.listen(fd, backlog);
        }
}
