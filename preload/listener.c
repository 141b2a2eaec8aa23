/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Binds sockets by path= and abstract=. See listener.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "preload/datagram.h"
#include "preload/departure.h"
#include "preload/listener.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/peers.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/socket-file.h"
#include "preload/target.h"
#include "rules/address.h"

/* So many ports are tried before there is said to be none: bind(2) with port 0. */
#define PORT_TRIES 1000

bool listener_is_shared(const struct inet_socket *inet)
{
        if (inet->sock)
                return inet->sock->options.value[OPTION_REUSEPORT];

        return inet->family != AF_UNIX && option_number(inet->fd, SO_REUSEPORT);
}

/* The bind that has led to a listener, as its rule was found by. */
static struct rule_query query_of(const struct sock *sock)
{
        return (struct rule_query){
                .direction = RULE_IN,
                .type = sock->type == SOCK_DGRAM ? RULE_DGRAM : RULE_STREAM,
                .origin = sock->family == AF_UNIX ? sock->rule->origin : RULE_FROM_IP,
                .is_ipv4 = sock->family == AF_INET || rule_address_is_mapped(&sock->local.address),
                .address = sock->local.address,
                .port = sock->local.port,
        };
}

/* Datagram sockets share an address with SO_REUSEADDR as well: socket(7). */
static bool may_share(const struct inet_socket *inet)
{
        return listener_is_shared(inet) ||
               (inet->type == SOCK_DGRAM && option_number(inet->fd, SO_REUSEADDR));
}

/* A datagram socket that is connected hears nobody else, so that another may have its target. */
static bool is_out_of_the_way(const struct sock *sock)
{
        struct endpoint peer;

        return sock_is_datagram(sock) && sock->rule->action == RULE_PATH &&
               datagram_peer_head(sock, &peer) != CORRESPONDENT_NONE;
}

static bool is_same(const struct sock *sock, const struct rule *rule, int type,
                    const struct target *target)
{
        struct rule_query query;
        struct target other;

        if (sock->kind != SOCK_LISTENER || sock->rule != rule || sock->type != type ||
            is_out_of_the_way(sock))
                return false;

        query = query_of(sock);
        return target_expand(rule, &query, &other) == 0 && target_equal(&other, target);
}

/* A descriptor that the rule has led to the same target, or -1. ret: its word, held. */
static int find_same(const struct rule *rule, int type, const struct target *target, word *ret)
{
        for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1)) {
                if (WORD_KIND(table_get(fd)) != WORD_SOCK)
                        continue;
                *ret = table_hold(fd);
                if (WORD_KIND(*ret) == WORD_SOCK &&
                    is_same(sock_at(WORD_INDEX(*ret)), rule, type, target))
                        return fd;
                table_drop(*ret);
        }

        return -1;
}

static struct sock *prepare(const struct inet_socket *inet, const struct rule *rule,
                            const struct endpoint *local)
{
        struct sock *sock = convert_prepare(inet, SOCK_LISTENER);

        if (!sock)
                return NULL;
        sock->local = *local;
        sock->rule = rule;
        sock->peer_credentials = rule->peer_credentials;
        sock->removes_file = rule->action == RULE_PATH && !rule->noremove;
        if (sock_is_datagram(sock) && datagram_prepare(sock, inet) < 0) {
                sock_unref(sock);
                return NULL;
        }
        if (sock->removes_file)
                departure_expect();
        return sock;
}

static void finish(const struct inet_socket *inet, struct sock *sock)
{
        if (sock_is_datagram(sock))
                datagram_finish(inet->fd, sock);
        mark_write(inet->fd, sock, 0);
}

static int bind_socket(const struct inet_socket *inet, int fd, const struct rule *rule,
                       const struct target *target, ino_t *ret_file)
{
        int r;

        if (rule->action == RULE_PATH)
                return socket_file_bind(fd, target, rule, may_share(inet), ret_file);

        *ret_file = 0;
        r = next.bind(fd, (const struct sockaddr *)&target->address, target->length) < 0 ? -errno
                                                                                         : 0;
        return r == 0 || r == -EADDRINUSE ? r : -ENOBUFS;
}

