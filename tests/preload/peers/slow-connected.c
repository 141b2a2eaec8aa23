/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connected client of a server that does not read: one that may wait loses what there is no room
 * for, one that may not is told so, and when there is room again. argv: the server's address.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY    1000
#define WAIT_MS 1000 /* 20 at most, and the rest for timers that are late */

static int server;

static void open_server(const char *address)
{
        if (under_rules()) {
                server = serve_unix(in_directory("server"), SOCK_DGRAM, 0);
                return;
        }
        server = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC);
        errno = bind_to(server, address);
        need(errno == 0, address);
}

static int open_client(const char *address, int flags)
{
        const int fd = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC | flags);

        errno = connect_to(fd, address);
        need(errno == 0, address);
        return fd;
}

static int drain(void)
{
        char byte;
        int n = 0;

        while (recv(server, &byte, 1, MSG_DONTWAIT) == 1)
                n++;
        return n;
}

static void check_blocking(const char *address)
{
        const int fd = open_client(address, 0);
        double longest = 0;
        int sent = 0, heard;

        for (int i = 0; i < 50; i++) {
                const double before = slept();

                sent += send(fd, "x", 1, 0) == 1;
                if (slept() - before > longest)
                        longest = slept() - before;
        }
        same(sent, 50, "all are sent that a server does not read");
        ok(longest < WAIT_MS, "none waits for long: %.1f ms", longest);
        heard = drain();
        ok(heard >= 5, "it finds some when it reads");
        same(send(fd, "x", 1, 0), 1, "it is sent to again");
        ok(readable(server, PATIENCE) && drain() == 1, "and hears that");
        close(fd);
}

static void check_waitless(const char *address)
{
        const int fd = open_client(address, SOCK_NONBLOCK);
        int sent = 0;

        while (sent < MANY && send(fd, "x", 1, 0) == 1)
                sent++;
        if (!under_rules()) {
                skip("one that may not wait", "UDP drops");
                close(fd);
                return;
        }
        ok(sent < MANY && errno == EAGAIN, "one that may not wait is told when there is no room");
        is(events_of(fd, 0), "", "poll tells it too");
        same(drain(), sent, "all that was sent is heard");
        is(events_of(fd, PATIENCE), "OUT", "poll tells that there is room");
        same(send(fd, "x", 1, 0), 1, "it can be sent");
        same(drain(), 1, "and is heard");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        open_server(argv[1]);
        check_blocking(argv[1]);
        check_waitless(argv[1]);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
