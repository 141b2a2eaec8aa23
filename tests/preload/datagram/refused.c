/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Nobody is where a client sends to: the send counts as sent, and a connected socket is told at the
 * next call, once. Run bare too. argv: the address of a server that comes and goes, and that of one
 * that stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static const char *address, *elsewhere;
static int stays;

/* A client that is connected and has sent what nobody got. */
static int refused(int flags)
{
        const int fd = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC | flags);

        need(fd >= 0 && connect_to(fd, address) == 0, "connect to where nobody is");
        need(strcmp(say(fd, NULL, "lost"), "sent") == 0, "the first send");
        return fd;
}

static void check_turns(int flags)
{
        const int fd = refused(flags);

        is(say(fd, NULL, "x"), "ECONNREFUSED", "the second send is told");
        is(say(fd, NULL, "x"), "sent", "the third counts as sent");
        is(say(fd, NULL, "x"), "ECONNREFUSED", "the fourth is told");
        is(say(fd, NULL, "x"), "sent", "the fifth counts as sent");
        same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "SO_ERROR tells");
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "once");
        is(say(fd, NULL, "x"), "sent", "a send counts as sent");
        is(peer_name(fd), address, "the peer stays");
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "SO_TYPE");
        close(fd);
}

static ssize_t by_send(int fd)
{
        return send(fd, "x", 1, 0);
}

static ssize_t by_write(int fd)
{
        return write(fd, "x", 1);
}

static ssize_t by_writev(int fd)
{
        return writev(fd, &(struct iovec){(char *)"x", 1}, 1);
}

static ssize_t by_sendmsg(int fd)
{
        return sendmsg(
                fd, &(struct msghdr){.msg_iov = &(struct iovec){(char *)"x", 1}, .msg_iovlen = 1},
                0);
}

static ssize_t by_sendmmsg(int fd)
{
        struct mmsghdr message = {{.msg_iov = &(struct iovec){(char *)"x", 1}, .msg_iovlen = 1}, 0};

        return sendmmsg(fd, &message, 1, 0);
}

static ssize_t by_sendto_elsewhere(int fd)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(elsewhere, &to);

        return sendto(fd, "x", 1, 0, (struct sockaddr *)&to, length);
}

static ssize_t by_recv(int fd)
{
        char byte;

        return recv(fd, &byte, 1, 0);
}

static ssize_t by_recvfrom(int fd)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        char byte;

        return recvfrom(fd, &byte, 1, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
}

static ssize_t by_read(int fd)
{
        char byte;

        return read(fd, &byte, 1);
}

static ssize_t by_readv(int fd)
{
        char byte;

        return readv(fd, &(struct iovec){&byte, 1}, 1);
}

static ssize_t by_recvmsg(int fd)
{
        char byte;

        return recvmsg(fd, &(struct msghdr){.msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1},
                       0);
}

static ssize_t by_recvmmsg(int fd)
{
        char byte;
        struct mmsghdr message = {{.msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1}, 0};

        return recvmmsg(fd, &message, 1, 0, NULL);
}

static ssize_t by_peek(int fd)
{
        char byte;

        return recv(fd, &byte, 1, MSG_PEEK);
}

static const struct {
        const char *name;
        ssize_t (*call)(int fd);
} calls[] = {
        {"send", by_send},         {"write", by_write},
        {"writev", by_writev},     {"sendmsg", by_sendmsg},
        {"sendmmsg", by_sendmmsg}, {"sendto elsewhere", by_sendto_elsewhere},
        {"recv", by_recv},         {"recvfrom", by_recvfrom},
        {"read", by_read},         {"readv", by_readv},
        {"recvmsg", by_recvmsg},   {"recvmmsg", by_recvmmsg},
        {"MSG_PEEK", by_peek},
};

/* Each call tells what happened to the send before. */
static void check_calls(int flags)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                const int fd = refused(flags);

                is(result(calls[i].call(fd)), "ECONNREFUSED", "%s tells", calls[i].name);
                is(hear_soon(fd), "nothing", "%s: once", calls[i].name);
                is(say(fd, NULL, "x"), "sent", "%s: a send then counts as sent", calls[i].name);
                close(fd);
        }
        is(hear_soon(stays), "nothing", "what was not sent is nowhere");
}

