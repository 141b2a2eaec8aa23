/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Cancellation points stay cancellation points, and leave things in order; and calls that succeed
 * leave errno alone. Run bare too. argv: where to bind.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static int listener;

static int listen_again(const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM);

        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        need(bind_to(fd, address) == 0 && listen(fd, 5) == 0, "bind");
        return fd;
}

#ifdef SANITIZED

static void check_all(const char *address)
{
        (void)address;
        skip("cancellation", "sanitizers lose count of what was on a cancelled thread's stack");
}

#else

static void *accept_in_thread(void *argument)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);

        (void)argument;
        close(accept(listener, (struct sockaddr *)&storage, &length));
        return NULL;
}

static void *receive_in_thread(void *connection)
{
        char byte;

        (void)recvfrom(*(int *)connection, &byte, 1, 0, NULL, NULL);
        return NULL;
}

static void *accept_blackhole_in_thread(void *fd)
{
        (void)accept(*(int *)fd, NULL, NULL);
        return NULL;
}

static void check_cancel(void *(*function)(void *), void *argument, const char *what)
{
        pthread_t thread;
        void *result = NULL;

        need(pthread_create(&thread, NULL, function, argument) == 0, "pthread_create");
        until_threads_wait(1);
        same(pthread_cancel(thread), 0, "%s: cancel", what);
        same(pthread_join(thread, &result), 0, "%s: join", what);
        ok(result == PTHREAD_CANCELED, "%s: it was cancelled", what);
}

/* What a thread did that was to be cancelled before, and ends where that is possible. */
static struct {
        int fd, bind, listen;
} pending;

static void *bind_in_thread(void *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);

        pthread_cancel(pthread_self());
        pending.bind = bind(pending.fd, (struct sockaddr *)&storage, length);
        pending.listen = listen(pending.fd, 5);
        pthread_testcancel();
        return NULL;
}

/* bind(2) and listen(2) are no cancellation points, whatever they have to close on their way. */
static void check_no_point(const char *address)
{
        pthread_t thread;
        void *result = NULL;
        int next_number, copy;

        next_number = dup(STDERR_FILENO);
        close(next_number);
        pending.fd = socket_for(address, SOCK_STREAM);
        set_option(pending.fd, SOL_SOCKET, SO_REUSEADDR, 1);
        pending.bind = pending.listen = -1;
        need(pthread_create(&thread, NULL, bind_in_thread, (void *)address) == 0, "pthread_create");
        pthread_join(thread, &result);
        ok(result == PTHREAD_CANCELED, "a thread with a cancellation pending is cancelled");
        same(pending.bind, 0, "but after its bind");
        same(pending.listen, 0, "and its listen");
        copy = dup(STDERR_FILENO);
        same(copy, next_number + 1, "no descriptor is lost");
        close(copy);
        ok(serves(0, pending.fd), "what it has bound serves");
        close(pending.fd);
}

/* A thread that was cancelled waits no more: a shutdown must not try to wake it. */
static void check_shut_after(void)
{
        char address[64];

        strcpy(address, local_name(listener));
        same(shutdown(listener, SHUT_RDWR), 0, "shutdown");
        close(listener);
        listener = listen_again(address);
        ok(!readable(listener, 20), "bound again, nobody waits to be accepted");
        ok(serves(0, listener), "it serves");
}

static void check_all(const char *address)
{
        int connection, fd, theirs;

        check_cancel(accept_in_thread, NULL, "accept");
        ok(serves(0, listener), "the listener serves");
        check_shut_after();
        close(listener);
        check_no_point(address);
        listener = listen_again(address);
        connection = accept_client(0, listener, &theirs);
        check_cancel(receive_in_thread, &connection, "recvfrom");
        ok(is_local_peer(peer_name(connection), AF_INET), "the connection is there");

        fd = listen_at("127.0.0.3:9999");
        check_cancel(accept_blackhole_in_thread, &fd, "accept where nobody comes");
        close(fd);
        close(connection);
        close(theirs);
}

#endif

/* errno stays what it was when a call succeeds. */
#define KEEPS_ERRNO(call)                                                                          \
        do {                                                                                       \
                bool good;                                                                         \
                errno = ELNRNG;                                                                    \
                good = (call) >= 0;                                                                \
                ok(good &&errno == ELNRNG, "errno is kept by %s", #call);                          \
        } while (0)

static void check_errno(const char *address)
{
        struct sockaddr_storage storage;
        socklen_t length = address_of(address, &storage);
        struct epoll_event event = {EPOLLIN, {0}};
        const int epfd = epoll_create1(0);
        int fd = -1, copy = -1, value = 1, theirs, ours = -1, second = -1;

        KEEPS_ERRNO(fd = socket(AF_INET, SOCK_STREAM, 0));
        KEEPS_ERRNO(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)));
        KEEPS_ERRNO(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
        KEEPS_ERRNO(copy = dup(fd));
        KEEPS_ERRNO(bind(fd, (struct sockaddr *)&storage, length));
        KEEPS_ERRNO(listen(fd, 5));
        KEEPS_ERRNO(getsockname(fd, (struct sockaddr *)&storage, &length));
        KEEPS_ERRNO(fcntl(fd, F_SETFL, O_NONBLOCK));
        theirs = client(0, fd);
        need(readable(fd, PATIENCE), "a client");
        length = sizeof(storage);
        KEEPS_ERRNO(ours = accept(fd, (struct sockaddr *)&storage, &length));
        KEEPS_ERRNO(getpeername(ours, (struct sockaddr *)&storage, &length));
        KEEPS_ERRNO(setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
        KEEPS_ERRNO(setsockopt(ours, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof(value)));
        length = sizeof(value);
        KEEPS_ERRNO(getsockopt(ours, IPPROTO_TCP, TCP_KEEPIDLE, &value, &length));
        KEEPS_ERRNO(second = fcntl(ours, F_DUPFD, 100));
        KEEPS_ERRNO(dup2(ours, 101));
        KEEPS_ERRNO(dup3(ours, 102, O_CLOEXEC));
        KEEPS_ERRNO(shutdown(ours, SHUT_WR));
        KEEPS_ERRNO(close(ours));
        KEEPS_ERRNO(close_range(100, 102, 0));
        KEEPS_ERRNO(close(copy));
        KEEPS_ERRNO(shutdown(fd, SHUT_RD));
        KEEPS_ERRNO(close(fd));
        same(fcntl(second, F_GETFD), -1, "close_range has closed them");
        close(theirs);
        close(epfd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        listener = listen_again(argv[1]);
        check_all(argv[1]);
        close(listener);
        check_errno(argv[1]);
        return tap_end();
}