/* fd: an unbound Unix socket, which the caller closes. */
static int bind_and_convert(const struct inet_socket *inet, const struct rule *rule,
                            const struct target *target, const struct endpoint *local, int fd)
{
        const ino_t before = inet_socket_file(inet);
        struct sock *sock;
        int r;

        sock = prepare(inet, rule, local);
        if (!sock)
                return -ENOBUFS;

        if (sock_is_datagram(sock))
                datagram_tune(fd, sock);
        r = bind_socket(inet, fd, rule, target, &sock->file);
        /* It may have waited for a lock, and another thread have closed the descriptor. */
        if (r == 0 && (inet_socket_file(inet) != before || convert(inet, fd, sock, false) < 0))
                r = sock->removes_file ? -ECANCELED : -ENOBUFS;
        if (r < 0) {
                sock_unref(sock);
                return r;
        }

        finish(inet, sock);
        return 0;
}

/* Without a message where the target is in use. */
static int try_to_make(const struct inet_socket *inet, const struct rule *rule,
                       const struct target *target, const struct endpoint *local)
{
        int fd, r;

        fd = target_socket(target, inet->type);
        if (fd < 0)
                return fd;

        r = bind_and_convert(inet, rule, target, local, fd);
        next.close(fd);
        if (r == -ECANCELED) {
                /* Bound, and not to be used after all. */
                socket_file_remove(target, 0);
                r = -ENOBUFS;
        }
        if (r == 0)
                log_message(LOG_INFO, "port ", LOG_NUMBER(local->port), ": listening at ",
                            TARGET_TEXT(target));
        return r;
}

/* Does the type of the socket tell its target from others? */
static bool has_type(const struct rule *rule)
{
        for (const char *c = rule->target; *c; c++)
                if (*c == '%' && *++c == 't')
                        return true;

        return false;
}

static void tell_in_use(const struct inet_socket *inet, const struct rule *rule,
                        const struct target *target, const struct endpoint *local)
{
        const int type = target_is_file(target) ? target_type(target) : 0;
        const bool is_stream = inet->type == SOCK_STREAM;

        if (type == 0 || type == inet->type)
                log_message(LOG_NOTICE, "port ", LOG_NUMBER(local->port), ": ", TARGET_TEXT(target),
                            " is in use");
        else
                log_message(LOG_WARNING, "port ", LOG_NUMBER(local->port), ": ",
                            TARGET_TEXT(target), " is a ", is_stream ? "datagram" : "stream",
                            " socket: a ", is_stream ? "stream" : "datagram",
                            " socket can't be there too",
                            has_type(rule) ? "" : " (%t in the path makes two)");
}

static int make(const struct inet_socket *inet, const struct rule *rule,
                const struct target *target, const struct endpoint *local)
{
        const int r = try_to_make(inet, rule, target, local);

        if (r == -EADDRINUSE)
                tell_in_use(inet, rule, target, local);
        return r == -EEXIST ? -EADDRINUSE : r;
}

/* Every worker of a server that has a socket for each of them gets connections. */
static int share(const struct inet_socket *inet, const struct rule *rule,
                 const struct endpoint *local, int other, word w)
{
        struct sock *sock;
        int fd, r = -ENOBUFS;

        fd = next.fcntl(other, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                return -ENOBUFS;
        sock = table_get(other) == w ? prepare(inet, rule, local) : NULL;
        if (sock) {
                sock->file = sock_at(WORD_INDEX(w))->file;
                if (sock_is_datagram(sock))
                        datagram_tune(fd, sock);
                r = convert(inet, fd, sock, true);
                if (r < 0)
                        sock_unref(sock);
                else {
                        atomic_store(&sock->shared, true);
                        atomic_store(&sock_at(WORD_INDEX(w))->shared, true);
                        finish(inet, sock);
                }
        }

        next.close(fd);
        return r < 0 ? -ENOBUFS : 0;
}

/* Give one of those that share a socket its new one. made: the first that has it, or -1. */
static int leave_shared(int fd, word w, const struct target *target, int made)
{
        const struct inet_socket inet = inet_socket_of(fd, w);
        const struct sock *sock = inet.sock;
        word first;
        int r;

        if (made < 0)
                return make(&inet, sock->rule, target, &sock->local);

        first = table_hold(made);
        r = datagram_sock(first) ? share(&inet, sock->rule, &sock->local, made, first) : -EBADF;
        table_drop(first);
        return r;
}

void listener_divide(const struct sock *connected)
{
        struct rule_query query;
        struct target target;
        int made = -1;

        if (!atomic_load(&connected->shared) || !connected->rule ||
            connected->rule->action != RULE_PATH)
                return;
        query = query_of(connected);
        if (target_expand(connected->rule, &query, &target) < 0)
                return;

        for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1)) {
                const word w = table_hold(fd);
                const struct sock *sock = datagram_sock(w);

                if (sock && sock != connected && sock->file == connected->file &&
                    is_same(sock, connected->rule, connected->type, &target) &&
                    leave_shared(fd, w, &target, made) == 0 && made < 0)
                        made = fd;
                table_drop(w);
        }
}