/* Several messages in one call: those before the error count. */
static void check_several(void)
{
        const int fd = udp_to(address);
        struct msghdr msg = {.msg_iov = &(struct iovec){(char *)"x", 1}, .msg_iovlen = 1};
        struct mmsghdr messages[3] = {{msg, 0}, {msg, 0}, {msg, 0}};

        same(sendmmsg(fd, messages, 3, 0), 1, "sendmmsg of three: the first counts as sent");
        is(say(fd, NULL, "x"), "sent", "the second was told, and so is the next sent");
        is(result(sendmmsg(fd, messages, 3, 0)), "ECONNREFUSED", "sendmmsg tells of that");
        close(fd);
}

static void check_poll(void)
{
        const int fd = refused(SOCK_NONBLOCK);
        struct timeval now = {0, 0};
        fd_set readers, writers;

        is(events_of(fd, 100), "OUT ERR", "poll tells");
        is(events_of(fd, 100), "OUT ERR", "and tells again");
        FD_ZERO(&readers);
        FD_ZERO(&writers);
        FD_SET(fd, &readers);
        FD_SET(fd, &writers);
        same(select(fd + 1, &readers, &writers, NULL, &now), 2, "select tells");
        same(option(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "SO_ERROR");
        is(events_of(fd, 0), "OUT", "poll then");
        close(fd);
}

static void check_epoll(unsigned events, const char *what)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = udp_socket(address);
        struct epoll_event event = {events, {.u64 = 77}}, got = {0};

        need(epfd >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
        need(connect_to(fd, address) == 0, "connect");
        while (epoll_wait(epfd, &got, 1, 20) > 0 && events & EPOLLET)
                ;
        is(say(fd, NULL, "lost"), "sent", "%s: a send", what);
        same(epoll_wait(epfd, &got, 1, PATIENCE), 1, "%s: epoll tells", what);
        ok(got.events & EPOLLERR, "%s: EPOLLERR", what);
        same((long long)got.data.u64, 77, "%s: with its data", what);
        is(result(by_recvfrom(fd)), "ECONNREFUSED", "%s: recvfrom tells", what);
        is(result(by_recvfrom(fd)), "EAGAIN", "%s: once", what);
        same(epoll_wait(epfd, &got, 1, 20), 0, "%s: and epoll no more", what);
        close(fd);
        close(epfd);
}

static void *send_later(void *fd)
{
        until_threads_wait(1);
        (void)!send(*(int *)fd, "lost", 4, 0);
        return NULL;
}

/* Who waits already is told as well. */
static void check_waiting(const char *how)
{
        int fd = udp_to(address);
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        const struct timeval timeout = {PATIENCE / 1000, 0};
        const double start = milliseconds();
        pthread_t thread;

        need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0, "timeout");
        need(pthread_create(&thread, NULL, send_later, &fd) == 0, "a thread");
        if (strcmp(how, "poll") == 0) {
                same(poll(&pollfd, 1, PATIENCE), 1, "%s, waiting, is told", how);
                ok(pollfd.revents & POLLERR, "%s: of an error", how);
        }
        is(result(by_recv(fd)), "ECONNREFUSED", "%s: the error", how);
        ok(milliseconds() - start < PATIENCE / 2, "%s: in time", how);
        pthread_join(thread, NULL);
        close(fd);
}

/* Who is not connected is told nothing: udp(7), without IP_RECVERR. */
static void check_unconnected(void)
{
        const int fd = udp_socket(address);

        for (int i = 0; i < 5; i++)
                is(say(fd, address, "lost"), "sent", "unconnected: send %d", i);
        same(option(fd, SOL_SOCKET, SO_ERROR), 0, "unconnected: SO_ERROR");
        is(hear_soon(fd), "nothing", "unconnected: nothing");
        is(events_of(fd, 0), "OUT", "unconnected: poll");
        is(exchange(fd, elsewhere, stays), "both ways", "unconnected: and it talks elsewhere");
        close(fd);
}

/*
 * The error waits for whoever asks, also when the socket is connected elsewhere by then. Under
 * rules it may have gone with the peer.
 */
