/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What no rule wants is untouched: a long list of calls on all kinds of descriptors gives the same
 * results with the shim and without. The program runs itself twice and compares what the two
 * print.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define OUTPUT 131072

/* What is being shown: the kind of descriptor. */
static const char *kind;

/* Print one call, its result and errno. A descriptor made is closed. */
#define SHOW(call)                                                                                 \
        do {                                                                                       \
                long long shown;                                                                   \
                errno = 0;                                                                         \
                shown = (long long)(call);                                                         \
                printf("%s: %s = %lld %d\n", kind, #call, shown, errno);                           \
        } while (0)

/* The same for calls that make a descriptor, whose number means nothing. */
#define SHOW_FD(call)                                                                              \
        do {                                                                                       \
                int shown;                                                                         \
                errno = 0;                                                                         \
                shown = (call);                                                                    \
                printf("%s: %s = %d %d\n", kind, #call, shown < 0 ? -1 : 0, errno);                \
                if (shown >= 0)                                                                    \
                        close(shown);                                                              \
        } while (0)

static struct sockaddr_storage storage;
static socklen_t length;

static struct sockaddr *room(socklen_t size)
{
        memset(&storage, 0, sizeof(storage));
        length = size;
        return (struct sockaddr *)&storage;
}

static struct sockaddr *at(const char *address)
{
        length = address_of(address, &storage);
        return (struct sockaddr *)&storage;
}

static struct sockaddr *nowhere(void)
{
        struct sockaddr_un *un = (struct sockaddr_un *)&storage;

        memset(&storage, 0, sizeof(storage));
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, "/nonexistent/socket");
        length = sizeof(*un);
        return (struct sockaddr *)&storage;
}

/* What the last call has left in room(), ports apart. */
static void show_room(void)
{
        printf("%s: family %d, length %u\n", kind, storage.ss_family, length);
}

static void show_names(int fd)
{
        static const socklen_t sizes[] = {0, 1, 2, 16, 28, 128, (socklen_t)-1};

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                SHOW(getsockname(fd, room(sizes[i]), &length));
                show_room();
                SHOW(getpeername(fd, room(sizes[i]), &length));
                show_room();
        }
        SHOW(getsockname(fd, room(8), NULL));
        SHOW(getsockname(fd, NULL, &length));
        SHOW(getpeername(fd, NULL, &length));
        length = 0;
        SHOW(getsockname(fd, NULL, &length));
        length = 0;
        SHOW(getpeername(fd, NULL, &length));
}

/* What is another number for each socket: cookies, ports, times, processors. */
static bool differs_anyway(int level, int name)
{
        enum { PEERPIDFD = 77, IP_UNDOCUMENTED = 52 };

        switch (level) {
        case SOL_SOCKET:
                return name == SO_COOKIE || name == SO_PEERNAME || name == SO_INCOMING_CPU ||
                       name == PEERPIDFD;
        case IPPROTO_TCP:
                return name == TCP_TIMESTAMP;
        case IPPROTO_IP:
                return name == IP_UNDOCUMENTED;
        }

        return false;
}

static void show_options(int fd)
{
        static const int levels[] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, 77};
        int value;

        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
                for (int name = 1; name < 70; name++) {
                        const int level = levels[i];

                        if (differs_anyway(level, name))
                                continue;
                        value = 0;
                        length = sizeof(value);
                        errno = 0;
                        printf("%s: get %d %d = %d", kind, level, name,
                               getsockopt(fd, level, name, &value, &length));
                        printf(" %d, length %u, value %d\n", errno, length,
                               level == SOL_SOCKET && name == SO_PEERCRED ? 0 : value);
                }

        value = 1;
        SHOW(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)));
        SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value)));
        SHOW(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
        SHOW(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 1));
        SHOW(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, 4));
        SHOW(setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof(value)));
        SHOW(setsockopt(fd, 77, 77, &value, sizeof(value)));
        SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, NULL));
}

