/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2) that does not wait: EINPROGRESS, and the ways in which programs find out what came of
 * it. Run bare too. argv: the address of a server, and one where nobody listens.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address, *nowhere;
static int listener, family;

static int new_socket(void)
{
        const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        return fd;
}

static int start_to(const char *where)
{
        const int fd = new_socket();

        same(connect_to(fd, where), EINPROGRESS, "connect to %s is in progress", where);
        return fd;
}

/* poll(2) as libuv, curl and asyncio use it, and then SO_ERROR. */
static void check_poll(void)
{
        const int fd = start_to(address);
        int theirs;

        is(events_of(fd, PATIENCE), "OUT", "connected: poll");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "connected: SO_ERROR");
        is(peer_name(fd), address, "connected: getpeername");
        theirs = take(listener);
        fcntl(fd, F_SETFL, 0);
        ok(talks(fd, theirs), "connected: they talk");
        same(connect_to(fd, address), 0, "connected: the first connect tells so");
        same(connect_to(fd, address), EISCONN, "connected: the next one");
        close(fd);
        close(theirs);
}

/* connect(2) until it says EISCONN: the oldest way of all. */
static void check_connect_again(void)
{
        const int fd = start_to(address);
        int theirs, r = 0;

        for (int i = 0; i < PATIENCE && (r = connect_to(fd, address)) == EALREADY; i++)
                usleep(1000);
        same(r, 0, "connect again: done");
        same(connect_to(fd, address), EISCONN, "connect again: EISCONN");
        theirs = take(listener);
        close(theirs);
        close(fd);
}

/* Data may be sent as soon as poll says so, whoever has asked for the outcome. */
static void check_send(void)
{
        const int fd = start_to(address);
        int theirs;
        char bytes[8];

        need(strstr(events_of(fd, PATIENCE), "OUT"), "OUT");
        same(send(fd, "hello", 5, 0), 5, "send at once");
        is(result(recv(fd, bytes, 1, 0)), "EAGAIN", "recv when there is nothing");
        theirs = take(listener);
        same(recv(theirs, bytes, 5, MSG_WAITALL), 5, "it arrives");
        close(theirs);
        close(fd);
}

/* epoll(7), level- and edge-triggered, registered before and after. */
static void check_epoll(uint32_t flags, bool before)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | flags, .data.u32 = 3},
                           got[4] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = new_socket();
        int theirs;

        if (before)
                need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        same(connect_to(fd, address), EINPROGRESS, "epoll: connect");
        if (!before)
                need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "epoll: an event");
        same(got[0].events, EPOLLOUT, "epoll: writable");
        same(epoll_wait(epfd, got, 4, 0), flags & EPOLLET ? 0 : 1, "epoll: as often as it should");
        theirs = take(listener);
        need(write(theirs, "x", 1) == 1, "write");
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "epoll: data");
        ok(got[0].events & EPOLLIN && got[0].data.u32 == 3, "epoll: readable");
        close(fd);
        close(theirs);
        close(epfd);
}

static void check_refused_poll(void)
{
        const int fd = start_to(nowhere);

        is(events_of(fd, PATIENCE), "IN OUT ERR HUP RDHUP", "refused: poll");
        is(peer_name(fd), "ENOTCONN", "refused: getpeername");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), family, "refused: SO_DOMAIN");
        same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "refused: SO_ERROR");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "refused: it is told once");
        is(events_of(fd, 0), "IN OUT HUP RDHUP", "refused: told, poll says no error any more");
        close(fd);
}

static void check_refused_connect(void)
{
        const int fd = start_to(nowhere);
        int theirs, r;

        need(*events_of(fd, PATIENCE), "an event");
        same(connect_to(fd, nowhere), ECONNREFUSED, "refused: connect tells so");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "refused: told by connect, not by SO_ERROR");
        r = connect_to(fd, address);
        /* TCP tells of some failures twice. */
        if (r == ECONNABORTED)
                r = connect_to(fd, address);
        same(r, EINPROGRESS, "refused: and then elsewhere");
        is(events_of(fd, PATIENCE), "OUT", "refused: connected");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "refused: SO_ERROR");
        is(peer_name(fd), address, "refused: getpeername");
        theirs = take(listener);
        fcntl(fd, F_SETFL, 0);
        ok(talks(fd, theirs), "refused: they talk");
        close(theirs);
        close(fd);
}

