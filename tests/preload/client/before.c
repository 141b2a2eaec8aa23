/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client had set before connect(2) still holds after it: flags, owner and signal, options,
 * buffers, timeouts, and where it waits for events. Run bare too. argv: the address.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int listener, family;
static volatile sig_atomic_t signalled;

static void count_signal(int number)
{
        (void)number;
        signalled++;
}

static int new_socket(int flags)
{
        const int fd = socket(family, SOCK_STREAM | flags, 0);

        need(fd >= 0, "socket");
        return fd;
}

static void check_flags(void)
{
        static const struct {
                int type, fd_flags, flags;
        } table[] = {{0, 0, 0},
                     {SOCK_CLOEXEC, FD_CLOEXEC, 0},
                     {SOCK_NONBLOCK, 0, O_NONBLOCK},
                     {SOCK_NONBLOCK | SOCK_CLOEXEC, FD_CLOEXEC, O_NONBLOCK}};

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const int ours = new_socket(table[i].type);
                int theirs;

                (void)connect_to(ours, address);
                same(fcntl(ours, F_GETFD), table[i].fd_flags, "close-on-exec as it was");
                same(fcntl(ours, F_GETFL) & O_NONBLOCK, table[i].flags, "non-blocking as it was");
                theirs = take(listener);
                ok(fcntl(ours, F_GETFL) & O_RDWR, "open for both");
                close(ours);
                close(theirs);
        }
}

static void check_signal(void)
{
        struct f_owner_ex owner = {F_OWNER_TID, gettid()}, after = {0};
        struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
        const int ours = new_socket(0), number = SIGRTMIN + 3;
        int theirs;

        sigaction(number, &action, NULL);
        same(fcntl(ours, F_SETOWN_EX, &owner), 0, "F_SETOWN_EX");
        same(fcntl(ours, F_SETSIG, number), 0, "F_SETSIG");
        same(fcntl(ours, F_SETFL, O_ASYNC), 0, "O_ASYNC");
        same(connect_to(ours, address), 0, "connect");
        theirs = take(listener);
        same(fcntl(ours, F_GETOWN_EX, &after), 0, "F_GETOWN_EX");
        ok(after.type == owner.type && after.pid == owner.pid, "the owner as it was");
        same(fcntl(ours, F_GETSIG), number, "the signal as it was");
        ok(fcntl(ours, F_GETFL) & O_ASYNC, "O_ASYNC still holds");
        signalled = 0;
        need(write(theirs, "x", 1) == 1, "write");
        for (int i = 0; i < PATIENCE && !signalled; i++)
                usleep(1000);
        ok(signalled > 0, "data raise the signal");
        close(ours);
        close(theirs);
}