static void show_descriptor(int fd)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN};
        int value = 0, other;

        SHOW(fcntl(fd, F_GETFD));
        SHOW(fcntl(fd, F_GETFL));
        SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
        SHOW(fcntl(fd, F_GETFD));
        SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
        SHOW(fcntl(fd, F_GETOWN));
        SHOW(fcntl(fd, F_GETSIG));
        SHOW(fcntl(fd, 9999, 0));
        SHOW_FD(fcntl(fd, F_DUPFD, 0));
        SHOW_FD(fcntl(fd, F_DUPFD_CLOEXEC, 200));
        SHOW_FD(fcntl(fd, F_DUPFD, -1));
        SHOW_FD(dup(fd));
        SHOW_FD(dup2(fd, 201));
        SHOW_FD(dup2(fd, -1));
        SHOW_FD(dup3(fd, 202, O_CLOEXEC));
        SHOW_FD(dup3(fd, 203, O_NONBLOCK));
        SHOW_FD(dup3(fd, fd, 0));
        SHOW(dup2(fd, fd) == fd);
        SHOW(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
        SHOW(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
        SHOW(epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event));
        SHOW(epoll_ctl(epfd, EPOLL_CTL_MOD, fd, NULL));
        SHOW(epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL));
        SHOW(epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL));
        SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, epfd, &event));
        SHOW(ioctl(fd, FIONBIO, &value));
        SHOW(ioctl(fd, FIONREAD, &value));
        SHOW(ioctl(fd, 0x12345678, &value));
        other = dup(fd);
        SHOW(close(other));
        SHOW(close(other));
        close(epfd);
}

