/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Duplicates of a socket, made before bind(2) and after it, by every call that makes one. Run bare
 * too. argv: where to bind.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define HIGH 180

static const char *address;

static int by_dup(int fd)
{
        return dup(fd);
}

static int by_dup2(int fd)
{
        return dup2(fd, HIGH);
}

static int by_dup3(int fd)
{
        return dup3(fd, HIGH + 1, O_CLOEXEC);
}

static int by_fcntl(int fd)
{
        return fcntl(fd, F_DUPFD, HIGH);
}

static int by_fcntl_cloexec(int fd)
{
        return fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
}

static const struct {
        int (*copy)(int fd);
        const char *name;
        int flags;
} ways[] = {
        {by_dup, "dup", 0},
        {by_dup2, "dup2", 0},
        {by_dup3, "dup3", FD_CLOEXEC},
        {by_fcntl, "F_DUPFD", 0},
        {by_fcntl_cloexec, "F_DUPFD_CLOEXEC", FD_CLOEXEC},
};

static int new_socket(void)
{
        const int fd = socket_for(address, SOCK_STREAM);

        need(fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0, "socket");
        return fd;
}

/* bind(2) on one of two numbers, listen(2) on the other, accept(2) on both. */
static void check_before(size_t i, bool bind_copy)
{
        const char *name = ways[i].name;
        const int fd = new_socket(), copy = ways[i].copy(fd);

        same(bind_to(bind_copy ? copy : fd, address), 0, "%s before bind: bind", name);
        is(local_name(fd), address, "%s before bind: name of the original", name);
        is(local_name(copy), address, "%s before bind: name of the copy", name);
        same(fcntl(copy, F_GETFD), ways[i].flags, "%s before bind: flags of the copy", name);
        same(fcntl(fd, F_GETFD), 0, "%s before bind: flags of the original", name);
        same(listen(bind_copy ? fd : copy, 5), 0, "%s before bind: listen", name);
        same(option(copy, SOL_SOCKET, SO_ACCEPTCONN), 1, "%s before bind: both listen", name);
        ok(serves(0, fd), "%s before bind: the original serves", name);
        ok(serves(0, copy), "%s before bind: the copy serves", name);
        close(fd);
        is(local_name(fd), "EBADF", "%s before bind: the original is closed", name);
        ok(serves(0, copy), "%s before bind: the copy serves alone", name);
        close(copy);
}

static void check_after(size_t i)
{
        const char *name = ways[i].name;
        int fd = new_socket(), copy, connection;

        need(bind_to(fd, address) == 0 && listen(fd, 5) == 0, "bind");
        copy = ways[i].copy(fd);
        is(local_name(copy), address, "%s after bind: name", name);
        ok(serves(0, copy), "%s after bind: the copy serves", name);
        set_option(copy, IPPROTO_TCP, TCP_KEEPIDLE, 44);
        same(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 44, "%s after bind: options are shared", name);
        connection = accept_client(0, fd, NULL);
        close(copy);
        close(fd);

        copy = ways[i].copy(connection);
        is(peer_name(copy), peer_name(connection), "%s of a connection: peer", name);
        is(local_name(copy), local_name(connection), "%s of a connection: name", name);
        close(connection);
        same(option(copy, SOL_SOCKET, SO_DOMAIN), *address == '[' ? AF_INET6 : AF_INET,
             "%s of a connection: SO_DOMAIN when the original is closed", name);
        close(copy);
        is(peer_name(copy), "EBADF", "%s of a connection: closed", name);
}

/* Options that have no room beside the peer's port are shared by copies too. */
static void check_shared_options(void)
{
        int fd = new_socket(), connection, copy;

        need(bind_to(fd, address) == 0 && listen(fd, 5) == 0, "bind");
        connection = accept_client(0, fd, NULL);
        set_option(connection, IPPROTO_TCP, TCP_KEEPIDLE, 55);
        copy = dup(connection);
        same(option(copy, IPPROTO_TCP, TCP_KEEPIDLE), 55, "a copy has the connection's options");
        set_option(copy, IPPROTO_TCP, TCP_KEEPIDLE, 66);
        same(option(connection, IPPROTO_TCP, TCP_KEEPIDLE), 66, "what is set on one shows on both");
        close(connection);
        close(copy);
        close(fd);
}

/* A number that is overwritten is what it has become, and nothing of what it was. */
static void check_overwritten(void)
{
        int fd = new_socket(), connection, pair[2];

        need(bind_to(fd, address) == 0 && listen(fd, 5) == 0, "bind");
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        connection = accept_client(0, fd, NULL);
        dup2(pair[0], connection);
        is(local_name(connection), "unix", "a Unix socket over a connection: name");
        same(option(connection, SOL_SOCKET, SO_DOMAIN), AF_UNIX, "and SO_DOMAIN");
        dup2(fd, connection);
        is(local_name(connection), address, "the listener over the Unix socket");
        dup2(pair[0], fd);
        ok(serves(0, connection), "serves");
        is(local_name(fd), "unix", "when it is overwritten at its old number");
        same(dup2(connection, connection), connection, "dup2 onto itself");
        is(local_name(connection), address, "changes nothing");
        same(dup3(connection, connection, 0), -1, "dup3 onto itself fails");
        is(local_name(connection), address, "and changes nothing");
        close(connection);
        close(fd);
        close(pair[0]);
        close(pair[1]);
}

/*
 * Descriptors are closed by system calls of a program's own, too. What gets such a number by a
 * call that makes sockets must not be met as what it was.
 */
static void check_stale(void)
{
        int fd = new_socket(), connection, pair[2], made, theirs;

        need(bind_to(fd, address) == 0 && listen(fd, 5) == 0, "bind");
        connection = accept_client(0, fd, &theirs);
        syscall(SYS_close, connection);
        made = socket(AF_UNIX, SOCK_STREAM, 0);
        same(made, connection, "socket gets the number of a connection that was closed behind us");
        is(local_name(made), "unix", "and is a Unix socket");
        close(made);
        close(theirs);

        connection = accept_client(0, fd, &theirs);
        syscall(SYS_close, connection);
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        same(option(pair[0], SOL_SOCKET, SO_DOMAIN), AF_UNIX, "socketpair gets it");
        close(theirs);
        close(pair[0]);
        close(pair[1]);

        connection = accept_client(0, fd, &theirs);
        syscall(SYS_close, connection);
        made = dup(STDERR_FILENO);
        same(made, connection, "dup gets it");
        is(peer_name(made), "ENOTSOCK", "and is no socket");
        close(made);
        close(theirs);
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                check_before(i, false);
                check_before(i, true);
                check_after(i);
        }
        check_shared_options();
        check_overwritten();
        check_stale();
        return tap_end();
}
