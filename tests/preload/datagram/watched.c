/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client's socket is registered with epoll(7) once, and asks servers that a rule is about and
 * others in turns: its registration goes along. Run bare too. argv: the addresses of a server that
 * there is a rule for, and of one without.
 */

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY   500
#define EPOLLS 100
#define LONG   20000 /* milliseconds for what has to come */

static const char *ruled, *other;
static int ruled_server, other_server, epoll;

static void watch(int at, int fd)
{
        struct epoll_event event = {EPOLLIN, {.fd = fd}};

        need(epoll_ctl(at, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
}

/* The descriptor that there is an event for: -1 for none. */
static int event_of(int at)
{
        struct epoll_event event;

        return epoll_wait(at, &event, 1, LONG) == 1 ? event.data.fd : -1;
}

static bool asks(int fd, int server, const char *address)
{
        return strcmp(say(fd, address, "ask"), "sent") == 0 && strcmp(hear(server), "ask") == 0 &&
               strcmp(answer(server, "answer"), "sent") == 0;
}

static void check_turns(int fd, const char *what)
{
        watch(epoll, fd);
        for (int i = 0; i < 3; i++) {
                ok(asks(fd, ruled_server, ruled), "%s: it asks by the rule", what);
                same(event_of(epoll), fd, "%s: there is an event", what);
                is(hear(fd), "answer", "%s: the answer is heard", what);
                ok(asks(fd, other_server, other), "%s: it asks without one", what);
                same(event_of(epoll), fd, "%s: there is an event", what);
                is(hear(fd), "answer", "%s: the answer is heard", what);
        }
        same(close(fd), 0, "%s: close", what);
}

static int bound(const char *address)
{
        const int fd = udp_socket(address);

        need(bind_to(fd, address) == 0, "bind");
        return fd;
}

/* A socket that is connected for real, and may be connected anew. */
static void check_connected(void)
{
        const int fd = udp_socket(ruled);

        watch(epoll, fd);
        same(connect_to(fd, other), 0, "connected: without a rule");
        ok(asks(fd, other_server, NULL), "connected: it asks");
        same(event_of(epoll), fd, "connected: there is an event");
        is(hear(fd), "answer", "connected: the answer is heard");
        same(connect_to(fd, ruled), 0, "connected: by the rule");
        ok(asks(fd, ruled_server, NULL), "connected: it asks");
        same(event_of(epoll), fd, "connected: there is an event");
        is(hear(fd), "answer", "connected: the answer is heard");
        same(connect_to(fd, other), 0, "connected: without a rule again");
        ok(asks(fd, other_server, NULL), "connected: it asks");
        same(event_of(epoll), fd, "connected: there is an event");
        close(fd);
}

/* There is room for all that a busy program registers. */
static void check_many(void)
{
        static int fds[MANY];
        int n = 0;

        for (int i = 0; i < MANY; i++) {
                fds[i] = udp_socket(ruled);
                watch(epoll, fds[i]);
        }
        for (int i = 0; i < MANY; i++)
                n += asks(fds[i], ruled_server, ruled) && event_of(epoll) == fds[i] &&
                     strcmp(hear(fds[i]), "answer") == 0;
        same(n, MANY, "many: events of those that ask by the rule");
        for (int i = 0; i < MANY; i++) {
                n -= asks(fds[i], other_server, other) && event_of(epoll) == fds[i] &&
                     strcmp(hear(fds[i]), "answer") == 0;
                close(fds[i]);
        }
        same(n, 0, "many: and of all without");
}

static void check_epolls(void)
{
        const int fd = udp_socket(ruled);
        int epolls[EPOLLS], n = 0;

        for (int i = 0; i < EPOLLS; i++) {
                epolls[i] = epoll_create1(EPOLL_CLOEXEC);
                watch(epolls[i], fd);
        }
        ok(asks(fd, ruled_server, ruled), "many epolls: it asks");
        for (int i = 0; i < EPOLLS; i++) {
                n += event_of(epolls[i]) == fd;
                close(epolls[i]);
        }
        same(n, EPOLLS, "many epolls: all have the event");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        ruled = argv[1];
        other = argv[2];
        ruled_server = udp_at(ruled);
        other_server = udp_at(other);
        epoll = epoll_create1(EPOLL_CLOEXEC);

        check_turns(udp_socket(ruled), "fresh");
        check_turns(bound("0.0.0.0:0"), "bound to any port");
        check_turns(bound("127.0.0.1:9100"), "bound");
        check_connected();
        check_many();
        check_epolls();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
