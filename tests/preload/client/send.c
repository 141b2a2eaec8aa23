/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends that connect (MSG_FASTOPEN, TCP_FASTOPEN_CONNECT), sends with an address on a connection,
 * and calls on sockets that have none. Run bare too. argv: the address of a server, and one where
 * nobody listens.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address, *nowhere;
static int listener, family;
static volatile sig_atomic_t pipe_signals;

static int new_socket(int flags)
{
        const int fd = socket(family, SOCK_STREAM | flags, 0);

        need(fd >= 0, "socket");
        return fd;
}

/* One of the three calls that can carry an address. Returns what it returned. */
static ssize_t send_by(const char *call, int fd, const char *where, int flags)
{
        struct sockaddr_storage storage;
        const socklen_t length = where ? address_of(where, &storage) : 0;
        struct iovec iovec[2] = {{(char *)"he", 2}, {(char *)"llo", 3}};
        struct mmsghdr message = {{where ? &storage : NULL, length, iovec, 2, NULL, 0, 0}, 0};
        int n;

        if (strcmp(call, "sendto") == 0)
                return sendto(fd, "hello", 5, flags, where ? (struct sockaddr *)&storage : NULL,
                              length);
        if (strcmp(call, "sendmsg") == 0)
                return sendmsg(fd, &message.msg_hdr, flags);

        n = sendmmsg(fd, &message, 1, flags);
        return n < 0 ? -1 : (ssize_t)message.msg_len;
}

static const char *const calls[] = {"sendto", "sendmsg", "sendmmsg"};

static bool gets(int fd, const char *text)
{
        char bytes[64] = "";

        return readable(fd, PATIENCE) &&
               recv(fd, bytes, strlen(text), MSG_WAITALL) == (ssize_t)strlen(text) &&
               strcmp(bytes, text) == 0;
}

static void check_fastopen(const char *call, int type)
{
        const int ours = new_socket(type);
        const ssize_t n = send_by(call, ours, address, MSG_FASTOPEN);
        struct pollfd pollfd = {.fd = ours, .events = POLLOUT};
        int theirs;

        if (n < 0) {
                /* Without a cookie the kernel connects first, and the data are sent later. */
                is(result(n), "EINPROGRESS", "MSG_FASTOPEN by %s", call);
                same(poll(&pollfd, 1, PATIENCE), 1, "it gets writable");
                same(send(ours, "hello", 5, 0), 5, "and then sends");
        } else {
                same(n, 5, "MSG_FASTOPEN by %s", call);
        }
        theirs = take(listener);
        ok(gets(theirs, "hello"), "%s: it arrives", call);
        is(peer_name(ours), address, "%s: getpeername", call);
        fcntl(ours, F_SETFL, 0);
        ok(talks(ours, theirs), "%s: they talk", call);
        /* Where connect was under way, the first call that finds it done sends. */
        if (n >= 0)
                is(result(send_by(call, ours, nowhere, MSG_FASTOPEN)), "EISCONN",
                   "%s: MSG_FASTOPEN on a connection", call);
        close(ours);
        close(theirs);
}

static void check_fastopen_refused(const char *call)
{
        const int ours = new_socket(0);
        int theirs;

        is(result(send_by(call, ours, nowhere, MSG_FASTOPEN | MSG_NOSIGNAL)), "ECONNREFUSED",
           "MSG_FASTOPEN by %s where nobody is", call);
        is(peer_name(ours), "ENOTCONN", "%s: not connected", call);
        same(connect_to(ours, address), 0, "%s: connect after that", call);
        theirs = take(listener);
        ok(talks(ours, theirs), "%s: they talk", call);
        close(ours);
        close(theirs);
}

