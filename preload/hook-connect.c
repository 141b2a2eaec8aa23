/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* connect(2): here the rules decide what becomes of a client's socket. */

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "preload/cancel.h"
#include "preload/client.h"
#include "preload/connection.h"
#include "preload/convert.h"
#include "preload/datagram-client.h"
#include "preload/datagram-find.h"
#include "preload/datagram-send.h"
#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/listener.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/moved.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/sock.h"
#include "preload/target.h"
#include "preload/watch.h"

/*
 * A socket that has a connection is none that a rule for binds could still want. One that had a
 * connection is: listen(2) would bind it.
 */
static void note_connected(int fd, word w, const struct sockaddr *addr)
{
        const int saved = errno;

        if (addr->sa_family == AF_UNSPEC) {
                if (WORD_KIND(w) == WORD_PLAIN && WORD_PROTOCOL(w) != 0 && !(w & WORD_DGRAM))
                        (void)table_replace(fd, w, (w & ~(word)15) | WORD_INET | WORD_SET);
                return;
        }
        if (WORD_KIND(w) != WORD_INET)
                return;

        /*
         * While connect(2) waited, another thread may have put something else at the number. What a
         * socket of UDP is connected to, it may leave.
         */
        if (w & WORD_DGRAM)
                (void)table_replace(fd, w, (w & ~(word)15) | WORD_PLAIN);
        else if (table_replace(fd, w, (w & ~(word)(WORD_EPOLLED | 15)) | WORD_PLAIN) &&
                 w & WORD_EPOLLED)
                watch_forget(fd);
        errno = saved;
}

static int connect_as_is(int fd, const struct sockaddr *addr, socklen_t length)
{
        return next.connect(fd, addr, length) < 0 ? -errno : 0;
}

static int connect_for_real(int fd, const struct sockaddr *addr, socklen_t length)
{
        const word w = table_get(fd);
        const int r = connect_as_is(fd, addr, length);

        if (w != 0 && (r == 0 || r == -EINPROGRESS))
                note_connected(fd, w, addr);
        return r;
}

static bool is_connected(const struct inet_socket *inet)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);

        return !inet->sock && WORD_KIND(inet->word) != WORD_INET && inet->type == SOCK_STREAM &&
               next.getpeername(inet->fd, (struct sockaddr *)&addr, &length) == 0;
}

/* What the kernel says of an address that is none of this socket's. */
static int wrong_address(const struct inet_socket *inet, socklen_t length)
{
        const socklen_t shortest = inet->family == AF_INET6
                                           ? offsetof(struct sockaddr_in6, sin6_scope_id)
                                           : sizeof(struct sockaddr_in);

        return length < shortest || length > sizeof(struct sockaddr_storage) ? -EINVAL
                                                                             : -EAFNOSUPPORT;
}

/* IPv6 sockets of UDP, and they alone, take the addresses of IPv4 as well. */
static bool is_of_family(const struct inet_socket *inet, const struct sockaddr *addr)
{
        if (inet->family == AF_INET6)
                return addr->sa_family == AF_INET6 || inet->type == SOCK_DGRAM;

        return addr->sa_family != AF_INET6;
}