static void show_traffic(int fd)
{
        struct msghdr msg = {0};
        struct mmsghdr messages[2] = {0};
        struct iovec iovec = {&length, 0};
        char byte;

        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        SHOW_FD(accept(fd, NULL, NULL));
        SHOW_FD(accept(fd, room(16), &length));
        SHOW_FD(accept(fd, room(16), NULL));
        SHOW_FD(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
        SHOW_FD(accept4(fd, NULL, NULL, 0x7000));
        SHOW(recvfrom(fd, &byte, 1, MSG_DONTWAIT, room(64), &length));
        SHOW(recvfrom(fd, &byte, 1, MSG_DONTWAIT, NULL, NULL));
        SHOW(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK));
        SHOW(recvmsg(fd, &msg, MSG_DONTWAIT));
        SHOW(recvmsg(fd, NULL, MSG_DONTWAIT));
        SHOW(recvmmsg(fd, messages, 2, MSG_DONTWAIT, NULL));
        SHOW(sendto(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, nowhere(), length));
        SHOW(sendto(fd, "x", 0, MSG_NOSIGNAL | MSG_DONTWAIT, room(0), 0));
        SHOW(sendmsg(fd, NULL, MSG_NOSIGNAL));
        msg.msg_iov = &iovec;
        msg.msg_iovlen = 1;
        SHOW(sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT));
        SHOW(sendmmsg(fd, messages, 2, MSG_NOSIGNAL | MSG_DONTWAIT));
        SHOW(sendmmsg(fd, messages, 0, MSG_NOSIGNAL | MSG_DONTWAIT));
        SHOW(sendmmsg(fd, NULL, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static void show_state(int fd)
{
        SHOW(connect(fd, nowhere(), length));
        SHOW(connect(fd, NULL, 0));
        SHOW(connect(fd, room(16), 1));
        SHOW(connect(fd, at("127.0.0.1:1"), 4));
        SHOW(bind(fd, NULL, 0));
        SHOW(bind(fd, nowhere(), 1));
        SHOW(bind(fd, nowhere(), length));
        SHOW(bind(fd, at("192.0.2.77:7"), length));
        SHOW(bind(fd, at("[2001:db8::77]:7"), length));
        SHOW(bind(fd, at("127.0.0.1:0"), 3));
        SHOW(bind(fd, at("127.0.0.1:0"), length));
        SHOW(bind(fd, at("127.0.0.1:0"), length));
        SHOW(listen(fd, 3));
        SHOW(listen(fd, 4));
        SHOW(bind(fd, at("127.0.0.1:0"), length));
        SHOW(connect(fd, at("127.0.0.1:1"), length));
        SHOW(shutdown(fd, 77));
        SHOW(shutdown(fd, SHUT_RD));
        SHOW(shutdown(fd, SHUT_WR));
        SHOW(shutdown(fd, SHUT_RDWR));
        SHOW(listen(fd, 3));
}

static void show_all(const char *name, int fd)
{
        kind = name;
        show_names(fd);
        show_options(fd);
        show_descriptor(fd);
        show_traffic(fd);
        show_state(fd);
        show_names(fd);
        show_traffic(fd);
        if (fd > 2)
                SHOW(close(fd));
}

static void show_makers(void)
{
        int pair[2];

        kind = "making";
        SHOW_FD(socket(AF_INET, SOCK_STREAM, 0));
        SHOW_FD(socket(AF_INET, SOCK_STREAM, 77));
        SHOW_FD(socket(AF_INET, 77, 0));
        SHOW_FD(socket(77, SOCK_STREAM, 0));
        SHOW_FD(socket(AF_INET, SOCK_STREAM | 0x10000000, 0));
        SHOW_FD(socket(AF_UNIX, SOCK_SEQPACKET, 0));
        SHOW(socketpair(AF_INET, SOCK_STREAM, 0, pair));
        SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
        SHOW(close_range(9000, 8000, 0));
        SHOW(close_range(9000, 9001, 0x7000));
        SHOW(close_range(9000, 9001, CLOSE_RANGE_CLOEXEC));
        SHOW(close(-1));
        SHOW(close(9999));
        SHOW_FD(dup2(-1, 30));
        SHOW_FD(dup2(9999, 30));
}

static int connected(int family)
{
        const char *address = family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0";
        const int listener = listen_at(address), fd = socket(family, SOCK_STREAM, 0);

        need(connect_to(fd, local_name(listener)) == 0, "connect");
        /* The other end stays open. */
        need(accept(listener, NULL, NULL) >= 0, "accept");
        close(listener);
        return fd;
}

static int unix_listener(void)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        /* The kernel chooses an abstract name. */
        need(bind(fd, (const struct sockaddr *)&un, sizeof(sa_family_t)) == 0, "bind");
        need(listen(fd, 1) == 0, "listen");
        return fd;
}

static int one_of(int r, const int *fds)
{
        need(r == 0, "a pair");
        return fds[0];
}

static void show_everything(void)
{
        int fds[2];

        setvbuf(stdout, NULL, _IOFBF, OUTPUT);
        show_makers();
        show_all("closed", 9999);
        show_all("negative", -1);
        show_all("file", open("/dev/null", O_RDWR));
        show_all("pipe", one_of(pipe(fds), fds));
        show_all("eventfd", eventfd(0, 0));
        show_all("epoll", epoll_create1(0));
        show_all("unix stream", socket(AF_UNIX, SOCK_STREAM, 0));
        show_all("unix datagram", socket(AF_UNIX, SOCK_DGRAM, 0));
        show_all("unix pair", one_of(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), fds));
        show_all("unix listener", unix_listener());
        show_all("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
        show_all("tcp", socket(AF_INET, SOCK_STREAM, 0));
        show_all("tcp6", socket(AF_INET6, SOCK_STREAM, 0));
        show_all("udp", socket(AF_INET, SOCK_DGRAM, 0));
        show_all("udp6", socket(AF_INET6, SOCK_DGRAM, 0));
        show_all("tcp listener", listen_at("127.0.0.1:0"));
        show_all("tcp6 listener", listen_at("[::1]:0"));
        show_all("tcp connection", connected(AF_INET));
        show_all("tcp6 connection", connected(AF_INET6));
        fflush(stdout);
}

/* Run this program again, and read what it prints. */
static char *run(char *const environment[])
{
        char *text = calloc(1, 16 * OUTPUT);
        size_t have = 0;
        int fds[2];
        ssize_t n;
        pid_t pid;

        need(text && pipe2(fds, O_CLOEXEC) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                char *const argv[] = {(char *)"untouched", (char *)"show", NULL};

                dup2(fds[1], STDOUT_FILENO);
                syscall(SYS_execve, "/proc/self/exe", argv, environment);
                _exit(127);
        }
        close(fds[1]);
        while ((n = read(fds[0], text + have, 16 * OUTPUT - 1 - have)) > 0)
                have += (size_t)n;
        close(fds[0]);
        same(reap(pid), 0, "it runs to its end");
        return text;
}

static char **without_shim(void)
{
        size_t n = 0;
        char **environment;

        while (environ[n])
                n++;
        environment = calloc(n + 1, sizeof(char *));
        need(environment != NULL, "memory");
        n = 0;
        for (char **variable = environ; *variable; variable++)
                if (strncmp(*variable, "LD_PRELOAD=", 11) != 0)
                        environment[n++] = *variable;
        return environment;
}

int main(int argc, char **argv)
{
        char *with, *bare, *with_line, *bare_line, *with_rest, *bare_rest;

        if (argc > 1 && strcmp(argv[1], "show") == 0) {
                show_everything();
                return EXIT_SUCCESS;
        }

        bare = run(without_shim());
        with = run(environ);
        bare_line = strtok_r(bare, "\n", &bare_rest);
        with_line = strtok_r(with, "\n", &with_rest);
        while (bare_line || with_line) {
                is(with_line ? with_line : "", bare_line ? bare_line : "", "%s",
                   bare_line ? bare_line : with_line);
                bare_line = bare_line ? strtok_r(NULL, "\n", &bare_rest) : NULL;
                with_line = with_line ? strtok_r(NULL, "\n", &with_rest) : NULL;
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
