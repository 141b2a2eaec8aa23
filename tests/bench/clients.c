/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What clients and servers take whose IP sockets are Unix sockets.
 *
 *     clients SOCKET-PATH BATCHES
 *
 * Runs under the shim with a rule that leads port 8080 to a Unix socket, for binds and connects,
 * and none for other ports; SOCKET-PATH is one more, which this program uses as such. Prints, one a
 * line: what was done, by which sockets ("rule", "unix", "tcp"), nanoseconds. Connections are made,
 * accepted and closed; on one that is open, 100 bytes are sent and 100 answered.
 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define PER_BATCH 50
#define KINDS     3

union address {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
};

static struct kind {
        const char *name;
        int listener;
        union address address;
        socklen_t length;
        int ours, theirs; /* one connection that stays */
        struct shortest connecting, talking;
} kinds[KINDS] = {
        {.name = "rule", .connecting = SHORTEST_INIT, .talking = SHORTEST_INIT},
        {.name = "unix", .connecting = SHORTEST_INIT, .talking = SHORTEST_INIT},
        {.name = "tcp", .connecting = SHORTEST_INIT, .talking = SHORTEST_INIT},
};

static int new_socket(const struct kind *kind)
{
        int fd = socket(kind->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        return fd;
}

static void make_listener(struct kind *kind)
{
        kind->listener = new_socket(kind);
        need(bind(kind->listener, &kind->address.any, kind->length) == 0, kind->name);
        need(listen(kind->listener, SOMAXCONN) == 0, "listen");
        /* Where the kernel has chosen the port. */
        need(getsockname(kind->listener, &kind->address.any, &kind->length) == 0, "getsockname");
}

static void connect_once(const struct kind *kind, int *ret_ours, int *ret_theirs)
{
        *ret_ours = new_socket(kind);
        need(connect(*ret_ours, &kind->address.any, kind->length) == 0, "connect");
        *ret_theirs = accept4(kind->listener, NULL, NULL, SOCK_CLOEXEC);
        need(*ret_theirs >= 0, "accept");
}

/* Without TIME_WAIT, which would soon have all ports. */
static void end_at_once(int fd)
{
        const struct linger linger = {1, 0};

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void connect_and_close(struct kind *kind)
{
        int ours, theirs;

        connect_once(kind, &ours, &theirs);
        end_at_once(ours);
        close(ours);
        close(theirs);
}

static void talk(struct kind *kind)
{
        char bytes[100] = "";

        need(send(kind->ours, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes, "send");
        need(recv(kind->theirs, bytes, sizeof bytes, 0) == sizeof bytes, "recv");
        need(send(kind->theirs, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes, "send");
        need(recv(kind->ours, bytes, sizeof bytes, 0) == sizeof bytes, "recv");
}

static void time_batch(struct kind *kind, void (*work)(struct kind *kind), struct shortest *best)
{
        uint64_t start = now_ns(), took;

        for (int i = 0; i < PER_BATCH; i++)
                work(kind);
        took = now_ns() - start;
        if (took < best->ns)
                best->ns = took;
}

int main(int argc, char **argv)
{
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(8080),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        const int on = 1;
        long batches;

        if (argc != 3)
                return EXIT_FAILURE;
        batches = number(argv[2]);
        kinds[0].address.in = kinds[2].address.in = in;
        kinds[2].address.in.sin_port = 0;
        kinds[0].length = kinds[2].length = sizeof in;
        kinds[1].address.un.sun_family = AF_UNIX;
        strncpy(kinds[1].address.un.sun_path, argv[1], sizeof kinds[1].address.un.sun_path - 1);
        kinds[1].length = sizeof kinds[1].address.un;
        for (int i = 0; i < KINDS; i++) {
                make_listener(&kinds[i]);
                connect_once(&kinds[i], &kinds[i].ours, &kinds[i].theirs);
                if (i != 1) {
                        setsockopt(kinds[i].ours, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                        setsockopt(kinds[i].theirs, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                }
        }

        for (long batch = 0; batch < batches; batch++)
                for (int i = 0; i < KINDS; i++) {
                        struct kind *kind = &kinds[(batch + i) % KINDS];

                        time_batch(kind, connect_and_close, &kind->connecting);
                        time_batch(kind, talk, &kind->talking);
                }

        for (int i = 0; i < KINDS; i++) {
                printf("connect %s %.0f\n", kinds[i].name,
                       (double)kinds[i].connecting.ns / PER_BATCH);
                printf("talk %s %.0f\n", kinds[i].name, (double)kinds[i].talking.ns / PER_BATCH);
        }
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