/* A datagram socket is connected to whom it was told to, whether or not somebody is there. */
static int connect_datagram(int fd, word w, const struct sockaddr *addr, socklen_t length)
{
        const struct inet_socket inet = inet_socket_of(fd, w);
        struct endpoint asked;
        union correspondent to;
        uint64_t unused;
        bool is_ipv4;
        int r;

        if (addr->sa_family == AF_UNSPEC)
                return datagram_disconnect(fd, inet.sock);
        if (!endpoint_read(addr, length, &asked, &is_ipv4) || !is_of_family(&inet, addr))
                return wrong_address(&inet, length);
        if (endpoint_is_wildcard(&asked, inet.family))
                asked.address = endpoint_opposite(&asked, inet.family, 0).address;

        next.pthread_testcancel();
        r = datagram_find(fd, inet.sock, &asked, is_ipv4, &to, &unused);
        if (r < 0)
                return r;
        if (r > 0 && datagram_rename(fd, inet.sock, &to.target))
                return hook_connect(fd, addr, length);
        if (r > 0) {
                const bool is_peer = r == DATAGRAM_TO_PEER;

                r = datagram_connect(fd, inet.sock, &to);
                if (r == 0 && is_peer && atomic_load(&datagram_of(inet.sock)->absent))
                        datagram_tell_unanswered(&to.target);
                if (r == 0 && inet.sock->kind == SOCK_LISTENER)
                        listener_divide(inet.sock);
                return r;
        }

        if (endpoint_is_nowhere(&asked))
                return -EHOSTUNREACH;
        if (!datagram_may_be_ip(inet.sock))
                return -ENETUNREACH;
        r = convert_back_bound(&inet);
        return r < 0 ? r : hook_connect(fd, addr, length);
}

static int connect_by_rule(const struct inet_socket *inet, const struct rule *rule,
                           const struct endpoint *asked, const struct rule_query *query)
{
        struct endpoint buf;
        int before, r;

        switch (rule->action) {
        case RULE_REJECT:
                return rule_set_reject(rule, query);
        case RULE_INET:
                return moved_connect(inet, rule, asked);
        default:
                break;
        }

        if (is_connected(inet))
                return -EISCONN;
        /* Its parent's records are all there are. */
        if (process_is_borrowed()) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(asked->port),
                            ": cannot connect in a child of vfork");
                return -EACCES;
        }

        next.pthread_testcancel();
        before = cancel_disable();
        r = client_connect(inet, rule, inet_socket_local(inet, &buf), asked, query);
        cancel_restore(before);
        /* Nothing has come of the waiting. */
        if (r < 0 && r != -EINPROGRESS)
                next.pthread_testcancel();
        return r;
}

/*
 * Connect an IP socket, or what is one in the program's eyes.
 * Returns 0 or a negative errno.
 */
static int connect_inet(const struct inet_socket *inet, const struct sockaddr *addr,
                        socklen_t length)
{
        struct endpoint asked;
        struct rule_query query;
        const struct rule *rule;
        bool is_ipv4;
        int r;

        /* An address of the wrong family or length is for the kernel to refuse. */
        if (!endpoint_read(addr, length, &asked, &is_ipv4) || !is_of_family(inet, addr))
                return inet->sock ? wrong_address(inet, length)
                                  : connect_for_real(inet->fd, addr, length);

        r = inet->type == SOCK_DGRAM ? datagram_convert(inet, &asked, is_ipv4, NULL) : 0;
        if (r != 0)
                return r < 0 ? r : hook_connect(inet->fd, addr, length);

        rule = rule_set_match(RULE_OUT, inet, &asked, is_ipv4, &query);
        if (rule)
                return connect_by_rule(inet, rule, &asked, &query);
        if (endpoint_is_nowhere(&asked))
                return -EHOSTUNREACH;

        if (!inet->sock)
                return connect_for_real(inet->fd, addr, length);
        /* The kernel has no IP for us, whatever the address. */
        if (inet_socket_is_standin(inet))
                return -ENETUNREACH;
        r = convert_back_bound(inet);
        return r < 0 ? r : connect_for_real(inet->fd, addr, length);
}

/* Does it lead to a peer? Such a socket has no other. */
static bool has_peer(const struct sock *sock)
{
        return sock->kind == SOCK_CONNECTION ||
               (atomic_load(&sock->listening) && sock->type == SOCK_STREAM);
}

/* May the socket become a connection, or an unbound one again? Systemd's own may not. */
static bool is_convertible(const struct sock *sock)
{
        return sock_is_disguised(sock) && !sock->passed &&
               (sock->kind == SOCK_LISTENER || sock->kind == SOCK_CONNECTION ||
                sock->kind == SOCK_BLACKHOLE || sock->kind == SOCK_REFUSED);
}

