/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A listener that nobody can reach behaves as one that nobody has connected to yet. argv: the
 * address to which such a socket is bound; when there is a passed socket it is bound before, by
 * the same rule. Run bare, it is a listener without clients.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static double now(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check_waiting(int fd)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
        struct timeval moment = {0, 20000};
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        fd_set set;

        FD_ZERO(&set);
        FD_SET(fd, &set);
        ok(!readable(fd, 20), "poll: not readable");
        same(select(fd + 1, &set, NULL, NULL, &moment), 0, "select: not readable");
        same(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0, "epoll takes it");
        same(epoll_wait(epfd, &event, 1, 20), 0, "epoll: neither readable nor hung up");
        event.events = EPOLLIN | EPOLLET;
        same(epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event), 0, "epoll, edge-triggered");
        same(epoll_wait(epfd, &event, 1, 20), 0, "epoll: no edge");
        close(epfd);
}

static void check_nonblocking(int fd)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);

        fcntl(fd, F_SETFL, O_NONBLOCK);
        errno = 0;
        same(accept(fd, (struct sockaddr *)&storage, &length), -1, "accept, non-blocking");
        same(errno, EAGAIN, "says EAGAIN");
        fcntl(fd, F_SETFL, 0);
}

static void check_timeout(int fd)
{
        const struct timeval timeout = {0, 50000}, never = {0, 0};
        double started;

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        started = now();
        errno = 0;
        same(accept(fd, NULL, NULL), -1, "accept, with SO_RCVTIMEO");
        same(errno, EAGAIN, "says EAGAIN");
        ok(now() - started > 0.04 && now() - started < 2, "when the time is over");
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
}

static void nothing(int number)
{
        (void)number;
}

/* Without SA_RESTART a signal ends the wait. */
static void check_interrupted(int fd)
{
        const struct sigaction action = {.sa_handler = nothing};
        const struct itimerval timer = {{0, 30000}, {0, 30000}}, stop = {0};
        double started;

        sigaction(SIGALRM, &action, NULL);
        started = now();
        setitimer(ITIMER_REAL, &timer, NULL);
        errno = 0;
        same(accept(fd, NULL, NULL), -1, "accept, blocking");
        setitimer(ITIMER_REAL, &stop, NULL);
        same(errno, EINTR, "waits until a signal comes");
        ok(now() - started > 0.02, "and not before");
}

static void check_options(int fd)
{
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM, "SO_TYPE");
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "SO_ACCEPTCONN");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR");
        is(peer_name(fd), "ENOTCONN", "getpeername");
        same(bind_to(fd, "127.0.0.1:9"), EINVAL, "a second bind of it");
        same(connect_to(fd, "127.0.0.1:9"), EISCONN, "connect");
}

static void check_after(int first, int fd, const char *address)
{
        same(shutdown(fd, SHUT_RDWR), 0, "shutdown");
        same(close(fd), 0, "close");
        same(close(fd), -1, "it is closed");
        if (first < 0)
                return;

        ok(serves(0, first), "the first listener is served throughout");
        close(first);
        fd = listen_at(address);
        ok(serves(0, fd), "%s is served when the first has been closed and it is bound again",
           address);
        close(fd);
}

int main(int argc, char **argv)
{
        const int first = passed(0) && *passed(0) ? listen_at("127.0.0.1:80") : -1;
        int fd;

        need(argc == 2, "an address");
        fd = socket(AF_INET, SOCK_STREAM, 0);
        same(bind_to(fd, argv[1]), 0, "bind");
        is(local_name(fd), argv[1], "getsockname");
        errno = 0;
        same(accept(fd, NULL, NULL), -1, "accept before listen");
        same(errno, EINVAL, "says EINVAL");
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, "SO_ACCEPTCONN before listen");
        same(listen(fd, 10), 0, "listen");
        check_waiting(fd);
        check_nonblocking(fd);
        check_timeout(fd);
        check_interrupted(fd);
        check_options(fd);
        check_after(first, fd, argv[1]);
        return tap_end();
}
