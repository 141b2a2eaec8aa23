/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getsockname() and getpeername() of datagram sockets, at each stage of their lives. Run bare too.
 * argv: the address of a server as clients know it, where it is bound, and what they call the
 * wildcard and the loopback address.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address, *where, *any, *local;
static int family, server;

static const char *joined(const char *host, int port)
{
        static char texts[4][64];
        static unsigned turn;
        char *text = texts[turn++ % 4];

        snprintf(text, sizeof(texts[0]), "%s:%d", host, port);
        return text;
}

/* An IPv4 client in the eyes of an IPv6 server, and the other way round. */
static const char *as_seen(const char *name)
{
        if (strchr(name, ']') && *where != '[')
                return joined("127.0.0.1", port_in(name));
        if (!strchr(name, ']') && *where == '[')
                return joined("[::ffff:127.0.0.1]", port_in(name));

        return name;
}

/* The same host, with a port that the kernel chooses for those who ask for none. */
static void check_ephemeral(int fd, const char *host, const char *what)
{
        const char *name = local_name(fd);
        const int port = port_in(name);

        is(name, joined(host, port), "%s: getsockname", what);
        ok(port >= 32768 && port <= 60999, "%s: an ephemeral port", what);
}

static void check_kind(int fd, const char *what)
{
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "%s: SO_TYPE", what);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), family, "%s: SO_DOMAIN", what);
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP, "%s: SO_PROTOCOL", what);
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, "%s: SO_ACCEPTCONN", what);
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "%s: SO_ERROR", what);
}

static void check_fresh(void)
{
        const int fd = udp_socket(address);

        is(local_name(fd), joined(any, 0), "fresh: getsockname");
        is(peer_name(fd), "ENOTCONN", "fresh: getpeername");
        check_kind(fd, "fresh");
        close(fd);
}

/* A send gives a socket its port, and not its address. */
static void check_sends(void)
{
        const int fd = udp_socket(address);
        char name[64];

        is(say(fd, address, "one"), "sent", "a send");
        check_ephemeral(fd, any, "after a send");
        strcpy(name, local_name(fd));
        is(peer_name(fd), "ENOTCONN", "after a send: getpeername");
        is(hear(server), "one", "it arrives");
        is(say(fd, address, "two"), "sent", "another");
        is(local_name(fd), name, "the port stays");
        is(hear(server), "two", "it arrives");
        same(bind_to(fd, joined(any, 8099)), EINVAL, "bind then: too late");
        check_kind(fd, "after a send");

        same(connect_to(fd, address), 0, "connect");
        is(local_name(fd), joined(local, port_in(name)), "connected: getsockname, the same port");
        is(peer_name(fd), address, "connected: getpeername");
        is(say(fd, NULL, "three"), "sent", "connected: a send");
        is(hear(server), "three", "arrives");
        is(answer(server, "back"), "sent", "and is answered");
        is(hear(fd), "back", "which arrives");
        is(heard_from(), address, "from that address");
        close(fd);
}

static void check_connected(void)
{
        const int fd = udp_to(address);
        char name[64];

        check_ephemeral(fd, local, "connected at once");
        is(peer_name(fd), address, "connected at once: getpeername");
        check_kind(fd, "connected at once");
        strcpy(name, local_name(fd));
        is(say(fd, NULL, "hello"), "sent", "a send");
        is(local_name(fd), name, "the name stays");
        is(hear(server), "hello", "it arrives");
        /* A server can't know what a Unix client calls itself. */
        if (!leads_to_unix())
                is(heard_from(), as_seen(name), "from that address");
        same(bind_to(fd, joined(any, 8099)), EINVAL, "bind then: too late");
        close(fd);
}

/* Where nobody is, a datagram socket can be connected to as well. */
static void check_nowhere(void)
{
        const int fd = udp_socket(address);
        char other[64];

        strcpy(other, address);
        sprintf(strrchr(other, ':'), ":%d", 8098);
        same(connect_to(fd, other), 0, "connect to where nobody is");
        check_ephemeral(fd, local, "to nobody");
        is(peer_name(fd), other, "to nobody: getpeername");
        check_kind(fd, "to nobody");
        close(fd);
}

/* What a program that looks for a free port does: it binds to port 0 and asks. */
static void check_port_0(const char *host)
{
        const int fd = udp_socket(address), second = udp_socket(address);
        int port;

        same(bind_to(fd, joined(host, 0)), 0, "bind to %s, port 0", host);
        check_ephemeral(fd, host, "port 0");
        port = port_in(local_name(fd));
        is(peer_name(fd), "ENOTCONN", "port 0: getpeername");
        check_kind(fd, "port 0");
        same(bind_to(fd, joined(host, 0)), EINVAL, "port 0: bind again");
        same(bind_to(second, joined(host, 0)), 0, "another one");
        ok(port_in(local_name(second)) != port, "gets another port");
        close(second);

        same(connect_to(fd, address), 0, "port 0: connect");
        is(local_name(fd), joined(local, port), "port 0: getsockname then");
        is(peer_name(fd), address, "port 0: getpeername then");
        if (udp_native("server")) {
                is(say(fd, NULL, "hello"), "sent", "port 0: a send");
                is(hear(server), "hello", "port 0: arrives");
        } else {
                is(exchange(fd, NULL, server), "both ways", "port 0: talks");
        }
        close(fd);
}

