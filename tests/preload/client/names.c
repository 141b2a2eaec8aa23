/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getsockname(2) and getpeername(2) of a client, before connect(2) and after it. Run bare too, so
 * that what is expected is what the kernel does.
 *
 *     names LISTEN CONNECT PEER OWN
 *
 * A server listens at LISTEN, the client connects to CONNECT, is told that its peer is PEER and
 * that its own address is OWN, with some ephemeral port.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *target, *peer, *own, *unbound;
static int family, listener;

/* A server for IPv4 has clients of IPv4, mapped or not. */
static int server_family(void)
{
        return option(listener, SOL_SOCKET, SO_DOMAIN);
}

static bool is_own(const char *name)
{
        const int port = port_in(name);

        return strncmp(name, own, strlen(own)) == 0 && name[strlen(own)] == ':' && port >= 32768 &&
               port <= 60999;
}

/* A Unix socket does not tell a server which port its client believes to have. */
static void check_server(int ours, int theirs, const char *how)
{
        if (is_native())
                return;

        if (leads_to_unix())
                ok(is_local_peer(peer_name(theirs), server_family()) &&
                           port_in(local_name(theirs)) == port_in(target),
                   "%s: the server's view", how);
        else
                same(port_in(peer_name(theirs)), port_in(local_name(ours)), "%s: the server's view",
                     how);
}

static void check_unbound(int flags)
{
        const char *how = flags & SOCK_NONBLOCK ? "non-blocking" : "blocking";
        const int ours = socket(family, SOCK_STREAM | flags, 0);
        struct pollfd pollfd = {.fd = ours, .events = POLLOUT};
        char first[128];
        int theirs, r;

        is(local_name(ours), unbound, "%s: getsockname before", how);
        is(peer_name(ours), "ENOTCONN", "%s: getpeername before", how);
        r = connect_to(ours, target);
        ok(r == 0 || (r == EINPROGRESS && flags & SOCK_NONBLOCK), "%s: connect", how);
        same(poll(&pollfd, 1, PATIENCE), 1, "%s: it gets writable", how);
        same(option(ours, SOL_SOCKET, SO_ERROR), 0, "%s: SO_ERROR", how);
        is(peer_name(ours), peer, "%s: getpeername after", how);
        strcpy(first, local_name(ours));
        if (!ok(is_own(first), "%s: getsockname after", how))
                note("it is %s", first);
        is(local_name(ours), first, "%s: and the same each time", how);
        theirs = take(listener);
        ok(talks(ours, theirs), "%s: they talk", how);
        check_server(ours, theirs, how);
        same(is_unix(ours), leads_to_unix(), "%s: what the client's end is in truth", how);
        same(is_unix(theirs), leads_to_unix(), "%s: and the server's", how);
        is(local_name(ours), first, "%s: and the same still", how);
        same(option(ours, SOL_SOCKET, SO_DOMAIN), family, "%s: SO_DOMAIN", how);
        same(option(ours, SOL_SOCKET, SO_TYPE), SOCK_STREAM, "%s: SO_TYPE", how);
        same(option(ours, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, "%s: SO_PROTOCOL", how);
        same(option(ours, SOL_SOCKET, SO_ACCEPTCONN), 0, "%s: SO_ACCEPTCONN", how);
        same(fcntl(ours, F_GETFL) & O_NONBLOCK, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0,
             "%s: O_NONBLOCK", how);
        close(theirs);
        close(ours);
        is(local_name(ours), "EBADF", "%s: getsockname after close", how);
        is(peer_name(ours), "EBADF", "%s: getpeername after close", how);
}

/* Bound first: connect keeps the port, and an address that was given. */
static void check_bound(const char *bound, const char *what)
{
        const int ours = socket(family, SOCK_STREAM, 0);
        char first[128];
        int theirs, port;

        same(bind_to(ours, bound), 0, "bound to %s", what);
        port = port_in(local_name(ours));
        ok(port >= 32768 && port <= 60999, "bound to %s: an ephemeral port", what);
        is(peer_name(ours), "ENOTCONN", "bound to %s: getpeername before", what);
        same(connect_to(ours, target), 0, "bound to %s: connect", what);
        strcpy(first, local_name(ours));
        if (!ok(is_own(first), "bound to %s: the address after", what))
                note("it is %s", first);
        same(port_in(first), port, "bound to %s: the same port", what);
        is(peer_name(ours), peer, "bound to %s: getpeername after", what);
        theirs = take(listener);
        ok(talks(ours, theirs), "bound to %s: they talk", what);
        close(ours);
        close(theirs);
}

static void check_bound_to_port(const char *host)
{
        const int ours = socket(family, SOCK_STREAM, 0);
        char address[128];
        int theirs;

        snprintf(address, sizeof(address), "%s:45454", host);
        set_option(ours, SOL_SOCKET, SO_REUSEADDR, 1);
        same(bind_to(ours, address), 0, "bound to a port");
        is(local_name(ours), address, "bound to a port: getsockname before");
        same(connect_to(ours, target), 0, "bound to a port: connect");
        snprintf(address, sizeof(address), "%s:45454", own);
        is(local_name(ours), address, "bound to a port: getsockname after");
        is(peer_name(ours), peer, "bound to a port: getpeername after");
        theirs = take(listener);
        ok(talks(ours, theirs), "bound to a port: they talk");
        close(ours);
        close(theirs);
}

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *length);

