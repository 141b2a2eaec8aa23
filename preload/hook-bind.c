/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bind(2), listen(2): here the rules decide what becomes of a server's socket.
 *
 * Nothing here falls back to a real IP socket. Where a rule wants a socket converted and that can't
 * be done, the call fails, and the program's socket stays unbound.
 */

#include <netinet/in.h>
#include <unistd.h>

#include "preload/activation.h"
#include "preload/convert.h"
#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/sock.h"
#include "rules/address.h"

static bool has_reuseport(const struct inet_socket *inet)
{
        int value = 0;
        socklen_t length = sizeof(value);

        if (inet->standin)
                return inet->standin->options.value[OPTION_REUSEPORT];

        return next.getsockopt(inet->fd, SOL_SOCKET, SO_REUSEPORT, &value, &length) == 0 && value;
}

/* The port that the kernel would have chosen. */
static struct endpoint with_port(const struct endpoint *endpoint)
{
        struct endpoint local = *endpoint;

        if (local.port == 0)
                local.port = endpoint_ephemeral_port();
        return local;
}

static int blackhole(const struct inet_socket *inet, const struct endpoint *endpoint)
{
        const struct endpoint local = with_port(endpoint);

        log_message(LOG_INFO, "port ", LOG_NUMBER(endpoint->port),
                    ": nobody can connect (blackhole)");
        return convert_to_blackhole(inet, &local);
}

/* A datagram socket of systemd's is of use as it is when it is an IP socket. */
static bool is_usable(const struct kept *kept)
{
        return kept->family != AF_UNIX || kept->type == SOCK_STREAM;
}

/* A UDP server that an earlier run has connected to a client would hear of nobody else. */
static void dissolve_connection(const struct kept *kept)
{
        const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
        struct sockaddr_storage peer;
        socklen_t length = sizeof(peer);

        if (kept->type == SOCK_DGRAM &&
            next.getpeername(kept->fd, (struct sockaddr *)&peer, &length) == 0)
                (void)next.connect(kept->fd, &nobody, sizeof(nobody));
}

static int use_passed(const struct inet_socket *inet, const struct rule *rule,
                      const struct endpoint *endpoint, int place, bool reuseport, bool shared)
{
        const struct kept *kept = kept_at(place);
        struct sock *sock;
        int r;

        if (!is_usable(kept)) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(endpoint->port), ": socket '", kept->name,
                            "' is a Unix datagram socket, which this version cannot use");
                return -EADDRINUSE;
        }

        if (!shared)
                dissolve_connection(kept);
        sock = convert_prepare(inet, kept->family == AF_UNIX ? SOCK_LISTENER : SOCK_PASSED_IP);
        if (!sock)
                return -ENOBUFS;
        sock->local = with_port(endpoint);
        sock->peer_credentials = rule->peer_credentials;
        sock->kept = place;

        r = convert(inet, kept->fd, sock, reuseport);
        if (r < 0) {
                sock_unref(sock);
                return -ENOBUFS;
        }

        if (kept->family == AF_UNIX) {
                /* From here on forked workers count together. */
                (void)endpoint_ephemeral_port();
                mark_write(inet->fd, sock, 0);
        }
        log_message(LOG_INFO, "port ", LOG_NUMBER(endpoint->port), ": using socket '", kept->name,
                    "' passed by systemd");
        return 0;
}

