/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel refuses IP sockets, as RestrictAddressFamilies=AF_UNIX makes it: the program gets
 * stand-ins, of which a rule may make something; what no rule wants reaches nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check_unmatched(void)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of("192.0.2.1:9", &storage);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ok(fd >= 0, "an IP socket, so it seems");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, "SO_PROTOCOL");
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM, "SO_TYPE");
        is(local_name(fd), "0.0.0.0:0", "getsockname");
        is(peer_name(fd), "ENOTCONN", "getpeername");
        same(bind_to(fd, "127.0.0.1:99"), EADDRNOTAVAIL, "a bind that no rule wants");
        same(bind_to(fd, "127.0.0.1:98"), EADDRNOTAVAIL, "a bind that a rule says to ignore");
        same(bind_to(fd, "127.0.0.1:97"), EPERM, "a bind that a rule rejects");
        same(connect_to(fd, "127.0.0.1:80"), ENETUNREACH, "connect");
        same(connect_to(fd, "127.0.0.1:7"), EHOSTDOWN, "connect that a rule rejects");
        errno = 0;
        same(listen(fd, 1), -1, "listen without bind");
        same(errno, EADDRNOTAVAIL, "says EADDRNOTAVAIL");
        same(close(fd), 0, "close");

        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
        ok(fd >= 0, "an IPv6 datagram socket");
        same(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec");
        ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "and non-blocking");
        is(local_name(fd), "[::]:0", "getsockname");
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP, "SO_PROTOCOL");
        close(fd);

        fd = socket(AF_INET, SOCK_DGRAM, 0);
        errno = 0;
        same(sendto(fd, "x", 1, 0, (struct sockaddr *)&storage, length), -1, "sendto");
        same(errno, ENETUNREACH, "says ENETUNREACH");
        close(fd);
        errno = 0;
        same(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), -1, "a raw socket");
        same(errno, EAFNOSUPPORT, "says EAFNOSUPPORT");
        same(option(fd = socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_DOMAIN), AF_UNIX,
             "a Unix socket is one");
        close(fd);
}

static void check_activation(void)
{
        const struct timeval timeout = {7, 0};
        struct timeval after = {0, 0};
        socklen_t length = sizeof(after);
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), connection;

        same(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1), 0, "SO_REUSEADDR");
        same(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0, "IPV6_V6ONLY");
        same(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77), 0, "TCP_KEEPIDLE");
        same(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0, "TCP_NODELAY");
        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0, "SO_KEEPALIVE");
        same(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0, "SO_RCVTIMEO");
        same(bind_to(fd, "[::]:80"), 0, "bind under a rule");
        same(listen(fd, 5), 0, "listen");
        is(local_name(fd), "[::]:80", "getsockname");
        same(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1, "IPV6_V6ONLY still holds");
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77, "TCP_KEEPIDLE still holds");
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "SO_KEEPALIVE still holds");
        getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &after, &length);
        same(after.tv_sec, 7, "SO_RCVTIMEO still holds");
        ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "O_NONBLOCK still holds");
        ok(serves(0, fd), "it serves");
        connection = accept_client(0, fd, NULL);
        same(option(connection, IPPROTO_TCP, TCP_NODELAY), 1, "a connection inherits");
        is(local_name(connection), "[::1]:80", "and has IP addresses");
        ok(is_local_peer(peer_name(connection), AF_INET6), "of a peer too");
        close(connection);
        close(fd);
}

static void check_before_bind(void)
{
        struct epoll_event event = {EPOLLIN, {.u64 = 12}}, got[2] = {0};
        const int epfd = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0), copy = dup(fd);
        int theirs;

        same(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0, "register in epoll before bind");
        same(bind_to(fd, "127.0.0.1:80"), 0, "bind");
        same(listen(copy, 5), 0, "listen on a copy that was made before");
        is(local_name(copy), "127.0.0.1:80", "getsockname of the copy");
        ok(serves(0, copy), "the copy serves");
        theirs = client(0, fd);
        same(epoll_wait(epfd, got, 2, PATIENCE), 1, "epoll tells of a client");
        same((long long)got[0].data.u64, 12, "with its data");
        close(accept(fd, NULL, NULL));
        close(theirs);
        close(copy);
        close(fd);
        close(epfd);
}

int main(void)
{
        int first, second;

        check_unmatched();
        check_activation();
        check_before_bind();

        first = listen_at("127.0.0.1:80");
        second = listen_at("127.0.0.2:80");
        ok(serves(0, first), "of two binds, the first is served");
        ok(!readable(second, 0), "and the second by nobody");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
