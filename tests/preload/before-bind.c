/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What was set on a descriptor before bind(2) holds after it: flags, owner and signal, epoll
 * registrations. Run bare too. argv: where to bind.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;

static int bound(int fd)
{
        need(bind_to(fd, address) == 0, "bind");
        need(listen(fd, 5) == 0, "listen");
        return fd;
}

static int new_socket(int flags)
{
        const int fd = socket_for(address, SOCK_STREAM | flags);

        need(fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0, "socket");
        return fd;
}

/* Close a listener, and before it the client that waits in its queue. */
static void close_both(int fd, int theirs)
{
        close(accept(fd, NULL, NULL));
        close(theirs);
        close(fd);
}

static void check_flags(int flags)
{
        const int fd = new_socket(flags), status = fcntl(fd, F_GETFL),
                  descriptor = fcntl(fd, F_GETFD);

        bound(fd);
        same(fcntl(fd, F_GETFL), status, "status flags, SOCK_ flags %#x", flags);
        same(fcntl(fd, F_GETFD), descriptor, "descriptor flags, SOCK_ flags %#x", flags);
        close(fd);
}

static void check_ioctl(void)
{
        const int fd = new_socket(0);
        int one = 1;

        ioctl(fd, FIONBIO, &one);
        ioctl(fd, FIOCLEX);
        bound(fd);
        same(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "FIONBIO before bind");
        same(fcntl(fd, F_GETFD), FD_CLOEXEC, "FIOCLEX before bind");
        errno = 0;
        same(accept(fd, NULL, NULL), -1, "accept does not wait");
        same(errno, EAGAIN, "says EAGAIN");
        close(fd);
}

static volatile sig_atomic_t signals;

static void count(int number)
{
        signals += number == SIGUSR1;
}

static void check_owner(void)
{
        const struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
        const int fd = new_socket(0);
        struct f_owner_ex owner = {F_OWNER_PID, getpid()}, after = {0};
        int theirs;

        sigaction(SIGUSR1, &action, NULL);
        fcntl(fd, F_SETOWN_EX, &owner);
        fcntl(fd, F_SETSIG, SIGUSR1);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
        bound(fd);
        fcntl(fd, F_GETOWN_EX, &after);
        same(after.pid, getpid(), "F_SETOWN before bind");
        same(fcntl(fd, F_GETSIG), SIGUSR1, "F_SETSIG before bind");
        ok(fcntl(fd, F_GETFL) & O_ASYNC, "O_ASYNC before bind");
        signals = 0;
        theirs = client(0, fd);
        ok(readable(fd, PATIENCE) && signals > 0, "a client raises the signal");
        close_both(fd, theirs);
}

static void check_epoll(uint32_t events, const char *what)
{
        const int epfd = epoll_create1(0), other = epoll_create1(0), fd = new_socket(0);
        struct epoll_event event = {events, {.u64 = UINT64_C(0x1122334455667788)}}, got[4] = {0};
        int theirs;

        same(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0, "%s: register before bind", what);
        event.data.u64 = 99;
        epoll_ctl(other, EPOLL_CTL_ADD, fd, &event);
        event.data.u64 = 100;
        epoll_ctl(other, EPOLL_CTL_MOD, fd, &event);
        (void)epoll_wait(epfd, got, 4, 0);
        bound(fd);
        same(epoll_wait(epfd, got, 4, 20), 0, "%s: no event before a client comes", what);
        theirs = client(0, fd);
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "%s: an event when it comes", what);
        ok(got[0].data.u64 == UINT64_C(0x1122334455667788) && got[0].events & EPOLLIN,
           "%s: with its data", what);
        same(epoll_wait(epfd, got, 4, 20), events & EPOLLET ? 0 : 1, "%s: level or edge", what);
        same(epoll_wait(other, got, 4, 20), 1, "%s: the second epoll too", what);
        same((long long)got[0].data.u64, 100, "%s: as it was modified", what);
        errno = 0;
        same(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), -1, "%s: registered already", what);
        same(errno, EEXIST, "%s: says EEXIST", what);
        same(epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL), 0, "%s: unregister", what);
        close_both(fd, theirs);
        close(epfd);
        close(other);
}

/* Registrations that are gone by the time of the bind must not come back. */
static void check_no_epoll(void)
{
        struct epoll_event event = {EPOLLIN, {.u64 = 5}}, got[4];
        const int epfd = epoll_create1(0), gone = epoll_create1(0);
        int fd = new_socket(0), theirs, old;

        /* Unregistered. */
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
        /* In an epoll that is closed, and whose number another gets. */
        epoll_ctl(gone, EPOLL_CTL_ADD, fd, &event);
        close(gone);
        same(epoll_create1(0), gone, "another epoll gets the number");
        /* Registered under this number, which another socket has got since. */
        old = new_socket(0);
        epoll_ctl(epfd, EPOLL_CTL_ADD, old, &event);
        dup2(fd, old);
        close(fd);
        bound(old);
        theirs = client(0, old);
        need(readable(old, PATIENCE), "a client");
        same(epoll_wait(epfd, got, 4, 20), 0, "no event for registrations that are gone");
        same(epoll_wait(gone, got, 4, 20), 0, "nor for one in an epoll that was closed");
        is(messages(), "", "nothing is printed");
        close_both(old, theirs);
        close(epfd);
        close(gone);
}

/* Many clients of a program register before they connect: no place must run out. */
static void check_many(void)
{
        enum { MANY = 300 };
        const int epfd = epoll_create1(0), listener = listen_at("127.0.0.1:0");
        struct epoll_event event = {EPOLLIN, {.u64 = 5}}, got[4];
        int fds[MANY], fd, theirs;

        for (int i = 0; i < MANY; i++) {
                fds[i] = socket(AF_INET, SOCK_STREAM, 0);
                epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &event);
                need(connect_to(fds[i], local_name(listener)) == 0, "connect");
                close(accept(listener, NULL, NULL));
        }
        fd = new_socket(0);
        event.data.u64 = 6;
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        bound(fd);
        theirs = client(0, fd);
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "the listener is watched beside %d clients",
             MANY);
        same((long long)got[0].data.u64, 6, "with its data");
        is(messages(), "", "nothing is printed");
        close_both(fd, theirs);
        close(listener);
        close(epfd);
}

/* A socket that is connected has its address, and a rule has no say any more. */
static void check_connected(void)
{
        const int listener = listen_at("127.0.0.1:0"), fd = socket(AF_INET, SOCK_STREAM, 0),
                  datagram = socket(AF_INET, SOCK_DGRAM, 0);
        const char *theirs = local_name(listener);

        need(connect_to(fd, theirs) == 0, "connect");
        same(bind_to(fd, address), EINVAL, "bind of a connected socket");
        is(peer_name(fd), theirs, "it is connected still");
        need(connect_to(datagram, theirs) == 0, "connect");
        same(bind_to(datagram, address), EINVAL, "bind of a connected datagram socket");
        close(fd);
        close(datagram);
        close(listener);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        check_flags(0);
        check_flags(SOCK_NONBLOCK);
        check_flags(SOCK_CLOEXEC);
        check_flags(SOCK_NONBLOCK | SOCK_CLOEXEC);
        check_connected();
        check_ioctl();
        check_owner();
        check_epoll(EPOLLIN, "level");
        check_epoll(EPOLLIN | EPOLLET, "edge");
        check_no_epoll();
        check_many();
        return tap_end();
}