static int activate(const struct inet_socket *inet, const struct rule *rule,
                    const struct endpoint *endpoint, const struct rule_query *query)
{
        char names[512];
        const bool reuseport = has_reuseport(inet);
        enum activation_result result;
        int place, r;

        result = activation_take(rule->fdname, query, inet->family, reuseport, &place);
        switch (result) {
        case ACTIVATION_TAKEN:
        case ACTIVATION_SHARED:
                r = use_passed(inet, rule, endpoint, place, reuseport, result == ACTIVATION_SHARED);
                if (r < 0)
                        activation_release(place);
                return r;
        case ACTIVATION_NONE:
                return blackhole(inet, endpoint);
        case ACTIVATION_ABSENT:
                break;
        }

        /*
         * systemd passes descriptors to ExecStart= alone. Configuration tests in ExecStartPre=
         * bind too, and live with a port that is in use but not with one that does not exist.
         */
        kept_names(names, sizeof(names));
        log_message(LOG_ERR, "port ", LOG_NUMBER(endpoint->port), ": no ",
                    inet->type == SOCK_DGRAM ? "datagram" : "listening", " socket ",
                    rule->fdname ? "'" : "that no rule names", rule->fdname ? rule->fdname : "",
                    rule->fdname ? "'" : "", " was passed by systemd (passed: ", names, ")");
        return -EADDRINUSE;
}

static int apply(const struct rule *rule, const struct inet_socket *inet,
                 const struct endpoint *endpoint, const struct rule_query *query)
{
        /* What such a child binds could not be recorded: its parent's records are all there are. */
        if (process_is_borrowed() && rule->action != RULE_REJECT) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(endpoint->port),
                            ": cannot bind in a child of vfork");
                return -EACCES;
        }

        switch (rule->action) {
        case RULE_REJECT:
                return -rule->reject_errno;
        case RULE_BLACKHOLE:
                return blackhole(inet, endpoint);
        case RULE_SYSTEMD:
                return activate(inet, rule, endpoint, query);
        default:
                /* rule_supported() has let no other pass. */
                return -EACCES;
        }
}

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

static int bind_for_real(const struct inet_socket *inet, const struct sockaddr *addr,
                         socklen_t length)
{
        if (inet->standin)
                return -EADDRNOTAVAIL;
        if (next.bind(inet->fd, addr, length) < 0)
                return -errno;

        /* No rule will have it from now on. */
        if (WORD_KIND(inet->word) == WORD_INET)
                (void)table_replace(inet->fd, inet->word, (inet->word & ~(word)15) | WORD_PLAIN);
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
                return inet->standin ? -EINVAL : bind_for_real(inet, addr, length);

        rule = rule_set_match(RULE_IN, inet, &endpoint, is_ipv4, &query);
        *ret_ruled = rule && rule->action != RULE_IGNORE;
        if (!*ret_ruled)
                return bind_for_real(inet, addr, length);
        if (!inet->standin && WORD_KIND(inet->word) != WORD_INET && is_bound(inet->fd))
                return -EINVAL;

        return apply(rule, inet, &endpoint, &query);
}

int hook_bind(int fd, const struct sockaddr *addr, socklen_t length, bool *ret_ruled)
{
        struct inet_socket inet;
        bool ruled;

        if (!rule_set.loaded || !inet_socket_find(fd, &inet))
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
        if (!rule || rule->action == RULE_IGNORE)
                return inet->standin ? -EADDRNOTAVAIL : 0;

        return apply(rule, inet, &endpoint, &query);
}

/* Give the rules their say where listen(2) would bind. Returns 0 or a negative errno. */
static int bind_before_listen(int fd)
{
        struct inet_socket inet;

        if (!rule_set.loaded || !inet_socket_find(fd, &inet) || inet.type != SOCK_STREAM ||
            (!inet.standin && is_bound(fd)))
                return 0;

        return listen_unbound(&inet);
}

/*
 * Listening on a converted socket. systemd listens already, and its backlog is the
 * administrator's.
 */
static int listen_sock(int fd, struct sock *sock)
{
        if (sock->type != SOCK_STREAM)
                return -EOPNOTSUPP;
        if (sock->kind == SOCK_CONNECTION || sock->kind == SOCK_SHUT || sock->kind == SOCK_STANDIN)
                return -EINVAL;

        atomic_store(&sock->listening, true);
        if (sock_is_unix(sock))
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
                r = listen_sock(fd, sock_at(WORD_INDEX(w)));
                errno = saved;
                return hook_result(r);
        default:
                errno = saved;
                return next.listen(fd, backlog);
        }
}