/* connect(2) again, on a socket that inet= has sent elsewhere: has it got there? */
static int connect_moved_again(int fd, const struct sock *sock)
{
        struct sockaddr_storage addr;
        socklen_t length;
        const int r = moved_address(sock->rule, &sock->peer, sock->family, &addr, &length);

        return r < 0 ? r : connect_as_is(fd, (struct sockaddr *)&addr, length);
}

static bool is_peer(const struct sock *sock, const struct sockaddr *addr, socklen_t length)
{
        struct endpoint asked;

        if (sock->kind != SOCK_MOVED_PEER || !endpoint_read(addr, length, &asked, NULL))
                return false;
        if (endpoint_is_wildcard(&asked, sock->family))
                asked.address = endpoint_opposite(&asked, sock->family, 0).address;

        return asked.port == sock->peer.port &&
               memcmp(&asked.address, &sock->peer.address, sizeof(asked.address)) == 0;
}

/* Its peer is the one that the kernel says, or it has none any more. */
static void forget_moved(int fd, const struct sock *sock, bool dissolved)
{
        if (sock->kind == SOCK_MOVED_PEER)
                table_put(fd, word_inet(dissolved ? WORD_INET : WORD_PLAIN, sock->family,
                                        sock->type, sock->protocol, WORD_SET | WORD_FORKED));
}

/*
 * An IP socket still, for which the rules are asked again when it is to go elsewhere: the program
 * has bound it alone, or has dissolved its connection, or has not got through to its first peer. w
 * is held.
 */
static int connect_moved(int fd, word w, const struct sockaddr *addr, socklen_t length)
{
        const struct sock *sock = sock_at(WORD_INDEX(w));
        struct inet_socket inet = inet_socket_of(fd, w);
        int r;

        if (sock->type == SOCK_STREAM && is_peer(sock, addr, length))
                return connect_moved_again(fd, sock);
        /* None that was converted: the kernel's own. */
        inet.sock = NULL;
        if (addr->sa_family == AF_UNSPEC)
                r = connect_as_is(fd, addr, length);
        else
                r = connect_inet(&inet, addr, length);

        if ((r == 0 || r == -EINPROGRESS) && table_get(fd) == w)
                forget_moved(fd, sock, addr->sa_family == AF_UNSPEC);
        return r;
}

/* Dissolve a connection, or an end of listening: connect(2) with AF_UNSPEC. */
static int disconnect(const struct inet_socket *inet)
{
        const struct sock *sock = inet->sock;

        if (sock->type == SOCK_STREAM &&
            (sock->kind == SOCK_PASSED_IP || (sock->kind == SOCK_LISTENER && sock->passed)))
                return hook_shut_listener(inet->fd, inet->word);
        if (sock->kind == SOCK_STANDIN)
                return 0;
        if (is_convertible(sock))
                return convert_back(inet, NULL, 0);

        return -EINVAL;
}

/* Linux: once, whether or not SO_ERROR was asked before. From then on there is a new attempt. */
static int hear_of_refusal(int fd, struct sock *sock)
{
        const int r = client_take_error(fd, sock);

        return r < 0 ? r : -ECONNABORTED;
}

/* w is held. */
static int connect_converted(int fd, word w, const struct sockaddr *addr, socklen_t length)
{
        const struct inet_socket inet = inet_socket_of(fd, w);
        const struct sock *sock = inet.sock;

        if (sock->family == AF_UNIX)
                return connect_as_is(fd, addr, length);
        if (sock_is_datagram(sock))
                return connect_datagram(fd, w, addr, length);
        if (sock->kind == SOCK_MOVED || sock->kind == SOCK_MOVED_PEER)
                return connect_moved(fd, w, addr, length);
        if (!sock_is_disguised(sock) &&
            (addr->sa_family != AF_UNSPEC || sock->kind != SOCK_PASSED_IP))
                return connect_for_real(fd, addr, length);
        if (addr->sa_family == AF_UNSPEC)
                return disconnect(&inet);
        /* The outcome of a connect(2) that was not waited for. */
        if (atomic_exchange(&inet.sock->connecting, false))
                return sock->kind == SOCK_REFUSED ? hear_of_refusal(fd, inet.sock) : 0;
        if (has_peer(sock) || (sock->kind != SOCK_STANDIN && !is_convertible(sock)))
                return -EISCONN;

        return connect_inet(&inet, addr, length);
}

