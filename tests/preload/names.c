/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getsockname(2), getpeername(2), and the address that accept(2) fills in. Run bare too, so that
 * what is expected is what the kernel does. argv: where to bind, and what a connection's own end
 * is then.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *length);

static int family;

static socklen_t whole(void)
{
        return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* A buffer that is too short gets what fits, and not a byte more; the length told is the whole. */
static void check_buffers(name_fn *call, int fd, const char *what)
{
        static const socklen_t sizes[] = {0, 1, 2, 4, 15, 16, 17, 27, 28, 64};
        struct sockaddr_storage full = {0};
        socklen_t length = sizeof(full);

        same(call(fd, (struct sockaddr *)&full, &length), 0, "%s", what);
        same(length, whole(), "%s: length", what);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                unsigned char buffer[80];
                const size_t fits = sizes[i] < whole() ? sizes[i] : whole();

                memset(buffer, 0xaa, sizeof(buffer));
                length = sizes[i];
                same(call(fd, (struct sockaddr *)buffer, &length), 0, "%s: room for %u bytes", what,
                     sizes[i]);
                ok(length == whole() && memcmp(buffer, &full, fits) == 0 && buffer[fits] == 0xaa,
                   "%s: so many are filled in", what);
        }
}

static void check_errors(name_fn *call, int fd, const char *what)
{
        struct sockaddr_storage storage;
        socklen_t length = (socklen_t)-1;

        errno = 0;
        same(call(fd, (struct sockaddr *)&storage, &length), -1, "%s: negative length", what);
        same(errno, EINVAL, "%s: says EINVAL", what);
        errno = 0;
        length = sizeof(storage);
        same(call(fd, NULL, &length), -1, "%s: no buffer", what);
        same(errno, EFAULT, "%s: says EFAULT", what);
        errno = 0;
        same(call(fd, (struct sockaddr *)&storage, NULL), -1, "%s: no length", what);
        same(errno, EFAULT, "%s: says EFAULT", what);
        length = 0;
        same(call(fd, NULL, &length), 0, "%s: no buffer of no length", what);
        same(length, whole(), "%s: the length alone", what);
}

static int accept_name(int listener, struct sockaddr *addr, socklen_t *length)
{
        const int theirs = client(0, listener), ours = accept(listener, addr, length);

        close(theirs);
        if (ours >= 0)
                close(ours);
        return ours < 0 ? -1 : 0;
}

static void check_accept(int listener)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);
        const int theirs = client(0, listener),
                  ours = accept4(listener, (struct sockaddr *)&storage, &length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);

        same(length, whole(), "accept4: length");
        is(address_text((struct sockaddr *)&storage), peer_name(ours),
           "accept4 and getpeername agree");
        close(ours);
        close(theirs);

        for (socklen_t size = 0; size <= whole(); size += 4) {
                unsigned char buffer[64];

                memset(buffer, 0xaa, sizeof(buffer));
                length = size;
                same(accept_name(listener, (struct sockaddr *)buffer, &length), 0,
                     "accept: room for %u bytes", size);
                ok(length == whole() && buffer[size] == 0xaa, "accept: no byte more");
        }
        length = sizeof(storage);
        same(accept_name(listener, NULL, &length), 0, "accept: no buffer, but a length");
        same(length, sizeof(storage), "accept: it is left alone");
}

static void check_peers(int listener)
{
        enum { CLIENTS = 50 };
        char seen[CLIENTS][64];
        int ours[CLIENTS], theirs[CLIENTS], twice = 0, strange = 0, unstable = 0;

        for (int i = 0; i < CLIENTS; i++) {
                ours[i] = accept_client(0, listener, &theirs[i]);
                strcpy(seen[i], peer_name(ours[i]));
                strange += !is_local_peer(seen[i], family);
                for (int j = 0; j < i; j++)
                        twice += strcmp(seen[i], seen[j]) == 0;
        }
        for (int i = 0; i < CLIENTS; i++) {
                unstable += strcmp(seen[i], peer_name(ours[i])) != 0;
                close(ours[i]);
                close(theirs[i]);
        }
        same(strange, 0, "peers are local, with ephemeral ports");
        same(twice, 0, "no two of them are the same");
        same(unstable, 0, "each stays what it is");
}

static void check_any_port(const char *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);
        const int fd = socket(family, SOCK_STREAM, 0);
        char first[64];

        ((struct sockaddr_in *)&storage)->sin_port = 0;
        same(bind(fd, (struct sockaddr *)&storage, length), 0, "bind to port 0");
        strcpy(first, strrchr(local_name(fd), ':') + 1);
        ok(atoi(first) >= 32768 && atoi(first) <= 60999, "gives an ephemeral port");
        is(strrchr(local_name(fd), ':') + 1, first, "the same each time");
        same(listen(fd, 1), 0, "listen");
        is(strrchr(local_name(fd), ':') + 1, first, "and after listen");
        close(fd);
}

int main(int argc, char **argv)
{
        int listener, connection, theirs;

        need(argc == 3, "an address, and a connection's");
        family = *argv[1] == '[' ? AF_INET6 : AF_INET;
        listener = listen_at(argv[1]);
        is(local_name(listener), argv[1], "getsockname of the listener");
        is(peer_name(listener), "ENOTCONN", "getpeername of the listener");
        check_buffers(getsockname, listener, "getsockname of the listener");
        check_errors(getsockname, listener, "getsockname of the listener");

        connection = accept_client(0, listener, &theirs);
        is(local_name(connection), argv[2], "getsockname of a connection");
        ok(is_local_peer(peer_name(connection), family), "getpeername of a connection");
        check_buffers(getsockname, connection, "getsockname of a connection");
        check_errors(getsockname, connection, "getsockname of a connection");
        check_buffers(getpeername, connection, "getpeername");
        check_errors(getpeername, connection, "getpeername");

        close(connection);
        is(local_name(connection), "EBADF", "getsockname after close");
        is(peer_name(connection), "EBADF", "getpeername after close");
        close(theirs);
        check_accept(listener);
        check_peers(listener);
        close(listener);
        check_any_port(argv[1]);
        return tap_end();
}