/* A buffer that is too short gets what fits, and not a byte more; the length told is the whole. */
static void check_buffers(name_fn *call, int fd, const char *what)
{
        const socklen_t whole =
                family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        struct sockaddr_storage full = {0};
        socklen_t length = sizeof(full);

        same(call(fd, (struct sockaddr *)&full, &length), 0, "%s", what);
        same(length, whole, "%s: length", what);
        for (socklen_t size = 0; size <= whole + 4; size += 2) {
                unsigned char buffer[80];
                const size_t fits = size < whole ? size : whole;

                memset(buffer, 0xaa, sizeof(buffer));
                length = size;
                same(call(fd, (struct sockaddr *)buffer, &length), 0, "%s: room for %u bytes", what,
                     size);
                ok(length == whole && memcmp(buffer, &full, fits) == 0 && buffer[fits] == 0xaa,
                   "%s: so many are filled in", what);
        }
        length = (socklen_t)-1;
        is(result(call(fd, (struct sockaddr *)&full, &length)), "EINVAL", "%s: negative length",
           what);
        length = sizeof(full);
        is(result(call(fd, NULL, &length)), "EFAULT", "%s: no buffer", what);
        is(result(call(fd, (struct sockaddr *)&full, NULL)), "EFAULT", "%s: no length", what);
}

/* The names stay when the peer has closed; a connection that was shut down has none. */
static void check_ended(void)
{
        int theirs;
        const int ours = join(listener, target, &theirs);
        char first[128], byte;

        strcpy(first, local_name(ours));
        close(theirs);
        same(recv(ours, &byte, 1, 0), 0, "the peer closes");
        is(local_name(ours), first, "getsockname is the same");
        is(peer_name(ours), peer, "getpeername is the same");
        close(ours);
}

/* The kernel's copies have the same names. */
static void check_copies(void)
{
        int theirs;
        const int ours = join(listener, target, &theirs), copy = dup(ours),
                  second = fcntl(ours, F_DUPFD_CLOEXEC, 100);
        char first[128];

        strcpy(first, local_name(ours));
        is(local_name(copy), first, "a copy: getsockname");
        is(peer_name(second), peer, "a copy: getpeername");
        close(ours);
        is(local_name(copy), first, "a copy alone: getsockname");
        is(peer_name(copy), peer, "a copy alone: getpeername");
        same(dup2(copy, ours), ours, "back to its number");
        is(peer_name(ours), peer, "getpeername there");
        same(option(second, SOL_SOCKET, SO_DOMAIN), family, "a copy: SO_DOMAIN");
        close(ours);
        close(copy);
        close(second);
        close(theirs);
}

int main(int argc, char **argv)
{
        char address[128];
        const char *host;
        int ours, theirs;

        need(argc == 5, "four addresses");
        target = argv[2];
        peer = argv[3];
        own = argv[4];
        family = *target == '[' ? AF_INET6 : AF_INET;
        unbound = family == AF_INET6 ? "[::]:0" : "0.0.0.0:0";
        listener = serve_at(argv[1], 50);
        check_unbound(0);
        check_unbound(SOCK_NONBLOCK | SOCK_CLOEXEC);
        check_bound(unbound, "nothing");
        host = own;
        snprintf(address, sizeof(address), "%s:0", host);
        check_bound(address, "an address");
        check_bound_to_port(host);
        ours = join(listener, target, &theirs);
        check_buffers(getsockname, ours, "getsockname");
        check_buffers(getpeername, ours, "getpeername");
        close(ours);
        close(theirs);
        check_ended();
        check_copies();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
