/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How sockets end other than by close(2): shutdown(2) of a listener, which must leave systemd's own
 * alone, fclose(3) and freopen(3) of a stream on a connection. Run bare too. argv: where to bind.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static const char *address;

static int new_listener(void)
{
        const int fd = socket_for(address, SOCK_STREAM);

        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        need(bind_to(fd, address) == 0, "bind");
        need(listen(fd, 5) == 0, "listen");
        return fd;
}

static void check_shutdown(int how)
{
        int fd = new_listener(), copy = dup(fd);
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};

        ok(serves(0, fd), "a listener serves");
        same(shutdown(fd, 77), -1, "shutdown with a number that means nothing");
        same(errno, EINVAL, "says EINVAL");
        same(shutdown(fd, SHUT_WR), 0, "shutdown for writing");
        ok(serves(0, fd), "changes nothing");
        same(shutdown(fd, how), 0, "shutdown %d", how);
        errno = 0;
        same(accept(fd, NULL, NULL), -1, "accept");
        same(errno, EINVAL, "says EINVAL");
        ok(poll(&pollfd, 1, PATIENCE) == 1 && pollfd.revents & POLLHUP,
           "poll says that it hung up");
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, "SO_ACCEPTCONN");
        is(peer_name(fd), "ENOTCONN", "getpeername");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
        close(copy);
        same(close(fd), 0, "close");

        fd = new_listener();
        ok(serves(0, fd), "it can be bound again, and serves");
        close(fd);
}

static void *accept_in_thread(void *fd)
{
        const int ours = accept(*(int *)fd, NULL, NULL);

        return (void *)(intptr_t)(ours < 0 ? errno : 0);
}

/* shutdown(2) wakes threads that wait, and leaves nobody in the queue for the next listener. */
static void check_waiting(int threads)
{
        pthread_t waiting[4];
        int fd = new_listener();

        for (int i = 0; i < threads; i++)
                need(pthread_create(&waiting[i], NULL, accept_in_thread, &fd) == 0,
                     "pthread_create");
        until_threads_wait(threads);
        same(shutdown(fd, SHUT_RDWR), 0, "shutdown while %d threads wait", threads);
        for (int i = 0; i < threads; i++) {
                void *result;

                pthread_join(waiting[i], &result);
                same((intptr_t)result, EINVAL, "accept in a thread says EINVAL");
        }
        close(fd);
        fd = new_listener();
        ok(!readable(fd, 20), "bound again, nobody waits to be accepted");
        close(fd);
}

static void check_connection(void)
{
        int fd = new_listener(), theirs, ours = accept_client(0, fd, &theirs);
        char byte;

        same(shutdown(ours, SHUT_WR), 0, "shutdown of a connection for writing");
        same(read(theirs, &byte, 1), 0, "its client reads the end");
        same(write(theirs, "x", 1), 1, "and can write");
        same(read(ours, &byte, 1), 1, "which arrives");
        ok(is_local_peer(peer_name(ours), AF_INET), "the peer is still known");
        close(ours);
        close(theirs);
        close(fd);
}

/* The C library closes the number of a stream around close(2). */
static void check_streams(void)
{
        int fd = new_listener(), ours = accept_client(0, fd, NULL), pair[2];
        FILE *stream = fdopen(ours, "r+");

        fclose(stream);
        is(local_name(ours), "EBADF", "fclose ends a connection");
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        is(local_name(pair[0]), "unix", "what gets the number is what it is");
        close(pair[0]);
        close(pair[1]);

        ours = accept_client(0, fd, NULL);
        stream = fdopen(ours, "r+");
        stream = freopen("/dev/null", "r", stream);
        is(local_name(fileno(stream)), "ENOTSOCK", "freopen ends a connection");
        is(local_name(ours), fileno(stream) == ours ? "ENOTSOCK" : "EBADF", "at its number too");
        fclose(stream);

        stream = fdopen(dup(fd), "r");
        fclose(stream);
        ok(serves(0, fd), "fclose of a duplicate leaves the listener");
        stream = fdopen(fd, "r");
        fclose(stream);
        fd = new_listener();
        ok(serves(0, fd), "fclose of the listener frees it for the next bind");
        close(fd);
}

/*
 * The kernel takes a registration out of an epoll when the last descriptor of the open file is
 * closed. The one that waits for the next bind must not keep it there.
 */
static void check_epoll(const char *what, void (*end)(int fd))
{
        struct epoll_event event = {EPOLLIN, {.u64 = 77}}, got;
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        int fd = new_listener(), again, theirs;

        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        end(fd);
        again = new_listener();
        theirs = client(0, again);
        need(readable(again, PATIENCE), "a client");
        same(epoll_wait(epfd, &got, 1, 20), 0, "epoll is silent about a listener after %s", what);
        close(accept(again, NULL, NULL));
        close(theirs);
        close(again);
        close(epfd);
}

static void end_by_close(int fd)
{
        close(fd);
}

static void end_by_dup2(int fd)
{
        dup2(STDERR_FILENO, fd);
        close(fd);
}

static void end_by_close_range(int fd)
{
        close_range((unsigned)fd, (unsigned)fd, 0);
}

/* A child closes its copy: the epoll is its parent's too. */
static void check_epoll_in_child(void)
{
        struct epoll_event event = {EPOLLIN, {.u64 = 78}}, got = {0};
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        int fd = new_listener(), theirs;
        pid_t pid;

        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        pid = fork();
        if (pid == 0) {
                close(fd);
                _exit(0);
        }
        reap(pid);
        theirs = client(0, fd);
        same(epoll_wait(epfd, &got, 1, PATIENCE), 1, "epoll goes on when a child closes its copy");
        same((long long)got.data.u64, 78, "with its data");
        close(accept(fd, NULL, NULL));
        close(theirs);
        close(fd);
        close(epfd);
}

/* A call that fails ends nothing. */
static void check_refused(void)
{
        int fd = new_listener(), ours = accept_client(0, fd, NULL);
        const unsigned first = (unsigned)(fd < ours ? fd : ours);
        char peer[64];

        strcpy(peer, peer_name(ours));
        errno = 0;
        same(close_range(first, ~0U, 0x7000), -1, "close_range with unknown flags");
        same(errno, EINVAL, "says EINVAL");
        same(close_range(first + 100, first, 0), -1, "close_range with an empty range");
        same(dup2(-1, ours), -1, "dup2 of nothing onto a connection");
        same(dup3(fd, ours, O_NONBLOCK), -1, "dup3 with unknown flags");
        is(peer_name(ours), peer, "the connection is there");
        is(local_name(fd), address, "and the listener");
        close(ours);
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        check_refused();
        check_epoll("close", end_by_close);
        check_epoll("dup2 over it", end_by_dup2);
        check_epoll("close_range", end_by_close_range);
        check_epoll_in_child();
        check_shutdown(SHUT_RD);
        check_shutdown(SHUT_RDWR);
        check_waiting(1);
        check_waiting(4);
        check_connection();
        check_streams();
        return tap_end();
}