static void check_refused_send(void)
{
        const int fd = start_to(nowhere), second = start_to(nowhere);
        char byte;

        need(*events_of(fd, PATIENCE) && *events_of(second, PATIENCE), "an event");
        is(result(send(fd, "x", 1, MSG_NOSIGNAL)), "ECONNREFUSED", "refused: send tells so");
        is(result(send(fd, "x", 1, MSG_NOSIGNAL)), "EPIPE", "refused: and then EPIPE");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "refused: nothing is left of it");
        is(result(recv(second, &byte, 1, 0)), "ECONNREFUSED", "refused: recv tells so");
        is(result(recv(second, &byte, 1, 0)), "0", "refused: and then the end");
        close(fd);
        close(second);
}

static void check_refused_select(void)
{
        const int fd = start_to(nowhere);
        struct timeval timeout = {PATIENCE / 1000, 0};
        fd_set readers, writers;

        FD_ZERO(&readers);
        FD_ZERO(&writers);
        FD_SET(fd, &readers);
        FD_SET(fd, &writers);
        same(select(fd + 1, &readers, &writers, NULL, &timeout), 2, "refused: select");
        ok(FD_ISSET(fd, &readers) && FD_ISSET(fd, &writers), "refused: both");
        close(fd);
}

static void check_refused_epoll(bool before)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.u32 = 9}, got[4] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = new_socket();
        int theirs, r;

        if (before)
                need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        same(connect_to(fd, nowhere), EINPROGRESS, "refused: connect");
        if (!before)
                need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "refused: an event");
        same(got[0].events, EPOLLOUT | EPOLLERR | EPOLLHUP, "refused: what epoll says");
        same(got[0].data.u32, 9, "refused: with its data");
        same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "refused: SO_ERROR");
        r = connect_to(fd, address);
        if (r == ECONNABORTED)
                r = connect_to(fd, address);
        same(r, EINPROGRESS, "refused: and then elsewhere");
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "refused: an event of the second");
        same(got[0].events, EPOLLOUT, "refused: it is connected");
        same(got[0].data.u32, 9, "refused: with its data");
        theirs = take(listener);
        close(theirs);
        close(fd);
        close(epfd);
}

static void check_options(void)
{
        const int fd = new_socket();

        need(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 88) == 0, "TCP_KEEPIDLE");
        need(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == 0, "SO_KEEPALIVE");
        same(connect_to(fd, nowhere), EINPROGRESS, "refused: connect");
        need(*events_of(fd, PATIENCE), "an event");
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 88, "refused: options hold");
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "refused: of all kinds");
        ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "refused: and flags");
        same(fcntl(fd, F_GETFD), FD_CLOEXEC, "refused: and close-on-exec");
        same(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0, "refused: set one more");
        same(option(fd, IPPROTO_TCP, TCP_NODELAY), 1, "refused: it holds");
        close(fd);
}

/* A program that has O_NONBLOCK for the connect alone. */
static void check_toggle(void)
{
        const int fd = socket(family, SOCK_STREAM, 0);
        int on = 1, off = 0, theirs;

        need(ioctl(fd, FIONBIO, &on) == 0, "FIONBIO");
        same(connect_to(fd, address), EINPROGRESS, "FIONBIO: connect");
        need(ioctl(fd, FIONBIO, &off) == 0, "FIONBIO");
        same(connect_to(fd, address), 0, "FIONBIO: connect, now waiting");
        theirs = take(listener);
        ok(talks(fd, theirs), "FIONBIO: they talk");
        close(fd);
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        address = argv[1];
        nowhere = argv[2];
        family = *address == '[' ? AF_INET6 : AF_INET;
        listener = serve_at(address, 20);
        check_poll();
        check_connect_again();
        check_send();
        check_epoll(0, true);
        check_epoll(0, false);
        check_epoll(EPOLLET, true);
        check_epoll(EPOLLET, false);
        check_refused_poll();
        check_refused_connect();
        check_refused_send();
        check_refused_select();
        check_refused_epoll(true);
        check_refused_epoll(false);
        check_options();
        check_toggle();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