static const struct {
        int level, name, value;
        const char *what;
} options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
        {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
        {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
        {SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE"},
        /* The value that IP_TOS below gives it as well. */
        {SOL_SOCKET, SO_PRIORITY, 6, "SO_PRIORITY"},
        {SOL_SOCKET, SO_RCVLOWAT, 2, "SO_RCVLOWAT"},
        {SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST"},
        {SOL_SOCKET, SO_TIMESTAMP, 1, "SO_TIMESTAMP"},
        {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
        {IPPROTO_TCP, TCP_KEEPIDLE, 77, "TCP_KEEPIDLE"},
        {IPPROTO_TCP, TCP_KEEPINTVL, 11, "TCP_KEEPINTVL"},
        {IPPROTO_TCP, TCP_KEEPCNT, 4, "TCP_KEEPCNT"},
        {IPPROTO_TCP, TCP_SYNCNT, 3, "TCP_SYNCNT"},
        {IPPROTO_TCP, TCP_LINGER2, 9, "TCP_LINGER2"},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 1234, "TCP_USER_TIMEOUT"},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096, "TCP_NOTSENT_LOWAT"},
        {IPPROTO_IP, IP_TTL, 33, "IP_TTL"},
        {IPPROTO_IP, IP_TOS, IPTOS_LOWDELAY, "IP_TOS"},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER"},
        {IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND"},
        {IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR"},
        {IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"},
        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44, "IPV6_UNICAST_HOPS"},
        {IPPROTO_IPV6, IPV6_TCLASS, 8, "IPV6_TCLASS"},
};

/* An IPv4 socket has no IPv6 options. */
static bool applies(size_t i)
{
        return family == AF_INET6 || options[i].level != IPPROTO_IPV6;
}

static void check_options(void)
{
        const int ours = new_socket(0);
        struct linger linger = {1, 5}, linger_after = {0, 0};
        struct timeval timeout = {3, 250000}, timeout_after = {0, 0};
        socklen_t length = sizeof(linger_after);
        int theirs;

        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
                if (applies(i))
                        same(set_option(ours, options[i].level, options[i].name, options[i].value),
                             0, "set %s", options[i].what);
        need(setsockopt(ours, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0, "SO_LINGER");
        need(setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
                     setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0,
             "timeouts");
        same(connect_to(ours, address), 0, "connect with options set");
        theirs = take(listener);
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
                if (applies(i))
                        same(option(ours, options[i].level, options[i].name), options[i].value,
                             "%s still holds", options[i].what);
        same(getsockopt(ours, SOL_SOCKET, SO_LINGER, &linger_after, &length), 0, "SO_LINGER");
        ok(linger_after.l_onoff == 1 && linger_after.l_linger == 5, "still holds");
        length = sizeof(timeout_after);
        getsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout_after, &length);
        ok(timeout_after.tv_sec == 3 && labs(timeout_after.tv_usec - 250000) < 5000,
           "SO_RCVTIMEO still holds");
        getsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &timeout_after, &length);
        ok(timeout_after.tv_sec == 3, "SO_SNDTIMEO still holds");
        close(ours);
        close(theirs);
}

/* Set and read back on a connection. */
static void check_options_after(void)
{
        int theirs;
        const int ours = join(listener, address, &theirs);
        char name[16] = "";
        socklen_t length = sizeof(name);

        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
                /* Connected is too late for this one. */
                if (!applies(i) || options[i].name == IPV6_V6ONLY)
                        continue;
                same(set_option(ours, options[i].level, options[i].name, options[i].value), 0,
                     "set %s on a connection", options[i].what);
                same(option(ours, options[i].level, options[i].name), options[i].value,
                     "%s can be read back", options[i].what);
        }
        same(setsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0, "TCP_CONGESTION");
        same(getsockopt(ours, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0, "reads back");
        is(name, "reno", "as it was set");
        same(set_option(ours, SOL_SOCKET, SO_RCVLOWAT, 1), 0, "SO_RCVLOWAT back");
        ok(talks(ours, theirs), "they talk");
        close(ours);
        close(theirs);
}

static int tcp_state(int fd)
{
        struct tcp_info info;
        socklen_t length = sizeof(info);

        memset(&info, 0xaa, sizeof(info));
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ? -errno : info.tcpi_state;
}

static void check_info(void)
{
        int ours = new_socket(0), theirs, value;

        same(tcp_state(ours), TCP_CLOSE, "TCP_INFO before: closed");
        same(connect_to(ours, address), 0, "connect");
        theirs = take(listener);
        same(tcp_state(ours), TCP_ESTABLISHED, "TCP_INFO after: established");
        value = option(ours, IPPROTO_TCP, TCP_MAXSEG);
        ok(value >= 500 && value <= 65535, "TCP_MAXSEG makes sense");
        same(option(ours, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR");
        ok(talks(ours, theirs), "they talk");
        close(ours);
        close(theirs);
}

static void check_buffers(void)
{
        const int plain = new_socket(0), ours = new_socket(0);
        int theirs, send_before, receive_before;

        same(set_option(ours, SOL_SOCKET, SO_SNDBUF, 20000), 0, "SO_SNDBUF");
        same(set_option(ours, SOL_SOCKET, SO_RCVBUF, 30000), 0, "SO_RCVBUF");
        send_before = option(ours, SOL_SOCKET, SO_SNDBUF);
        receive_before = option(ours, SOL_SOCKET, SO_RCVBUF);
        same(connect_to(ours, address), 0, "connect with buffers set");
        theirs = take(listener);
        same(option(ours, SOL_SOCKET, SO_SNDBUF), send_before, "SO_SNDBUF still holds");
        same(option(ours, SOL_SOCKET, SO_RCVBUF), receive_before, "SO_RCVBUF still holds");
        close(ours);
        close(theirs);

        same(connect_to(plain, address), 0, "connect with none set");
        theirs = take(listener);
        ok(option(plain, SOL_SOCKET, SO_SNDBUF) > 40000, "SO_SNDBUF is the kernel's own");
        close(plain);
        close(theirs);
}

static void check_timeout(void)
{
        const struct timeval timeout = {0, 60000};
        const int ours = new_socket(0);
        double start;
        char byte;
        int theirs;

        need(setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0, "timeout");
        same(connect_to(ours, address), 0, "connect with a timeout for receiving");
        theirs = take(listener);
        start = milliseconds();
        is(result(recv(ours, &byte, 1, 0)), "EAGAIN", "recv gives up");
        ok(milliseconds() - start > 40, "after the time");
        close(ours);
        close(theirs);
}

/* epoll keeps its registrations: what, how, and with which data. */
static void check_epoll(int type, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.u64 = 0x123456789abcdef},
                           got[4] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC), ours = new_socket(type);
        char byte;
        int theirs, n;

        same(epoll_ctl(epfd, EPOLL_CTL_ADD, ours, &event), 0, "register before connect");
        (void)connect_to(ours, address);
        theirs = take(listener);
        n = epoll_wait(epfd, got, 4, PATIENCE);
        ok(n == 1 && got[0].events & EPOLLOUT && got[0].data.u64 == event.data.u64,
           "it gets writable, and says so with its data");
        need(write(theirs, "x", 1) == 1, "write");
        if (events & EPOLLONESHOT) {
                event.events = EPOLLIN;
                same(epoll_ctl(epfd, EPOLL_CTL_MOD, ours, &event), 0, "armed again");
        }
        n = epoll_wait(epfd, got, 4, PATIENCE);
        ok(n == 1 && got[0].events & EPOLLIN, "it gets readable");
        same(read(ours, &byte, 1), 1, "read");
        event.events = EPOLLIN;
        same(epoll_ctl(epfd, EPOLL_CTL_MOD, ours, &event), 0, "change the registration");
        same(epoll_wait(epfd, got, 4, 0), 0, "nothing to read now");
        is(result(epoll_ctl(epfd, EPOLL_CTL_ADD, ours, &event)), "EEXIST", "it is there once");
        same(epoll_ctl(epfd, EPOLL_CTL_DEL, ours, NULL), 0, "remove it");
        is(result(epoll_ctl(epfd, EPOLL_CTL_DEL, ours, NULL)), "ENOENT", "it was there once");
        close(theirs);
        close(ours);
        same(epoll_wait(epfd, got, 4, 0), 0, "no event of a closed socket");
        close(epfd);
}

static void check_epoll_after(void)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.fd = 7}, got[4] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC), ours = new_socket(SOCK_NONBLOCK);
        const int r = connect_to(ours, address);
        int theirs;

        ok(r == 0 || r == EINPROGRESS, "connect");
        same(epoll_ctl(epfd, EPOLL_CTL_ADD, ours, &event), 0, "register after connect");
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "an event");
        same(got[0].events, EPOLLOUT, "writable, and nothing else");
        same(got[0].data.fd, 7, "with its data");
        theirs = take(listener);
        close(theirs);
        same(epoll_wait(epfd, got, 4, PATIENCE), 1, "an event of the end");
        ok(got[0].events & EPOLLIN, "readable");
        close(ours);
        close(epfd);
}

