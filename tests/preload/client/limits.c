/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2) when something has run out: descriptors, memory, the rights of another user to ask
 * about anything. The socket is as it was, errno is one that connect(2) lists, and when there is
 * room again the same socket gets through. argv: the address, and what has run out.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY 3000

static const char *address;
static int listener;

/* The errors that connect(2) has for a machine that is out of something. */
static bool is_listed(int r)
{
        return r == ENOBUFS || r == EAGAIN || r == EADDRNOTAVAIL;
}

static void check_same(int fd, const struct stat *before, const char *what)
{
        struct stat st;

        need(fstat(fd, &st) == 0, "fstat");
        ok(st.st_ino == before->st_ino, "%s: the socket is the one it was", what);
        is(peer_name(fd), "ENOTCONN", "%s: not connected", what);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "%s: SO_DOMAIN", what);
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77, "%s: its options hold", what);
        same(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "%s: and its flags", what);
}

static void check_through(int fd, const char *what)
{
        int theirs;

        same(try_to_reach(fd, address), 0, "%s: with room, connect", what);
        theirs = take(listener);
        is(peer_name(fd), address, "%s: getpeername", what);
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77, "%s: its options hold", what);
        close(theirs);
}

static int new_socket(struct stat *ret)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        need(fd >= 0 && fstat(fd, ret) == 0, "socket");
        need(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77) == 0, "TCP_KEEPIDLE");
        return fd;
}

/* Every number up to the limit is in use. */
static void check_descriptors(void)
{
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = 5}, got[2] = {{0}};
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        struct rlimit limit;
        struct stat st;
        int fd = new_socket(&st), second, spare[4], r;

        need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        for (int i = 0; i < 4; i++)
                spare[i] = dup(0);
        limit.rlim_cur = (rlim_t)spare[3] + 1;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        r = try_to_reach(fd, address);
        if (!ok(is_listed(r), "no descriptor left: an error of connect"))
                note("it is %s", strerrorname_np(r));
        check_same(fd, &st, "no descriptor left");
        for (int room = 1; room <= 3; room++) {
                close(spare[room]);
                second = new_socket(&st);
                r = try_to_reach(second, address);
                ok(r == 0 || is_listed(r), "%d left: connected, or an error of connect", room);
                close(second);
                while (readable(listener, 0) && r == 0) {
                        const int theirs = accept(listener, NULL, NULL);

                        if (theirs < 0)
                                break;
                        close(theirs);
                }
        }
        close(spare[0]);
        (void)epoll_wait(epfd, got, 2, 0);
        check_through(fd, "no descriptor left");
        same(epoll_wait(epfd, got, 2, PATIENCE), 1, "its registration in epoll holds");
        same(got[0].data.u32, 5, "with its data");
        close(fd);
        close(epfd);
}

/* The address space is at its limit, so that no more memory can be mapped. */
static void check_memory(void)
{
#ifdef SANITIZED
        skip("no memory", "sanitizers need more of it than there may be");
#else
        static int fds[MANY];
        const struct rlimit none = {1 << 20, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
        int n = 0, strange = 0, refused = 0, connected = 0;
        struct stat st;

        for (; n < MANY && (fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0; n++)
                ;
        need(n > 200 && fstat(fds[n - 1], &st) == 0, "sockets");
        need(setrlimit(RLIMIT_AS, &none) == 0, "setrlimit");
        need(mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
             "no memory");
        for (int i = 0; i < n; i++) {
                const int r = try_to_reach(fds[i], address);

                connected += r == 0;
                refused += is_listed(r);
                strange += r != 0 && !is_listed(r);
                strange += (r == 0) != (strcmp(peer_name(fds[i]), address) == 0);
        }
        need(setrlimit(RLIMIT_AS, &all) == 0, "setrlimit");
        note("%d connected, %d refused for lack of memory", connected, refused);
        same(strange, 0, "no memory: connected, or an error of connect");
        ok(refused > 0, "no memory: some can't be connected");
        set_option(fds[n - 1], IPPROTO_TCP, TCP_KEEPIDLE, 77);
        check_same(fds[n - 1], &st, "no memory");
        close(listener);
        listener = serve_unix(socket_file(address), SOCK_STREAM, 5);
        check_through(fds[n - 1], "no memory");
#endif
}

int main(int argc, char **argv)
{
        struct rlimit limit;

        need(argc == 3, "an address, and what has run out");
        address = argv[1];
        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        listener = serve_unix(socket_file(address), SOCK_STREAM, MANY);
        if (strcmp(argv[2], "descriptors") == 0) {
                check_descriptors();
        } else {
                limit.rlim_cur = limit.rlim_max;
                need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
                check_memory();
        }
        note("messages: %.200s", messages());
        return tap_end();
}
