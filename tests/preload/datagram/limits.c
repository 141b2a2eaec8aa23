/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * No descriptor left: what would make a Unix socket fails with an errno that UDP has, the socket is
 * as it was, and it works when there is one again. argv: the address of a server.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MAX 4096

static const char *address;
static int fds[MAX], n;

/* Open descriptors until the kernel refuses. */
static void fill(void)
{
        while (n < MAX && (fds[n] = dup(STDERR_FILENO)) >= 0)
                n++;
        same(dup(STDERR_FILENO), -1, "no descriptor is left");
}

static void empty(void)
{
        while (n > 0)
                close(fds[--n]);
}

static void check_as_it_was(int fd, const char *what)
{
        is(local_name(fd), *address == '[' ? "[::]:0" : "0.0.0.0:0", "%s: not bound", what);
        is(peer_name(fd), "ENOTCONN", "%s: not connected", what);
        same(option(fd, SOL_SOCKET, SO_BROADCAST), 1, "%s: with its options", what);
        ok(!is_unix(fd), "%s: an IP socket", what);
}

static int prepared(void)
{
        const int fd = udp_socket(address);

        need(set_option(fd, SOL_SOCKET, SO_BROADCAST, 1) == 0, "an option");
        return fd;
}

static void check_bind(void)
{
        const int fd = prepared();
        int sender;

        fill();
        same(bind_to(fd, address), ENOBUFS, "bind");
        empty();
        check_as_it_was(fd, "bind");
        same(bind_to(fd, address), 0, "bind works then");
        sender = udp_to(address);
        fill();
        is(exchange(sender, NULL, fd), "both ways", "datagrams need no descriptor");
        empty();
        close(sender);
        close(fd);
}

static void check_connect(int server)
{
        const int fd = prepared();

        fill();
        same(connect_to(fd, address), ENOBUFS, "connect");
        empty();
        check_as_it_was(fd, "connect");
        same(connect_to(fd, address), 0, "connect works then");
        fill();
        is(exchange(fd, NULL, server), "both ways", "they talk without a descriptor to spare");
        empty();
        close(fd);
}

static void check_send(int server)
{
        const int fd = prepared();

        fill();
        is(say(fd, address, "lost"), "ENOBUFS", "sendto");
        empty();
        check_as_it_was(fd, "sendto");
        is(exchange(fd, address, server), "both ways", "sendto works then");
        close(fd);
}

int main(int argc, char **argv)
{
        const struct rlimit limit = {256, 4096};
        int server, before;

        need(argc == 2, "an address");
        address = argv[1];
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        before = count_open();
        check_bind();
        server = udp_at(address);
        check_connect(server);
        check_send(server);
        close(server);
        same(count_open(), before, "no descriptor is left over");
        return tap_end();
}
