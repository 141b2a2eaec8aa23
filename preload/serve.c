/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Carries out the rule for a bind. See serve.h. */

#include <errno.h>
#include <netinet/in.h>

#include "preload/activation.h"
#include "preload/cancel.h"
#include "preload/datagram.h"
#include "preload/listener.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/moved.h"
#include "preload/next.h"
#include "preload/process.h"
#include "preload/rule-set.h"
#include "preload/serve.h"
#include "rules/address.h"

/* The port that the kernel would have chosen. */
static struct endpoint with_port(const struct endpoint *endpoint)
{
        struct endpoint local = *endpoint;

        if (local.port == 0)
                local.port = endpoint_ephemeral_port();
        return local;
}

static int blackhole(const struct inet_socket *inet, const struct rule *rule,
                     const struct endpoint *endpoint, const struct rule_query *query)
{
        const struct endpoint local = with_port(endpoint);
        const bool is_datagram = inet->type == SOCK_DGRAM;

        if (rule->action == RULE_BLACKHOLE)
                log_message(LOG_INFO, QUERY_TEXT(query), ": blackhole, ",
                            is_datagram ? "nothing comes in" : "nobody can connect");
        else
                log_message(LOG_INFO, QUERY_TEXT(query), ": ",
                            rule->fdname ? "socket '" : "the sockets that no rule names",
                            rule->fdname ? rule->fdname : "",
                            rule->fdname ? "' is taken, " : " are taken, ",
                            is_datagram ? "nothing comes in here" : "nobody can connect here");
        return convert_to_blackhole(inet, &local);
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

static const char *family_name(sa_family_t family)
{
        return family == AF_INET6 ? "IPv6" : "IPv4";
}

/*
 * Where systemd.socket(5) is given a port alone, it opens a socket of IPv6 for both families. Which
 * address of the other family would do is known for the wildcard alone.
 */
static void tell_family(const struct kept *kept, const struct inet_socket *inet,
                        const struct endpoint *endpoint)
{
        const bool is_wildcard = endpoint_is_wildcard(&kept->endpoint, kept->family);

        log_message(LOG_WARNING, "port ", LOG_NUMBER(endpoint->port), ": socket '", kept->name,
                    "' is of ", family_name(kept->family), ", and the program asked for ",
                    family_name(inet->family),
                    ": it will see addresses that it may not understand (",
                    kept->type == SOCK_DGRAM ? "ListenDatagram=" : "ListenStream=",
                    !is_wildcard               ? ""
                    : inet->family == AF_INET6 ? "[::]:"
                                               : "0.0.0.0:",
                    is_wildcard ? LOG_NUMBER(kept->endpoint.port) : " with an address of ",
                    is_wildcard ? "" : family_name(inet->family), " fits)");
}

static int use_passed(const struct inet_socket *inet, const struct rule *rule,
                      const struct endpoint *endpoint, int place, bool reuseport, bool shared)
{
        const struct kept *kept = kept_at(place);
        struct sock *sock;
        int r;

        if (!shared)
                dissolve_connection(kept);
        sock = convert_prepare(inet, kept->family == AF_UNIX ? SOCK_LISTENER : SOCK_PASSED_IP);
        if (!sock)
                return -ENOBUFS;
        sock->local = with_port(endpoint);
        sock->peer_credentials = rule->peer_credentials;
        sock->kept = place;
        sock->passed = true;

        r = sock_is_datagram(sock) ? datagram_prepare(sock, inet) : 0;
        if (r == 0 && sock_is_datagram(sock))
                datagram_tune(kept->fd, sock);
        if (r == 0)
                r = convert(inet, kept->fd, sock, reuseport);
        if (r < 0) {
                sock_unref(sock);
                return -ENOBUFS;
        }
        if (sock_is_datagram(sock))
                datagram_finish(inet->fd, sock);

        if (kept->family != AF_UNIX && kept->family != inet->family && !shared)
                tell_family(kept, inet, endpoint);
        if (kept->family != AF_UNIX)
                convert_restore_options(inet->fd, &sock->options);
        else {
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
        const bool reuseport = listener_is_shared(inet);
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
                return blackhole(inet, rule, endpoint, query);
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

static int carry_out(const struct inet_socket *inet, const struct rule *rule,
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
                return rule_set_reject(rule, query);
        case RULE_BLACKHOLE:
                return blackhole(inet, rule, endpoint, query);
        case RULE_SYSTEMD:
                return activate(inet, rule, endpoint, query);
        case RULE_PATH:
        case RULE_ABSTRACT:
                return listener_bind(inet, rule, endpoint, query);
        case RULE_INET:
                return moved_bind(inet, rule, endpoint);
        case RULE_IGNORE:
                break;
        }

        /* Who finds such a rule does not come here. */
        return -EACCES;
}

int serve(const struct inet_socket *inet, const struct rule *rule, const struct endpoint *endpoint,
          const struct rule_query *query)
{
        const int before = cancel_disable();
        const int r = carry_out(inet, rule, endpoint, query);

        cancel_restore(before);
        return r;
}

/* A rule without "in" is about the server that the client speaks to. */
static bool names_clients(const struct rule *rule)
{
        return rule && rule->direction == RULE_IN &&
               (rule->action == RULE_PATH || rule->action == RULE_ABSTRACT);
}

int serve_unbound(const struct inet_socket *inet)
{
        const bool is_ipv4 = inet->family == AF_INET;
        struct endpoint anywhere = {0}, buf;
        const struct rule *rule;
        struct rule_query query;
        int r;

        if (!rule_set.concerns_in || inet_socket_local(inet, &buf))
                return 0;
        if (is_ipv4)
                anywhere.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});

        rule = rule_set_match(RULE_IN, inet, &anywhere, is_ipv4, &query);
        if (!names_clients(rule))
                return 0;
        r = serve(inet, rule, &anywhere, &query);
        return r < 0 ? r : 1;
}
