/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of a converted socket, held against those of a real IP socket beside it that no rule
 * wants: whatever is set on both, both give the same answers. argv: where to bind the converted
 * one.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define OPTION(level, name)                                                                        \
        {                                                                                          \
                level, name, #name, 0                                                              \
        }
/* Any value is taken, but what is read back depends on the connection. */
#define OPTION_SET(level, name)                                                                    \
        {                                                                                          \
                level, name, #name, 1                                                              \
        }

static const struct {
        int level, name;
        const char *text;
        bool only_set;
} options[] = {
        OPTION(SOL_SOCKET, SO_DOMAIN),
        OPTION(SOL_SOCKET, SO_PROTOCOL),
        OPTION(SOL_SOCKET, SO_TYPE),
        OPTION(SOL_SOCKET, SO_ACCEPTCONN),
        OPTION(SOL_SOCKET, SO_ERROR),
        OPTION(SOL_SOCKET, SO_REUSEADDR),
        OPTION(SOL_SOCKET, SO_REUSEPORT),
        OPTION(SOL_SOCKET, SO_KEEPALIVE),
        OPTION(SOL_SOCKET, SO_OOBINLINE),
        OPTION(SOL_SOCKET, SO_BROADCAST),
        OPTION(SOL_SOCKET, SO_DONTROUTE),
        OPTION(SOL_SOCKET, SO_TIMESTAMP),
        OPTION(SOL_SOCKET, SO_TIMESTAMPNS),
        OPTION_SET(SOL_SOCKET, SO_RCVLOWAT),
        OPTION(SOL_SOCKET, SO_INCOMING_NAPI_ID),
        OPTION(IPPROTO_TCP, TCP_NODELAY),
        OPTION(IPPROTO_TCP, TCP_CORK),
        OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
        OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
        OPTION(IPPROTO_TCP, TCP_KEEPCNT),
        OPTION(IPPROTO_TCP, TCP_SYNCNT),
        OPTION_SET(IPPROTO_TCP, TCP_DEFER_ACCEPT),
        OPTION_SET(IPPROTO_TCP, TCP_QUICKACK),
        OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
        OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
        OPTION(IPPROTO_IP, IP_TOS),
        OPTION(IPPROTO_IP, IP_TTL),
        OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
        OPTION(IPPROTO_IP, IP_RECVERR),
        OPTION(IPPROTO_IP, IP_RECVTTL),
        OPTION(IPPROTO_IP, IP_PKTINFO),
        OPTION(IPPROTO_IP, IP_FREEBIND),
        OPTION(IPPROTO_IP, IP_MINTTL),
        OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
        OPTION(IPPROTO_IP, IP_MULTICAST_LOOP),
        OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
        OPTION(IPPROTO_IPV6, IPV6_TCLASS),
        OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO),
        OPTION(IPPROTO_IPV6, IPV6_RECVERR),
        OPTION(IPPROTO_IPV6, IPV6_DONTFRAG),
        OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
};

struct answer {
        int r, number;
        socklen_t length;
        int value;
};

static struct answer get(int fd, int level, int name, socklen_t length)
{
        struct answer answer = {.length = length};

        answer.r = getsockopt(fd, level, name, &answer.value, &answer.length);
        answer.number = answer.r < 0 ? errno : 0;
        return answer;
}

static struct answer set(int fd, int level, int name, int value, socklen_t length)
{
        struct answer answer = {0};

        answer.r = setsockopt(fd, level, name, &value, length);
        answer.number = answer.r < 0 ? errno : 0;
        return answer;
}

static bool equal(struct answer a, struct answer b)
{
        return a.r == b.r && a.number == b.number && a.length == b.length && a.value == b.value;
}

static void compare(struct answer ours, struct answer real, const char *what, const char *option,
                    const char *call, int value)
{
        if (ok(equal(ours, real), "%s: %s %s %d", what, call, option, value))
                return;
        note("converted: %d, %s, length %u, value %d", ours.r,
             ours.number ? strerrorname_np(ours.number) : "0", ours.length, ours.value);
        note("IP socket: %d, %s, length %u, value %d", real.r,
             real.number ? strerrorname_np(real.number) : "0", real.length, real.value);
}

static void check_option(const char *what, int ours, int real, size_t i)
{
        static const int values[] = {1, 0, 7, 20, -1, 300, 0};
        const int level = options[i].level, name = options[i].name;

        if (!options[i].only_set)
                compare(get(ours, level, name, 4), get(real, level, name, 4), what, options[i].text,
                        "get at first", 4);
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
                compare(set(ours, level, name, values[v], 4), set(real, level, name, values[v], 4),
                        what, options[i].text, "set", values[v]);
                if (!options[i].only_set)
                        compare(get(ours, level, name, 4), get(real, level, name, 4), what,
                                options[i].text, "get", values[v]);
        }
}

static void check_all(const char *what, int ours, int real)
{
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
                check_option(what, ours, real, i);
}