static void take_error(int fd)
{
        const int error = option(fd, SOL_SOCKET, SO_ERROR);

        ok(error == ECONNREFUSED || (leads_to_unix() && error == 0), "SO_ERROR of before");
}

static void check_connect_elsewhere(void)
{
        struct sockaddr unspec = {.sa_family = AF_UNSPEC};
        int fd = refused(0);

        same(connect_to(fd, elsewhere), 0, "connect elsewhere");
        take_error(fd);
        is(exchange(fd, NULL, stays), "both ways", "and it talks");
        same(connect_to(fd, address), 0, "connect to nobody");
        is(say(fd, NULL, "lost"), "sent", "a send");
        same(connect(fd, &unspec, sizeof(unspec)), 0, "connect(AF_UNSPEC)");
        take_error(fd);
        is(exchange(fd, elsewhere, stays), "both ways", "and it talks");
        close(fd);
}

static void leave(int server, bool file)
{
        close(server);
        if (udp_native("server") && !file)
                (void)unlink(udp_file(address));
}

/* The server of a connected client comes and goes. file: a native one's stays. */
static void check_comes_and_goes(bool file)
{
        const char *what = file ? "file stays" : "file goes";
        int server = udp_server(address), fd = udp_to(address);

        is(exchange(fd, NULL, server), "both ways", "%s: they talk", what);
        leave(server, file);
        is(say(fd, NULL, "lost"), "sent", "%s: gone: a send counts as sent", what);
        is(say(fd, NULL, "lost"), "ECONNREFUSED", "%s: the next is told", what);
        is(say(fd, NULL, "lost"), "sent", "%s: and so on", what);
        is(hear_soon(fd), "ECONNREFUSED", "%s: recv is told", what);
        is(hear_soon(fd), "nothing", "%s: once", what);
        is(peer_name(fd), address, "%s: the peer stays", what);

        server = udp_server(address);
        is(exchange(fd, NULL, server), "both ways", "%s: back: they talk", what);
        leave(server, file);
        is(say(fd, NULL, "lost"), "sent", "%s: gone again: a send", what);
        server = udp_server(address);
        is(say(fd, NULL, "told"), "ECONNREFUSED", "%s: the next is told of it", what);
        is(hear_soon(server), "nothing", "%s: and not sent", what);
        is(exchange(fd, NULL, server), "both ways", "%s: and then they talk", what);
        for (int i = 0; i < 20; i++) {
                leave(server, file);
                server = udp_server(address);
                if (!ok(strcmp(exchange(fd, NULL, server), "both ways") == 0,
                        "%s: restarted %d times: they talk", what, i + 1))
                        break;
        }
        leave(server, file);
        close(fd);
        (void)unlink(udp_file(address));
}

/* A server that is connected to a client that is gone is told like everybody else. */
static void check_server(void)
{
        int client, server;

        if (udp_native("server"))
                return;

        server = udp_at(address);
        client = udp_client(address);
        is(say(client, NULL, "hello"), "sent", "a client");
        is(hear(server), "hello", "is heard");
        close(client);
        for (int i = 0; i < 3; i++)
                is(answer(server, "lost"), "sent", "an answer to one who is gone");
        same(option(server, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR");
        same(connect_to(server, heard_from()), 0, "connect to it");
        is(say(server, NULL, "lost"), "sent", "a send");
        is(say(server, NULL, "lost"), "ECONNREFUSED", "the next is told");
        is(say(server, NULL, "lost"), "sent", "and so on");
        is(hear_soon(server), "ECONNREFUSED", "recv is told");
        close(server);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        address = argv[1];
        elsewhere = argv[2];
        stays = udp_server(elsewhere);
        check_turns(0);
        check_turns(SOCK_NONBLOCK);
        check_calls(0);
        check_calls(SOCK_NONBLOCK);
        check_several();
        check_poll();
        check_epoll(EPOLLIN, "level");
        check_epoll(EPOLLIN | EPOLLOUT | EPOLLET, "edge");
        check_waiting("recv");
        check_waiting("poll");
        check_unconnected();
        check_connect_elsewhere();
        check_comes_and_goes(false);
        check_comes_and_goes(true);
        check_server();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