/* connect(AF_UNSPEC) takes back what connect gave: ip(7), connect(2). */
static void check_disconnected(void)
{
        struct sockaddr unspec = {.sa_family = AF_UNSPEC};
        int fd = udp_to(address);

        same(connect(fd, &unspec, sizeof(unspec)), 0, "connect(AF_UNSPEC)");
        is(local_name(fd), joined(any, 0), "disconnected: getsockname");
        is(peer_name(fd), "ENOTCONN", "disconnected: getpeername");
        check_kind(fd, "disconnected");
        is(exchange(fd, address, server), "both ways", "disconnected: it talks");
        check_ephemeral(fd, any, "disconnected, after a send");
        same(connect_to(fd, address), 0, "connect again");
        is(peer_name(fd), address, "connected again: getpeername");
        close(fd);

        /* One that was bound keeps what it was bound to. */
        fd = udp_socket(address);
        need(bind_to(fd, joined(local, 0)) == 0, "bind");
        check_ephemeral(fd, local, "bound");
        need(connect_to(fd, address) == 0, "connect");
        same(connect(fd, &unspec, sizeof(unspec)), 0, "bound: connect(AF_UNSPEC)");
        ok(strncmp(local_name(fd), local, strlen(local)) == 0, "bound: keeps its address");
        is(peer_name(fd), "ENOTCONN", "bound: getpeername");
        same(connect(fd, &unspec, sizeof(unspec)), 0, "bound: connect(AF_UNSPEC) again");
        close(fd);

        fd = udp_socket(address);
        same(connect(fd, &unspec, sizeof(unspec)), 0, "connect(AF_UNSPEC) on a fresh one");
        is(local_name(fd), joined(any, 0), "changes nothing");
        close(fd);
}

/* Linux takes the wildcard address of a target for the loopback address. */
static void check_to_wildcard(void)
{
        const char *target = joined(any, port_in(address)),
                   *wanted = joined(local, port_in(address));
        const int fd = udp_socket(address);

        if (strstr(local, "ffff:")) {
                close(fd);
                return;
        }
        is(exchange(fd, target, server), "both ways", "to the wildcard: they talk");
        is(answer(server, "from where"), "sent", "to the wildcard: an answer");
        is(hear(fd), "from where", "to the wildcard: is heard");
        is(heard_from(), wanted, "to the wildcard: from the loopback address");
        same(connect_to(fd, target), 0, "connect to the wildcard");
        is(peer_name(fd), wanted, "connect to the wildcard: getpeername");
        is(exchange(fd, NULL, server), "both ways", "connect to the wildcard: they talk");
        close(fd);
}

static void check_server(void)
{
        int fd;

        if (udp_native("server"))
                return;

        is(peer_name(server), "ENOTCONN", "server: getpeername");
        is(local_name(server), where, "server: getsockname");
        same(bind_to(server, where), EINVAL, "server: bind again");
        fd = udp_at(joined(any, 8097));
        is(local_name(fd), joined(any, 8097), "wildcard: getsockname");
        is(peer_name(fd), "ENOTCONN", "wildcard: getpeername");
        check_kind(fd, "wildcard");
        close(fd);
}

/* getsockname(2): what has no room is cut off, and the length told is the whole one's. */
static void check_lengths(void)
{
        const int fd = udp_to(address);
        unsigned char bytes[sizeof(struct sockaddr_storage)];
        const socklen_t whole =
                family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        socklen_t length = 2;

        memset(bytes, 0x55, sizeof(bytes));
        same(getpeername(fd, (struct sockaddr *)bytes, &length), 0, "getpeername into 2 bytes");
        same(length, whole, "tells the length");
        same(bytes[2], 0x55, "and writes no more");
        length = sizeof(bytes);
        same(getsockname(fd, (struct sockaddr *)bytes, &length), 0, "getsockname into many");
        same(length, whole, "tells the length");
        same(bytes[whole], 0x55, "and writes no more");
        length = (socklen_t)-1;
        is(result(getsockname(fd, (struct sockaddr *)bytes, &length)), "EINVAL",
           "a negative length");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 5, "four addresses");
        address = argv[1];
        where = argv[2];
        any = argv[3];
        local = argv[4];
        family = *address == '[' ? AF_INET6 : AF_INET;
        server = udp_server(where);
        check_fresh();
        check_sends();
        check_connected();
        check_nowhere();
        check_port_0(local);
        check_port_0(any);
        check_disconnected();
        check_to_wildcard();
        check_server();
        check_lengths();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
