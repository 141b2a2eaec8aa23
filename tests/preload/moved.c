/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * inet=: the socket stays an IP socket and is bound elsewhere, while the program is told what it
 * asked for. In a network namespace of its own, with these rules, all "in":
 *
 *     port=80,inet=127.0.0.1:8080    port=81,inet=[::1]:8081    port=82,inet=127.0.0.9
 *     port=83,inet=192.0.2.1:8083    port=0,inet=127.0.0.7      port=84,inet=[fd00::1]
 *
 * and out,port=90,inet=127.0.0.1:8080.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* The kernel keeps the addresses of connections for a while, as TCP has it. */
static int listen_again(const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC);

        need(fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0, "socket");
        same(bind_to(fd, address), 0, "bind to %s", address);
        same(listen(fd, 5), 0, "listen");
        return fd;
}

/* Does the kernel have a listener at that address, as /proc/net/tcp writes it? */
static bool listens(const char *table, const char *hex)
{
        FILE *stream = fopen(table, "re");
        char line[512];
        bool found = false;

        need(stream != NULL, table);
        while (fgets(line, sizeof(line), stream))
                found |= strstr(line, hex) != NULL && strstr(line, " 0A ") != NULL;
        fclose(stream);
        return found;
}

static int connected(const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC);

        same(connect_to(fd, address), 0, "connect to %s", address);
        return fd;
}

static const char *port_in(const char *name)
{
        return strrchr(name, ':') + 1;
}

/* What the program sees of a listener that really is elsewhere, and of its connections. */
static void check_listener(const char *asked, const char *real)
{
        int fd = listen_again(asked), theirs, ours, copy;
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);

        is(local_name(fd), asked, "%s: getsockname", asked);
        theirs = connected(real);
        ours = accept(fd, (struct sockaddr *)&storage, &length);
        ok(ours >= 0, "%s: accept", asked);
        is(address_text((struct sockaddr *)&storage), peer_name(ours), "%s: accept's peer", asked);
        is(port_in(peer_name(ours)), port_in(local_name(theirs)), "%s: getpeername", asked);
        is(port_in(local_name(ours)), port_in(asked), "%s: the connection's port", asked);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), *asked == '[' ? AF_INET6 : AF_INET, "%s: SO_DOMAIN",
             asked);
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "%s: SO_ACCEPTCONN", asked);
        ok(send(theirs, "a", 1, 0) == 1 && recv(ours, (char[1]){0}, 1, 0) == 1, "%s: data", asked);

        copy = dup(fd);
        close(fd);
        is(local_name(copy), asked, "%s: a duplicate's name", asked);
        is(local_name(fd), "EBADF", "%s: closed", asked);
        close(copy);
        copy = dup(ours);
        close(ours);
        is(port_in(local_name(copy)), port_in(asked), "%s: a duplicate of the connection", asked);
        close(copy);
        close(theirs);
        theirs = socket_for(real, SOCK_STREAM);
        same(connect_to(theirs, real), ECONNREFUSED, "%s: closed, nobody is there", asked);
        close(theirs);
}

static void check_ipv4(void)
{
        const int fd = listen_again("0.0.0.0:80");

        ok(listens("/proc/net/tcp", "0100007F:1F90"), "the kernel listens at 127.0.0.1:8080");
        ok(!listens("/proc/net/tcp", ":0050 "), "and nowhere at port 80");
        close(fd);
        check_listener("0.0.0.0:80", "127.0.0.1:8080");
        check_listener("127.0.0.1:80", "127.0.0.1:8080");
        check_listener("10.1.2.3:80", "127.0.0.1:8080");
        check_listener("0.0.0.0:82", "127.0.0.9:82");
}

static void check_ipv6(void)
{
        const int fd = listen_again("[::]:81");

        ok(listens("/proc/net/tcp6", "00000000000000000000000001000000:1F91"),
           "the kernel listens at [::1]:8081");
        ok(!listens("/proc/net/tcp6", ":0051 "), "and nowhere at port 81");
        close(fd);
        check_listener("[::]:81", "[::1]:8081");
        check_listener("[fd00::9]:81", "[::1]:8081");
        /* An IPv6 socket takes IPv4 addresses too, in their mapped form. */
        check_listener("[::]:82", "127.0.0.9:82");
        check_listener("[::ffff:10.0.0.1]:80", "127.0.0.1:8080");
}

static void check_any_port(void)
{
        const int fd = listen_again("0.0.0.0:0");
        char real[64];
        int theirs;

        ok(strncmp(local_name(fd), "0.0.0.0:", 8) == 0, "port 0: the address asked for");
        ok(atoi(port_in(local_name(fd))) > 1024, "with a port");
        snprintf(real, sizeof(real), "127.0.0.7:%s", port_in(local_name(fd)));
        theirs = connected(real);
        ok(readable(fd, PATIENCE), "which is the real one");
        close(theirs);
        close(fd);
}

/* The kernel's errors are the program's, and its socket is as it was. */
static void check_refused(const char *address, int number)
{
        const int fd = socket_for(address, SOCK_STREAM);
        const bool ipv6 = *address == '[';

        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0, "an option");
        is(strerrorname_np(bind_to(fd, address)), strerrorname_np(number), "%s: errno", address);
        is(local_name(fd), ipv6 ? "[::]:0" : "0.0.0.0:0", "%s: not bound", address);
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "%s: with its options", address);
        same(bind_to(fd, ipv6 ? "[::1]:79" : "127.0.0.1:79"), 0, "%s: can be bound", address);
        is(local_name(fd), ipv6 ? "[::1]:79" : "127.0.0.1:79", "%s: elsewhere", address);
        close(fd);
}

static void check_errors(void)
{
        int fd = listen_again("0.0.0.0:80");

        check_refused("10.0.0.1:80", EADDRINUSE);
        check_refused("192.0.2.9:83", EADDRNOTAVAIL);
        check_refused("[::1]:84", EADDRNOTAVAIL);
        check_refused("127.0.0.1:81", EADDRNOTAVAIL);
        same(bind_to(fd, "0.0.0.0:80"), EINVAL, "bind of what is bound");
        close(fd);
}

static void check_epoll(void)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC),
                  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct epoll_event event = {EPOLLIN, {.u64 = 3}};
        int theirs;

        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        need(bind_to(fd, "0.0.0.0:80") == 0 && listen(fd, 5) == 0, "bind");
        theirs = connected("127.0.0.1:8080");
        same(epoll_wait(epfd, &event, 1, PATIENCE), 1,
             "an epoll from before bind tells of a client");
        same(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "flags");
        close(theirs);
        close(fd);
        close(epfd);
}

/* The other direction, over the listener that really is at port 8080. */
static void check_out(void)
{
        const int listener = listen_again("0.0.0.0:80"), fd = socket(AF_INET, SOCK_STREAM, 0);
        int ours;

        same(connect_to(fd, "192.0.2.1:90"), 0, "connect to an address that is nowhere");
        is(peer_name(fd), "192.0.2.1:90", "getpeername tells it");
        ours = accept(listener, NULL, NULL);
        is(peer_name(ours), local_name(fd), "the server sees the client's name");
        ok(send(fd, "a", 1, 0) == 1 && recv(ours, (char[1]){0}, 1, 0) == 1, "data");
        close(ours);
        close(fd);
        close(listener);
}

int main(void)
{
        check_ipv4();
        check_ipv6();
        check_any_port();
        check_errors();
        check_epoll();
        check_out();
        ok(strstr(messages(), "port 81") != NULL, "what can't be is logged");
        return tap_end();
}
