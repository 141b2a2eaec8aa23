/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2) more than once: on a connection, on a listener, after a failure, after
 * connect(AF_UNSPEC), on copies of the descriptor. Run bare too. argv: the address of a server, and
 * one where nobody listens until a server is started.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address, *later;
static int listener, family;

static int new_socket(int flags)
{
        const int fd = socket(family, SOCK_STREAM | flags, 0);

        need(fd >= 0, "socket");
        return fd;
}

static int dissolve(int fd)
{
        struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};

        return connect(fd, (struct sockaddr *)&storage, sizeof(struct sockaddr_in)) < 0 ? errno : 0;
}

static void check_twice(void)
{
        int theirs;
        const int ours = join(listener, address, &theirs);
        char first[128];

        strcpy(first, local_name(ours));
        same(connect_to(ours, address), EISCONN, "connect on a connection");
        same(connect_to(ours, later), EISCONN, "connect on a connection to elsewhere");
        is(peer_name(ours), address, "its peer is the same");
        is(local_name(ours), first, "and so is its own name");
        is(result(listen(ours, 1)), "EINVAL", "listen on a connection");
        same(bind_to(ours, family == AF_INET6 ? "[::]:0" : "0.0.0.0:0"), EINVAL,
             "bind on a connection");
        is(result(accept(ours, NULL, NULL)), "EINVAL", "accept on a connection");
        ok(talks(ours, theirs), "they talk");
        same(shutdown(ours, SHUT_RDWR), 0, "shutdown");
        close(theirs);
        close(ours);
}

static void check_listener(void)
{
        const int client = reach(address), theirs = take(listener);

        same(connect_to(listener, later), EISCONN, "connect on a listener");
        same(connect_to(listener, address), EISCONN, "connect of a listener to itself");
        is(peer_name(listener), "ENOTCONN", "getpeername of a listener");
        close(client);
        close(theirs);
}

/* A server's connection is as connected as a client's. */
static void check_accepted(void)
{
        int theirs;
        const int ours = join(listener, address, &theirs);

        same(connect_to(theirs, later), EISCONN, "connect on an accepted connection");
        same(bind_to(theirs, later), EINVAL, "bind on an accepted connection");
        ok(talks(ours, theirs), "they talk");
        close(ours);
        close(theirs);
}

/* A refused socket can try again, until the server is there. */
static void check_retry(int flags)
{
        const char *how = flags & SOCK_NONBLOCK ? "non-blocking" : "blocking";
        const int ours = new_socket(flags);
        char first[128];
        int late, theirs, wrong = 0;

        for (int i = 0; i < 20; i++)
                wrong += try_to_reach(ours, later) != ECONNREFUSED;
        same(wrong, 0, "%s: 20 times refused", how);
        same(option(ours, SOL_SOCKET, SO_ERROR), 0, "%s: SO_ERROR is told once", how);
        is(peer_name(ours), "ENOTCONN", "%s: not connected", how);
        same(option(ours, SOL_SOCKET, SO_DOMAIN), family, "%s: SO_DOMAIN", how);
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "%s: send", how);
        late = serve_at(later, 5);
        same(try_to_reach(ours, later), 0, "%s: the server is there, connect", how);
        is(peer_name(ours), later, "%s: getpeername", how);
        theirs = take(late);
        fcntl(ours, F_SETFL, 0);
        ok(talks(ours, theirs), "%s: they talk", how);
        strcpy(first, local_name(ours));
        ok(port_in(first) > 0, "%s: with a port", how);
        close(ours);
        close(theirs);
        close(late);
        if (is_native())
                unlink(socket_file(later));
}

/* Registered in epoll before it is refused: the registration outlives the failure. */
static void check_retry_epoll(void)
{
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = 17}, got[2] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC), ours = new_socket(0);
        int theirs;

        same(epoll_ctl(epfd, EPOLL_CTL_ADD, ours, &event), 0, "register");
        same(connect_to(ours, later), ECONNREFUSED, "refused");
        (void)epoll_wait(epfd, got, 2, 0);
        same(connect_to(ours, address), 0, "connect");
        theirs = take(listener);
        need(write(theirs, "x", 1) == 1, "write");
        same(epoll_wait(epfd, got, 2, PATIENCE), 1, "an event");
        ok(got[0].data.u32 == 17 && got[0].events & EPOLLIN, "as it was registered");
        close(ours);
        close(theirs);
        close(epfd);
}

