/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A passed IP socket takes the place of the program's: addresses and options are the real ones. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check_connection(int listener)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);
        int theirs, ours;

        theirs = client(0, listener);
        need(readable(listener, PATIENCE), "a client");
        ours = accept(listener, (struct sockaddr *)&storage, &length);
        ok(ours >= 0, "accept");
        is(address_text((struct sockaddr *)&storage), local_name(theirs), "accept: the real peer");
        is(peer_name(ours), local_name(theirs), "getpeername: the real peer");
        is(local_name(ours), passed(0), "getsockname of the connection: the real address");
        same(option(ours, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN of the connection");
        same(set_option(ours, IPPROTO_TCP, TCP_NODELAY, 1), 0, "the kernel sets TCP_NODELAY");
        same(option(ours, IPPROTO_TCP, TCP_NODELAY), 1, "and tells it");
        close(ours);
        close(theirs);
}

int main(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        int again, r;

        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0, "SO_KEEPALIVE before bind");
        same(bind_to(fd, "0.0.0.0:80"), 0, "bind");
        is(local_name(fd), passed(0), "getsockname: where systemd listens");
        same(accept(fd, NULL, NULL), -1, "accept before listen fails");
        same(listen(fd, 1), 0, "listen");
        same(listen(fd, 2), 0, "listen again");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, "SO_PROTOCOL");
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "SO_ACCEPTCONN");
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "SO_KEEPALIVE is still set");
        ok(bind_to(fd, "0.0.0.0:81") != 0, "a second bind of the same descriptor fails");
        check_connection(fd);
        ok(serves(0, fd), "the next client is served as well");

        again = dup(fd);
        close(fd);
        ok(serves(0, again), "a duplicate serves when the first is closed");
        shutdown(again, SHUT_RDWR);
        close(again);
        r = listen_at("0.0.0.0:80");
        ok(serves(0, r), "closed, and bound again");
        return tap_end();
}