static void check_fastopen_connect(void)
{
        const int ours = new_socket(0);
        int theirs;

        same(set_option(ours, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, "TCP_FASTOPEN_CONNECT");
        same(option(ours, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1, "can be read back");
        same(connect_to(ours, address), 0, "connect");
        is(peer_name(ours), address, "getpeername");
        same(send(ours, "hello", 5, 0), 5, "send");
        theirs = take(listener);
        ok(gets(theirs, "hello"), "it arrives");
        close(ours);
        close(theirs);
}

/* TCP looks at an address that it does not need as little as at any other rubbish. */
static void check_addressed(void)
{
        int theirs;
        const int ours = join(listener, address, &theirs);

        for (size_t i = 0; i < 3; i++) {
                same(send_by(calls[i], ours, nowhere, 0), 5, "%s with another address", calls[i]);
                ok(gets(theirs, "hello"), "%s: it arrives at the peer", calls[i]);
                same(send_by(calls[i], ours, address, MSG_DONTWAIT), 5, "%s with the peer's",
                     calls[i]);
                ok(gets(theirs, "hello"), "%s: it arrives as well", calls[i]);
                same(send_by(calls[i], ours, NULL, MSG_NOSIGNAL), 5, "%s without", calls[i]);
                ok(gets(theirs, "hello"), "%s: it arrives as well", calls[i]);
        }
        is(peer_name(ours), address, "the peer is the same");
        close(ours);
        close(theirs);
}

static void count_pipe(int number)
{
        (void)number;
        pipe_signals++;
}

/*
 * read(2) and write(2) go past the shim: on a Unix socket without a connection they say something
 * else than TCP. Programs that ask for data of nobody get an error all the same.
 */
static void check_unhooked(const char *what, int ours)
{
        const bool past = is_unix(ours);
        char byte = 'x';
        struct iovec iovec = {&byte, 1};

        pipe_signals = 0;
        is(result(write(ours, "x", 1)), past ? "ENOTCONN" : "EPIPE", "%s: write", what);
        same(pipe_signals, past ? 0 : 1, "%s: SIGPIPE", what);
        is(result(read(ours, &byte, 1)), past ? "EINVAL" : "ENOTCONN", "%s: read", what);
        is(result(readv(ours, &iovec, 1)), past ? "EINVAL" : "ENOTCONN", "%s: readv", what);
}

static void check_unconnected(const char *what, int ours)
{
        char bytes[8];
        struct iovec iovec = {bytes, sizeof(bytes)};
        struct msghdr msg = {.msg_iov = &iovec, .msg_iovlen = 1};
        struct mmsghdr message = {msg, 0};

        for (size_t i = 0; i < 3; i++) {
                pipe_signals = 0;
                is(result(send_by(calls[i], ours, NULL, MSG_NOSIGNAL)), "EPIPE", "%s: %s", what,
                   calls[i]);
                same(pipe_signals, 0, "%s: no signal", what);
                is(result(send_by(calls[i], ours, NULL, 0)), "EPIPE", "%s: %s", what, calls[i]);
                same(pipe_signals, 1, "%s: SIGPIPE", what);
                is(result(send_by(calls[i], ours, address, MSG_NOSIGNAL)), "EPIPE",
                   "%s: %s with an address", what, calls[i]);
        }
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "%s: send", what);
        is(result(recv(ours, bytes, 1, 0)), "ENOTCONN", "%s: recv", what);
        is(result(recv(ours, bytes, 1, MSG_PEEK | MSG_DONTWAIT)), "ENOTCONN", "%s: peek", what);
        is(result(recvfrom(ours, bytes, 1, 0, NULL, NULL)), "ENOTCONN", "%s: recvfrom", what);
        is(result(recvmsg(ours, &msg, 0)), "ENOTCONN", "%s: recvmsg", what);
        is(result(recvmmsg(ours, &message, 1, 0, NULL)), "ENOTCONN", "%s: recvmmsg", what);
        is(events_of(ours, 0), "OUT HUP", "%s: poll", what);
        same(option(ours, SOL_SOCKET, SO_ERROR), 0, "%s: SO_ERROR", what);
}

/* The kernel says that there is no connection to shut, and shuts the socket all the same. */
static void check_shutdown(const char *what, int ours)
{
        is(result(shutdown(ours, SHUT_RD)), "ENOTCONN", "%s: shutdown", what);
        is(result(shutdown(ours, SHUT_WR)), "ENOTCONN", "%s: shutdown", what);
        is(result(shutdown(ours, SHUT_RDWR)), "ENOTCONN", "%s: shutdown", what);
        is(result(shutdown(ours, 3)), "EINVAL", "%s: shutdown of nothing", what);
}

/* An IP socket that was never connected, one that is bound, and one that lost its connection. */
static void check_all_unconnected(void)
{
        const struct sigaction action = {.sa_handler = count_pipe};
        struct sockaddr_storage none = {.ss_family = AF_UNSPEC};
        int ours, theirs;

        sigaction(SIGPIPE, &action, NULL);
        ours = new_socket(0);
        check_unconnected("new", ours);
        check_unhooked("new", ours);
        same(connect_to(ours, address), 0, "new: connect after all that");
        theirs = take(listener);
        ok(talks(ours, theirs), "new: they talk");
        close(theirs);
        close(ours);
        ours = new_socket(0);
        check_shutdown("new", ours);
        close(ours);

        ours = new_socket(0);
        need(bind_to(ours, family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0") == 0, "bind");
        check_unconnected("bound", ours);
        check_unhooked("bound", ours);
        same(connect_to(ours, address), 0, "bound: connect after all that");
        theirs = take(listener);
        ok(talks(ours, theirs), "bound: they talk");
        need(connect(ours, (struct sockaddr *)&none, sizeof(none)) == 0, "dissolve");
        close(theirs);
        (void)send(ours, "x", 1, MSG_NOSIGNAL);
        check_unconnected("dissolved", ours);
        check_unhooked("dissolved", ours);
        check_shutdown("dissolved", ours);
        close(ours);
        ours = new_socket(0);
        need(bind_to(ours, family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0") == 0, "bind");
        check_shutdown("bound", ours);
        close(ours);
}

static void check_listener(void)
{
        const struct sigaction action = {.sa_handler = count_pipe};
        char byte;

        sigaction(SIGPIPE, &action, NULL);
        is(result(send(listener, "x", 1, MSG_NOSIGNAL)), "EPIPE", "a listener: send");
        is(result(recv(listener, &byte, 1, 0)), "ENOTCONN", "a listener: recv");
        is(result(recvfrom(listener, &byte, 1, 0, NULL, NULL)), "ENOTCONN", "a listener: recvfrom");
        check_unhooked("a listener", listener);
}

int main(int argc, char **argv)
{
        need(argc == 3, "two addresses");
        address = argv[1];
        nowhere = argv[2];
        family = *address == '[' ? AF_INET6 : AF_INET;
        signal(SIGPIPE, SIG_IGN);
        listener = serve_at(address, 50);
        for (size_t i = 0; i < 3; i++) {
                check_fastopen(calls[i], 0);
                check_fastopen(calls[i], SOCK_NONBLOCK);
                check_fastopen_refused(calls[i]);
        }
        check_fastopen_connect();
        check_addressed();
        check_all_unconnected();
        if (!is_native())
                check_listener();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