/* A connection that came in: it has a peer, and can only be dissolved. */
static int connect_accepted(int fd, const struct sockaddr *addr)
{
        word w;
        int r;

        if (addr->sa_family != AF_UNSPEC)
                return -EISCONN;

        w = connection_promote(fd);
        if (WORD_KIND(w) == WORD_SOCK && sock_is_disguised(sock_at(WORD_INDEX(w)))) {
                const struct inet_socket inet = inet_socket_of(fd, w);

                r = convert_back(&inet, NULL, 0);
        } else
                r = -EINVAL;
        table_drop(w);
        return r;
}

/*
 * A Unix socket of the program's own is connected as it is, to another address. What goes wrong is
 * what the program knows from Unix sockets.
 */
static int connect_unix(struct inet_socket *inet, const struct sockaddr *addr, socklen_t length)
{
        const struct rule *rule;
        struct rule_query query;
        struct unix_name name;
        struct target target;
        struct sock *sock;
        int r;

        rule = rule_set_match_unix(RULE_OUT, inet, addr, length, &query);
        if (!rule)
                return connect_as_is(inet->fd, addr, length);
        if (rule->action == RULE_REJECT)
                return rule_set_reject(rule, &query);

        r = target_expand(rule, &query, &target);
        if (r < 0)
                return r;
        r = connect_as_is(inet->fd, (struct sockaddr *)&target.address, target.length);
        if (r < 0)
                return r;

        unix_name_set(&name, addr, length);
        inet->name = &name;
        sock = table_reserve(inet->fd) < 0 ? NULL : inet_socket_object(inet, SOCK_CONNECTION);
        if (sock) {
                sock->outgoing = true;
                sock->name = name;
                table_put(inet->fd, sock_word(sock));
        }
        return 0;
}

int hook_connect(int fd, const struct sockaddr *addr, socklen_t length)
{
        struct inet_socket inet;
        word w;
        int r;

        if (length < sizeof(addr->sa_family))
                return connect_as_is(fd, addr, length);

        if (table_get(fd) == 0)
                (void)mark_adopt(fd);
        w = table_hold(fd);
        switch (WORD_KIND(w)) {
        case WORD_KEPT:
                return -EBADF;
        case WORD_ACCEPTED:
                r = sock_is_disguised(sock_at(WORD_INDEX(w))) ? connect_accepted(fd, addr)
                                                              : connect_as_is(fd, addr, length);
                break;
        case WORD_SOCK:
                r = connect_converted(fd, w, addr, length);
                break;
        default:
                if (addr->sa_family == AF_UNSPEC)
                        return connect_for_real(fd, addr, length);
                if (addr->sa_family == AF_UNIX)
                        return rule_set.concerns_unix && inet_socket_find_unix(fd, &inet)
                                       ? connect_unix(&inet, addr, length)
                                       : connect_as_is(fd, addr, length);
                return inet_socket_find(fd, &inet) ? connect_inet(&inet, addr, length)
                                                   : connect_for_real(fd, addr, length);
        }
        table_drop(w);
        return r;
}

HOOK int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t length)
{
        const int saved = errno;
        const word w = table_get(fd);
        int r;

        if (UNLIKELY(hook_has_a_say(fd, addr.__sockaddr__))) {
                r = hook_connect(fd, addr.__sockaddr__, length);
                errno = r < 0 ? -r : saved;
                return r < 0 ? -1 : 0;
        }

        r = next.connect(fd, addr.__sockaddr__, length);
        if (UNLIKELY(w != 0) && (r == 0 || errno == EINPROGRESS))
                note_connected(fd, w, addr.__sockaddr__);
        return r;
}

HOOK_ALIAS(__connect, connect);