static void check_lengths(const char *what, int ours, int real)
{
        static const int lengths[] = {0, 1, 3, 4, 8, -1};
        static const struct {
                int level, name;
        } some[] = {{IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE},
                    {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_DOMAIN},
                    {SOL_SOCKET, SO_REUSEPORT}, {IPPROTO_IP, IP_TOS}};

        for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
                for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
                        struct answer a, b;
                        char buffer[8] = {1};

                        a.r = setsockopt(ours, some[i].level, some[i].name, buffer,
                                         (socklen_t)lengths[n]);
                        a.number = a.r < 0 ? errno : 0;
                        b.r = setsockopt(real, some[i].level, some[i].name, buffer,
                                         (socklen_t)lengths[n]);
                        b.number = b.r < 0 ? errno : 0;
                        ok(a.r == b.r && a.number == b.number,
                           "%s: option %d of level %d, set with %d bytes", what, some[i].name,
                           some[i].level, lengths[n]);
                        if (lengths[n] == 8)
                                continue;
                        compare(get(ours, some[i].level, some[i].name, (socklen_t)lengths[n]),
                                get(real, some[i].level, some[i].name, (socklen_t)lengths[n]), what,
                                "get with so many bytes of", "option", some[i].name);
                }
}

static void check_unknown(const char *what, int ours, int real)
{
        static const struct {
                int level, name;
        } unknown[] = {{SOL_SOCKET, 9999},
                       {IPPROTO_TCP, 9999},
                       {IPPROTO_UDP, 1},
                       {IPPROTO_SCTP, 1},
                       {SOL_SOCKET, SO_PEERSEC}};

        for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
                compare(get(ours, unknown[i].level, unknown[i].name, 4),
                        get(real, unknown[i].level, unknown[i].name, 4), what, "get unknown",
                        "option", unknown[i].name);
        same(setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, NULL, 4), -1, "%s: set without a value",
             what);
        same(errno, EFAULT, "%s: says EFAULT", what);
        same(getsockopt(ours, IPPROTO_TCP, TCP_NODELAY, NULL, NULL), -1, "%s: get without a place",
             what);
        same(errno, EFAULT, "%s: says EFAULT", what);
}

static void check_special(const char *what, int ours, int state)
{
        struct tcp_info info = {0};
        socklen_t length = sizeof(info);
        char name[64] = "", ip_options[40];
        struct ucred cred;

        same(getsockopt(ours, IPPROTO_TCP, TCP_INFO, &info, &length), 0, "%s: TCP_INFO", what);
        same(info.tcpi_state, state, "%s: state in TCP_INFO", what);
        length = 1;
        same(getsockopt(ours, IPPROTO_TCP, TCP_INFO, &info, &length), 0, "%s: a byte of TCP_INFO",
             what);
        same(length, 1, "%s: is a byte", what);
        length = sizeof(name);
        same(getsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0, "%s: TCP_CONGESTION",
             what);
        ok(*name != 0, "%s: has a name", what);
        length = sizeof(ip_options);
        same(getsockopt(ours, IPPROTO_IP, IP_OPTIONS, ip_options, &length), 0, "%s: IP_OPTIONS",
             what);
        same(length, 0, "%s: there are none", what);
        length = sizeof(cred);
        same(getsockopt(ours, SOL_SOCKET, SO_PEERCRED, &cred, &length), 0, "%s: SO_PEERCRED", what);
        ok(cred.pid == 0 && cred.uid == (uid_t)-1, "%s: tells nobody, as for TCP", what);
        same(set_option(ours, SOL_SOCKET, SO_SNDBUF, 50000), 0, "%s: SO_SNDBUF", what);
        same(option(ours, SOL_SOCKET, SO_SNDBUF), 100000, "%s: doubled, as ever", what);
}

/* A connection's options are its own: what is set on one shows on no other. */
static void check_independent(int listener)
{
        int first = accept_client(0, listener, NULL), second = accept_client(0, listener, NULL);

        set_option(first, IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(first, IPPROTO_TCP, TCP_KEEPIDLE, 11);
        set_option(first, IPPROTO_IP, IP_TOS, 16);
        same(option(first, IPPROTO_TCP, TCP_NODELAY), 1, "TCP_NODELAY of one");
        same(option(first, IPPROTO_TCP, TCP_KEEPIDLE), 11, "TCP_KEEPIDLE of one");
        same(option(second, IPPROTO_TCP, TCP_NODELAY), 0, "TCP_NODELAY of the other");
        same(option(second, IPPROTO_TCP, TCP_KEEPIDLE), 7200, "TCP_KEEPIDLE of the other");
        same(option(listener, IPPROTO_IP, IP_TOS), 0, "IP_TOS of the listener");
        close(first);
        first = accept_client(0, listener, NULL);
        same(option(first, IPPROTO_TCP, TCP_KEEPIDLE), 7200, "a new one at its number is fresh");
        close(first);
        close(second);
}

int main(int argc, char **argv)
{
        const char *here;
        int ours, real, connection, real_client, real_connection;

        need(argc == 2, "an address");
        here = *argv[1] == '[' ? "[::1]:0" : "127.0.0.1:0";
        real = listen_at(here);
        ours = listen_at(argv[1]);
        check_independent(ours);
        check_all("listener", ours, real);
        check_lengths("listener", ours, real);
        check_unknown("listener", ours, real);
        check_special("listener", ours, TCP_LISTEN);
        close(ours);
        close(real);

        real = listen_at(here);
        ours = listen_at(argv[1]);
        connection = accept_client(0, ours, NULL);
        real_client = socket_for(here, SOCK_STREAM);
        need(connect_to(real_client, local_name(real)) == 0, "connect");
        real_connection = accept(real, NULL, NULL);
        check_all("connection", connection, real_connection);
        check_lengths("connection", connection, real_connection);
        check_unknown("connection", connection, real_connection);
        check_special("connection", connection, TCP_ESTABLISHED);
        return tap_end();
}
