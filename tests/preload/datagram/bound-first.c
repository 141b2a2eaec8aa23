/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that bind port 0 before they connect or send, as dig and tftp do, of datagrams and of
 * streams: the port that they are told of is theirs from then on. Run bare too, and with
 * TEST_STANDIN set where the kernel refuses IP sockets: what no rule is about can't be bound there.
 * argv: the address of a server, and addresses to bind.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int server, listener;

/* A socket that is bound there, and in ret_port the port that it has got. */
static int bind_first(int type, const char *at, int *ret_port)
{
        const int fd = socket_for(address, type | SOCK_CLOEXEC);
        const char *name;

        need(fd >= 0, "socket");
        same(bind_to(fd, at), 0, "bind to %s", at);
        name = local_name(fd);
        *ret_port = port_in(name);
        ok(*ret_port > 0, "it has a port: %s", name);
        ok(strncmp(name, at, strlen(at) - 1) == 0, "at the address that was asked for");
        same(bind_to(fd, at), EINVAL, "a second bind");
        same(port_in(local_name(fd)), *ret_port, "has changed nothing");
        return fd;
}

static void check_sender(const char *at)
{
        int port;
        const int fd = bind_first(SOCK_DGRAM, at, &port);

        is(say(fd, address, "question"), "sent", "it sends");
        is(hear(server), "question", "and is heard");
        if (!udp_native("server"))
                same(port_in(heard_from()), port, "from its port");
        same(port_in(local_name(fd)), port, "which is still the same");
        is(answer(server, "answer"), "sent", "it is answered");
        is(hear(fd), "answer", "and hears it");
        is(heard_from(), address, "from the server");
        same(bind_to(fd, at), EINVAL, "a bind then");
        is(exchange(fd, address, server), "both ways", "it sends once more");
        same(port_in(local_name(fd)), port, "from the same port");
        close(fd);
}

static void check_connected(const char *at)
{
        int port;
        const int fd = bind_first(SOCK_DGRAM, at, &port);

        same(connect_to(fd, address), 0, "it connects");
        is(peer_name(fd), address, "to the server");
        same(port_in(local_name(fd)), port, "its port is still the same");
        is(exchange(fd, NULL, server), "both ways", "it sends, and is answered");
        same(port_in(local_name(fd)), port, "its port is still the same");
        close(fd);
}

static void check_stream(const char *at)
{
        int port, theirs;
        const int fd = bind_first(SOCK_STREAM, at, &port);

        same(connect_to(fd, address), 0, "a stream connects");
        theirs = take(listener);
        ok(talks(fd, theirs), "both ways");
        is(peer_name(fd), address, "to the server");
        same(port_in(local_name(fd)), port, "its port is still the same");
        same(bind_to(fd, at), EINVAL, "a bind then");
        close(theirs);
        close(fd);
}

/* There is nothing to listen on, and no port that could be had by its number. */
static void check_refused(int type, const char *at)
{
        const int fd = socket_for(address, type | SOCK_CLOEXEC);
        char numbered[64];

        need(fd >= 0, "socket");
        snprintf(numbered, sizeof(numbered), "%.*s8082", (int)strlen(at) - 1, at);
        same(bind_to(fd, numbered), EADDRNOTAVAIL, "bind to %s", numbered);
        same(port_in(local_name(fd)), 0, "gives it no port");
        same(bind_to(fd, at), 0, "but to %s it can be bound", at);
        if (type == SOCK_STREAM)
                is(result(listen(fd, 1)), "EADDRNOTAVAIL", "and can't listen there");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc > 2, "an address, and where clients are bound");
        address = argv[1];
        server = udp_server(address);
        listener = serve_at(address, 5);
        for (int i = 2; i < argc; i++) {
                check_sender(argv[i]);
                check_connected(argv[i]);
                check_stream(argv[i]);
                if (getenv("TEST_STANDIN")) {
                        check_refused(SOCK_DGRAM, argv[i]);
                        check_refused(SOCK_STREAM, argv[i]);
                }
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