static void check_dissolve(void)
{
        int theirs, ours = join(listener, address, &theirs);
        char byte;

        set_option(ours, IPPROTO_TCP, TCP_KEEPIDLE, 55);
        set_option(ours, SOL_SOCKET, SO_KEEPALIVE, 1);
        same(dissolve(ours), 0, "connect(AF_UNSPEC) of a connection");
        is(peer_name(ours), "ENOTCONN", "no peer any more");
        /* The kernel resets, which a Unix socket can't. */
        ok(recv(theirs, &byte, 1, 0) <= 0, "the peer sees the end");
        close(theirs);
        (void)send(ours, "x", 1, MSG_NOSIGNAL);
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send");
        is(result(recv(ours, &byte, 1, 0)), "ENOTCONN", "recv");
        same(option(ours, SOL_SOCKET, SO_DOMAIN), family, "SO_DOMAIN");
        same(option(ours, IPPROTO_TCP, TCP_KEEPIDLE), 55, "an option still holds");
        same(option(ours, SOL_SOCKET, SO_KEEPALIVE), 1, "and another one");
        same(connect_to(ours, address), 0, "connect again");
        theirs = take(listener);
        is(peer_name(ours), address, "getpeername");
        ok(talks(ours, theirs), "they talk");
        close(theirs);
        same(dissolve(ours), 0, "dissolve once more");
        same(connect_to(ours, later), ECONNREFUSED, "connect where nobody is");
        same(connect_to(ours, address), 0, "and where the server is");
        theirs = take(listener);
        ok(talks(ours, theirs), "they talk");
        close(theirs);
        close(ours);

        ours = new_socket(0);
        same(dissolve(ours), 0, "connect(AF_UNSPEC) of a new socket");
        same(connect_to(ours, address), 0, "connect");
        theirs = take(listener);
        ok(talks(ours, theirs), "they talk");
        close(theirs);
        close(ours);
}

/* A connection that was dissolved may listen. */
static void check_dissolve_and_listen(void)
{
        int theirs, client, ours = join(listener, address, &theirs);

        close(theirs);
        need(dissolve(ours) == 0, "dissolve");
        set_option(ours, SOL_SOCKET, SO_REUSEADDR, 1);
        same(bind_to(ours, later), 0, "dissolved, bind");
        same(listen(ours, 1), 0, "listen");
        client = reach(later);
        theirs = take(ours);
        ok(talks(client, theirs), "it serves");
        close(client);
        close(theirs);
        close(ours);
}

/* A copy made before connect is the same socket. */
static void check_copies(void)
{
        const int ours = new_socket(0), copy = dup(ours), second = fcntl(ours, F_DUPFD, 200);
        int theirs;
        char first[128];

        same(connect_to(copy, address), 0, "connect of a copy");
        theirs = take(listener);
        is(peer_name(ours), address, "the original is connected");
        is(peer_name(second), address, "and another copy as well");
        strcpy(first, local_name(copy));
        is(local_name(ours), first, "with one name");
        ok(talks(ours, theirs), "the original talks");
        ok(talks(second, theirs), "and the copy");
        same(connect_to(second, address), EISCONN, "connect of a copy again");
        close(copy);
        close(ours);
        is(peer_name(second), address, "the last one still knows its peer");
        ok(talks(second, theirs), "and talks");
        close(second);
        same(read(theirs, first, 1), 0, "closed with the last one");
        close(theirs);
}

/* What was connected before fork is connected in both; what a child connects is its own. */
static void check_fork(void)
{
        int theirs, ours = join(listener, address, &theirs);
        char byte;
        pid_t pid = fork();

        if (pid == 0) {
                const int fd = reach(address);
                const bool good = strcmp(peer_name(ours), address) == 0 &&
                                  strcmp(peer_name(fd), address) == 0 &&
                                  strcmp(local_name(fd), local_name(ours)) != 0 &&
                                  send(ours, "c", 1, MSG_NOSIGNAL) == 1;

                _exit(good ? 0 : 1);
        }
        close(take(listener));
        same(reap(pid), 0, "a child has the connection, and makes one of its own");
        ok(recv(theirs, &byte, 1, 0) == 1 && byte == 'c', "what it wrote arrives");
        ok(talks(ours, theirs), "the parent talks still");
        close(ours);
        close(theirs);
}

/* The server's answer to a child that connects an inherited, unconnected socket. */
static void check_fork_before(void)
{
        const int ours = new_socket(0);
        char byte = 0;
        int theirs;
        const pid_t pid = fork();

        if (pid == 0)
                _exit(connect_to(ours, address) == 0 && strcmp(peer_name(ours), address) == 0 &&
                                      send(ours, "c", 1, MSG_NOSIGNAL) == 1 &&
                                      recv(ours, &byte, 1, 0) == 1
                              ? 0
                              : 1);
        theirs = take(listener);
        need(write(theirs, "d", 1) == 1, "write");
        same(reap(pid), 0, "a child connects what its parent made");
        same(recv(theirs, &byte, 1, 0), 1, "the server gets its data");
        close(theirs);
        close(ours);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        address = argv[1];
        later = argv[2];
        family = *address == '[' ? AF_INET6 : AF_INET;
        listener = serve_at(address, 50);
        check_twice();
        if (!is_native()) {
                check_listener();
                check_accepted();
                check_dissolve_and_listen();
        }
        check_retry(0);
        check_retry(SOCK_NONBLOCK);
        check_retry_epoll();
        check_dissolve();
        check_copies();
        check_fork();
        check_fork_before();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
