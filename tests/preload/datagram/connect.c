/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What connect(2) makes of datagram sockets: whom they hear, where they send, and what they refuse.
 * Run bare too. argv: the addresses of two servers.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *first, *second;
static int one, other;

static void disconnect(int fd)
{
        struct sockaddr unspec = {.sa_family = AF_UNSPEC};

        need(connect(fd, &unspec, sizeof(unspec)) == 0, "connect(AF_UNSPEC)");
}

static const char *local_address(void)
{
        return *first == '[' ? "[::1]:0" : "127.0.0.1:0";
}

static void check_elsewhere(void)
{
        const int fd = udp_to(first);

        is(exchange(fd, NULL, one), "both ways", "connected to the first");
        same(connect_to(fd, second), 0, "connect to the second");
        is(peer_name(fd), second, "getpeername");
        is(exchange(fd, NULL, other), "both ways", "talks to the second");
        is(hear_soon(one), "nothing", "and not to the first");
        same(connect_to(fd, first), 0, "connect to the first again");
        is(exchange(fd, NULL, one), "both ways", "talks to the first");
        same(connect_to(fd, first), 0, "and again");
        is(exchange(fd, NULL, one), "both ways", "talks to the first");
        close(fd);
}

/* A connected socket hears its peer alone. */
static void check_hears_nobody_else(void)
{
        const int fd = udp_socket(first);

        need(bind_to(fd, local_address()) == 0, "bind");
        is(say(fd, first, "a"), "sent", "the first is told who we are");
        is(hear(one), "a", "it hears");
        is(answer(one, "before"), "sent", "it answers");
        is(hear(fd), "before", "which arrives");
        same(connect_to(fd, second), 0, "connect to the second");
        is(say(fd, NULL, "b"), "sent", "the second is told who we are");
        is(hear(other), "b", "it hears");
        is(say(fd, first, "c"), "sent", "a send with an address, on a connection");
        is(hear(one), "c", "goes to that address");
        (void)answer(one, "unwanted");
        is(hear_soon(fd), "nothing", "whose answer is not heard");
        is(say(fd, NULL, "d"), "sent", "a send without");
        is(hear(other), "d", "goes to the second");
        is(answer(other, "wanted"), "sent", "which answers");
        is(hear(fd), "wanted", "and is heard");
        is(heard_from(), second, "as the second");

        disconnect(fd);
        is(say(fd, first, "e"), "sent", "disconnected");
        is(hear(one), "e", "the first hears");
        is(answer(one, "after"), "sent", "and answers");
        is(hear(fd), "after", "which is heard again");
        is(heard_from(), first, "as the first");
        close(fd);
}

/* One socket for many servers, as resolvers have it. */
static void check_unconnected(void)
{
        const int fd = udp_socket(first);

        is(say(fd, first, "1"), "sent", "to the first");
        is(say(fd, second, "2"), "sent", "to the second");
        is(hear(other), "2", "the second hears");
        is(answer(other, "from 2"), "sent", "and answers");
        is(hear(fd), "from 2", "its answer");
        is(heard_from(), second, "is from the second");
        is(hear(one), "1", "the first hears");
        is(answer(one, "from 1"), "sent", "and answers");
        is(hear(fd), "from 1", "its answer");
        is(heard_from(), first, "is from the first");
        is(say(fd, NULL, "x"), "EDESTADDRREQ", "send without an address");
        same(connect_to(fd, second), 0, "connect");
        is(exchange(fd, NULL, other), "both ways", "talks to the second");
        disconnect(fd);
        is(say(fd, NULL, "x"), "EDESTADDRREQ", "disconnected: send without an address");
        is(result(write(fd, "x", 1)), "EDESTADDRREQ", "disconnected: write");
        is(exchange(fd, first, one), "both ways", "disconnected: talks to the first");
        close(fd);
}

/* A server may connect to one client, and then serve all again. */
static void check_server(void)
{
        int wanted, unwanted;

        if (udp_native("server"))
                return;

        wanted = udp_client(first);
        unwanted = udp_client(first);
        is(say(wanted, NULL, "I"), "sent", "a client");
        is(hear(one), "I", "is heard");
        same(connect_to(one, heard_from()), 0, "the server connects to it");
        is(local_name(one), first, "the server keeps its name");
        is(exchange(wanted, NULL, one), "both ways", "they talk");
        is(say(one, NULL, "pushed"), "sent", "the server sends without an address");
        is(hear(wanted), "pushed", "the client hears");
        (void)say(unwanted, NULL, "me too");
        is(hear_soon(one), "nothing", "another client is not heard");
        disconnect(one);
        is(local_name(one), first, "disconnected: the server keeps its name");
        is(peer_name(one), "ENOTCONN", "disconnected: and has no peer");
        /* It was refused, or its datagram was lost: UDP tells it once. */
        (void)option(unwanted, SOL_SOCKET, SO_ERROR);
        is(exchange(unwanted, NULL, one), "both ways", "disconnected: the other talks");
        is(exchange(wanted, NULL, one), "both ways", "disconnected: and the first");
        close(wanted);
        close(unwanted);
}

