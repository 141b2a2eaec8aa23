/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients that a server has never seen before and sees once.
 *
 *     strangers PATH
 *
 * For each number that it reads, it asks the server at that Unix socket from so many sockets more,
 * each with an abstract name of its own, and prints the nanoseconds that one took. An answer that
 * is not the question ends the program.
 */

#include <stddef.h>
#include <unistd.h>

#include "tests/bench/datagram.h"

/* So many are open at once: as many as the server's queue has room for. */
#define AT_ONCE 8

static struct datagram_address server;
static long strangers;

static struct datagram_address own_address(long stranger)
{
        struct datagram_address ret = {.un.sun_family = AF_UNIX};
        int length = snprintf(ret.un.sun_path + 1, sizeof ret.un.sun_path - 1,
                              "ip2unix-bench-%d-%ld", getpid(), stranger);

        ret.length = offsetof(struct sockaddr_un, sun_path) + 1 + length;
        return ret;
}

static int ask(long stranger)
{
        struct datagram_address own = own_address(stranger);
        int fd = datagram_socket(&server);

        need(bind(fd, &own.any, own.length) == 0, "bind");
        need(sendto(fd, &stranger, sizeof stranger, 0, &server.any, server.length) ==
                     sizeof stranger,
             "sendto");
        return fd;
}

static void take_answer(int fd, long stranger)
{
        long got;

        need(recv(fd, &got, sizeof got, 0) == sizeof got && got == stranger, "the answer");
        close(fd);
}

static void ask_at_once(int n)
{
        int fds[AT_ONCE];

        for (int i = 0; i < n; i++)
                fds[i] = ask(strangers + i);
        for (int i = 0; i < n; i++)
                take_answer(fds[i], strangers + i);
        strangers += n;
}

int main(int argc, char **argv)
{
        long wanted;

        if (argc != 2)
                return EXIT_FAILURE;
        server = datagram_address(argv[1]);
        while (scanf("%ld", &wanted) == 1 && wanted > 0) {
                const long end = strangers + wanted;
                const uint64_t start = now_ns();

                while (strangers < end)
                        ask_at_once(end - strangers < AT_ONCE ? end - strangers : AT_ONCE);
                printf("%.0f\n", (double)(now_ns() - start) / wanted);
                need(fflush(stdout) == 0, "stdout");
        }
        return EXIT_SUCCESS;
}