/* As programs wait for a connection that is under way: writable, SO_ERROR 0, connect EISCONN. */
static void check_select(void)
{
        const int ours = new_socket(SOCK_NONBLOCK);
        struct timeval timeout = {PATIENCE / 1000, 0};
        fd_set write_set, error_set;
        int theirs, r;

        (void)connect_to(ours, address);
        FD_ZERO(&write_set);
        FD_ZERO(&error_set);
        FD_SET(ours, &write_set);
        FD_SET(ours, &error_set);
        same(select(ours + 1, NULL, &write_set, &error_set, &timeout), 1, "select");
        ok(FD_ISSET(ours, &write_set) && !FD_ISSET(ours, &error_set), "writable, no exception");
        is(events_of(ours, 0), "OUT", "poll agrees");
        same(option(ours, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR");
        /* One connect after an EINPROGRESS tells that it has worked. */
        r = connect_to(ours, address);
        ok(r == 0 || r == EISCONN, "connect tells of a connection");
        same(connect_to(ours, address), EISCONN, "and again");
        theirs = take(listener);
        close(theirs);
        close(ours);
}

static void check_ioctl(void)
{
        int ours = new_socket(0), one = 1, n = -1, theirs;

        same(ioctl(ours, FIONBIO, &one), 0, "FIONBIO");
        same(ioctl(ours, FIOASYNC, &one), 0, "FIOASYNC");
        same(ioctl(ours, FIOCLEX), 0, "FIOCLEX");
        (void)connect_to(ours, address);
        theirs = take(listener);
        ok((fcntl(ours, F_GETFL) & (O_NONBLOCK | O_ASYNC)) == (O_NONBLOCK | O_ASYNC), "both hold");
        same(fcntl(ours, F_GETFD), FD_CLOEXEC, "and so does close-on-exec");
        need(write(theirs, "abc", 3) == 3 && readable(ours, PATIENCE), "write");
        same(ioctl(ours, FIONREAD, &n), 0, "FIONREAD");
        same(n, 3, "counts what can be read");
        close(theirs);
        close(ours);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        family = *address == '[' ? AF_INET6 : AF_INET;
        signal(SIGIO, SIG_IGN);
        listener = serve_at(address, 50);
        check_flags();
        check_signal();
        check_options();
        check_options_after();
        check_info();
        check_buffers();
        check_timeout();
        check_epoll(0, EPOLLIN | EPOLLOUT);
        check_epoll(SOCK_NONBLOCK, EPOLLIN | EPOLLOUT | EPOLLET);
        check_epoll(SOCK_NONBLOCK, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLONESHOT);
        check_epoll_after();
        check_select();
        check_ioctl();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