static void check_binds(void)
{
        int fd = udp_to(first), copy;

        same(bind_to(fd, local_address()), EINVAL, "bind after connect");
        disconnect(fd);
        same(bind_to(fd, local_address()), 0, "bind after connect(AF_UNSPEC)");
        is(exchange(fd, first, one), "both ways", "it talks");
        same(bind_to(fd, local_address()), EINVAL, "bind twice");
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        is(local_name(copy), local_name(fd), "a copy has the same name");
        is(exchange(copy, first, one), "both ways", "and talks");
        close(fd);
        is(exchange(copy, first, one), "both ways", "when the first is closed, too");
        close(copy);
}

/* listen(2), accept(2): a datagram socket has no connections. */
static void check_refusals(int fd, const char *what)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);

        is(result(listen(fd, 5)), "EOPNOTSUPP", "%s: listen", what);
        is(result(accept(fd, NULL, NULL)), "EOPNOTSUPP", "%s: accept", what);
        is(result(accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK)), "EOPNOTSUPP",
           "%s: accept4", what);
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, "%s: SO_ACCEPTCONN", what);
}

static void check_arguments(void)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(first, &to);
        const int fd = udp_socket(first);

        is(result(connect(fd, (struct sockaddr *)&to, 3)), "EINVAL", "connect: too short");
        is(result(connect(fd, (struct sockaddr *)&to, sizeof(to) + 1)), "EINVAL",
           "connect: too long");
        is(result(connect(fd, NULL, length)), "EFAULT", "connect: no address");
        to.ss_family = AF_UNIX;
        is(result(connect(fd, (struct sockaddr *)&to, length)), "EAFNOSUPPORT",
           "connect: a Unix address");
        is(result(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, length)),
           *first == '[' ? "EINVAL" : "EAFNOSUPPORT", "sendto: a Unix address");
        /* Linux takes an IPv4 address without its family, as old programs have it. */
        address_of(first, &to);
        to.ss_family = AF_UNSPEC;
        is(result(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, length)),
           *first == '[' ? "EDESTADDRREQ" : "1", "sendto: no family");
        if (*first != '[')
                is(hear(one), "x", "arrives");
        check_refusals(fd, "client");
        same(connect_to(fd, first), 0, "connect");
        check_refusals(fd, "connected client");
        is(exchange(fd, NULL, one), "both ways", "and it talks");
        close(fd);
        if (!udp_native("server"))
                check_refusals(one, "server");
}

/* shutdown(2) needs a peer, and is a matter of this end alone. */
static void check_shutdown(void)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(first, &to);
        char byte;
        int fd = udp_socket(first);

        is(result(shutdown(fd, SHUT_RDWR)), "ENOTCONN", "shutdown of an unconnected one");
        close(fd);

        fd = udp_to(first);
        is(exchange(fd, NULL, one), "both ways", "connected");
        same(shutdown(fd, SHUT_WR), 0, "shutdown(SHUT_WR)");
        is(result(send(fd, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send");
        is(result(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, length)), "EPIPE",
           "sendto");
        is(answer(one, "still"), "sent", "the server sends");
        is(hear(fd), "still", "and is heard");
        close(fd);

        fd = udp_to(first);
        is(exchange(fd, NULL, one), "both ways", "connected");
        same(shutdown(fd, SHUT_RD), 0, "shutdown(SHUT_RD)");
        same(recv(fd, &byte, 1, 0), 0, "recv says the end");
        is(say(fd, NULL, "go"), "sent", "send works");
        is(hear(one), "go", "and arrives");
        ok(strstr(events_of(fd, 100), "IN"), "poll says that there is something to read");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        first = argv[1];
        second = argv[2];
        signal(SIGPIPE, SIG_IGN);
        one = udp_server(first);
        other = udp_server(second);
        check_elsewhere();
        check_hears_nobody_else();
        check_unconnected();
        check_server();
        check_binds();
        check_arguments();
        check_shutdown();
        is(hear_soon(one), "nothing", "nothing is left at the first");
        is(hear_soon(other), "nothing", "nor at the second");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
