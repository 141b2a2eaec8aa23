/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What accepted connections inherit from a TCP listener, and what of it was set before bind(2).
 * Run bare too. argv: where to bind, and "before" or "after": when the options are set.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void set_all(int fd)
{
        const struct timeval receive = {3, 0}, send = {4, 0};
        const struct linger linger = {1, 5};

        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0, "set SO_KEEPALIVE");
        same(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0, "set TCP_NODELAY");
        same(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 33), 0, "set TCP_KEEPIDLE");
        same(set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 999), 0, "set TCP_USER_TIMEOUT");
        same(set_option(fd, IPPROTO_IP, IP_TTL, 9), 0, "set IP_TTL");
        same(set_option(fd, SOL_SOCKET, SO_RCVBUF, 40000), 0, "set SO_RCVBUF");
        same(set_option(fd, SOL_SOCKET, SO_SNDBUF, 50000), 0, "set SO_SNDBUF");
        same(set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1), 0, "set SO_OOBINLINE");
        same(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive)), 0,
             "set SO_RCVTIMEO");
        same(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send)), 0, "set SO_SNDTIMEO");
        same(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0, "set SO_LINGER");
}

static long seconds(int fd, int name)
{
        struct timeval value = {0, 0};
        socklen_t length = sizeof(value);

        getsockopt(fd, SOL_SOCKET, name, &value, &length);
        return value.tv_sec;
}

static int linger_of(int fd)
{
        struct linger value = {0, 0};
        socklen_t length = sizeof(value);

        getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length);
        return value.l_onoff ? value.l_linger : -1;
}

static void check_all(int fd, const char *what)
{
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "%s: SO_KEEPALIVE", what);
        same(option(fd, IPPROTO_TCP, TCP_NODELAY), 1, "%s: TCP_NODELAY", what);
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 33, "%s: TCP_KEEPIDLE", what);
        same(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 999, "%s: TCP_USER_TIMEOUT", what);
        same(option(fd, IPPROTO_IP, IP_TTL), 9, "%s: IP_TTL", what);
        same(option(fd, SOL_SOCKET, SO_RCVBUF), 80000, "%s: SO_RCVBUF", what);
        same(option(fd, SOL_SOCKET, SO_SNDBUF), 100000, "%s: SO_SNDBUF", what);
        same(option(fd, SOL_SOCKET, SO_OOBINLINE), 1, "%s: SO_OOBINLINE", what);
        same(seconds(fd, SO_RCVTIMEO), 3, "%s: SO_RCVTIMEO", what);
        same(seconds(fd, SO_SNDTIMEO), 4, "%s: SO_SNDTIMEO", what);
        same(linger_of(fd), 5, "%s: SO_LINGER", what);
}

/* File flags are not inherited by what accept(2) makes. */
static void check_flags(int listener)
{
        int fd;

        fcntl(listener, F_SETFL, O_NONBLOCK);
        fcntl(listener, F_SETFD, FD_CLOEXEC);
        fd = accept_client(0, listener, NULL);
        same(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "accept: O_NONBLOCK is not inherited");
        same(fcntl(fd, F_GETFD), 0, "accept: FD_CLOEXEC is not inherited");
        close(fd);
}

int main(int argc, char **argv)
{
        int fd, connection;

        need(argc == 3, "an address, before or after");
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (strcmp(argv[2], "before") == 0)
                set_all(fd);
        same(bind_to(fd, argv[1]), 0, "bind");
        if (strcmp(argv[2], "after") == 0)
                set_all(fd);
        same(listen(fd, 10), 0, "listen");
        check_all(fd, "listener");
        connection = accept_client(0, fd, NULL);
        check_all(connection, "connection");

        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 0);
        same(option(connection, SOL_SOCKET, SO_KEEPALIVE), 1, "a connection keeps SO_KEEPALIVE");
        same(option(connection, IPPROTO_TCP, TCP_NODELAY), 1, "and TCP_NODELAY");
        close(connection);
        connection = accept_client(0, fd, NULL);
        same(option(connection, SOL_SOCKET, SO_KEEPALIVE), 0, "the next one has none");
        same(option(connection, IPPROTO_TCP, TCP_NODELAY), 0, "nor TCP_NODELAY");
        same(option(connection, IPPROTO_TCP, TCP_KEEPIDLE), 33, "but what is still set");
        check_flags(fd);
        return tap_end();
}