static int bind_to_target(const struct inet_socket *inet, const struct rule *rule,
                          const struct target *target, const struct endpoint *local,
                          const struct rule_query *query)
{
        word w;
        const int other = find_same(rule, inet->type, target, &w);
        const struct sock *first;
        bool is_same_address;
        int r;

        if (other < 0)
                return make(inet, rule, target, local);

        /* Another address is of a family or a name that the first one's clients do not expect. */
        first = sock_at(WORD_INDEX(w));
        is_same_address = first->family == inet->family && inet->family != AF_UNIX &&
                          memcmp(&first->local, local, sizeof(*local)) == 0;
        if (is_same_address && may_share(inet))
                r = share(inet, rule, local, other, w);
        else if (is_same_address &&
                 (atomic_load(&first->listening) || !option_number(inet->fd, SO_REUSEADDR))) {
                log_message(LOG_NOTICE, "port ", LOG_NUMBER(local->port),
                            atomic_load(&first->listening)
                                    ? ": this process listens there already"
                                    : ": bound already by this process, without SO_REUSEADDR");
                r = -EADDRINUSE;
        } else {
                log_message(LOG_INFO, QUERY_TEXT(query), ": ", TARGET_TEXT(target),
                            inet->type == SOCK_DGRAM ? " is taken, nothing comes in here"
                                                     : " is taken, nobody can connect here");
                r = convert_to_blackhole(inet, local);
        }
        table_drop(w);
        return r;
}

/* Not the port of a peer, who could be taken for the new socket. */
static uint16_t free_port(const struct inet_socket *inet)
{
        uint16_t port = endpoint_ephemeral_port();
        struct target unused;
        uint64_t number;

        for (int i = 0; inet->type == SOCK_DGRAM && i < PORT_TRIES; i++) {
                if (!peers_find_port(port, &unused, &number))
                        break;
                port = endpoint_ephemeral_port();
        }

        return port;
}

/*
 * A target that has the port in it is another for every port, and if one is taken the next will do.
 * One that stays the same is bound, or not, as for any port.
 */
static int bind_to_free_port(const struct inet_socket *inet, const struct rule *rule,
                             const struct endpoint *endpoint, struct rule_query query)
{
        struct endpoint local = *endpoint;
        struct target target, before = {.length = 0};
        word w;
        int r = -EADDRINUSE;

        for (int i = 0; i < PORT_TRIES && (r == -EADDRINUSE || r == -EEXIST); i++) {
                int other;

                query.port = local.port = free_port(inet);
                r = target_expand(rule, &query, &target);
                if (r < 0)
                        return r;
                if (target_equal(&target, &before))
                        return i == 1 ? bind_to_target(inet, rule, &target, &local, &query)
                                      : -EADDRINUSE;

                before = target;
                other = find_same(rule, inet->type, &target, &w);
                if (other >= 0)
                        table_drop(w);
                r = other < 0 ? try_to_make(inet, rule, &target, &local) : -EADDRINUSE;
        }
        if (r == -EADDRINUSE)
                log_message(LOG_NOTICE, "port 0: ", TARGET_TEXT(&target),
                            " and all others that were tried are in use");

        return r == -EEXIST ? -EADDRINUSE : r;
}

/* When it is connected yet, and not by a rule, any port will do: hook-connect.c. */
static void note_ephemeral(word w)
{
        if (WORD_KIND(w) == WORD_SOCK)
                sock_at(WORD_INDEX(w))->ephemeral = true;
}

int listener_bind(const struct inet_socket *inet, const struct rule *rule,
                  const struct endpoint *endpoint, const struct rule_query *query)
{
        struct target target;
        int r;

        /* From here on forked workers count together. */
        (void)endpoint_ephemeral_port();
        if (endpoint->port == 0 && inet->family != AF_UNIX) {
                r = bind_to_free_port(inet, rule, endpoint, *query);
                if (r == 0)
                        note_ephemeral(table_get(inet->fd));
                return r;
        }

        r = target_expand(rule, query, &target);
        return r < 0 ? r : bind_to_target(inet, rule, &target, endpoint, query);
}

void listener_left(const struct sock *sock)
{
        struct rule_query query;
        struct target target;

        /* Of an inherited listener's name only the kernel knew. */
        if (!sock->removes_file || !sock->rule || process_is_borrowed())
                return;

        query = query_of(sock);
        if (target_expand(sock->rule, &query, &target) == 0)
                socket_file_remove(&target, sock->file);
}
