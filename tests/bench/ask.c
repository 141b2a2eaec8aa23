/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ask a server that sends datagrams back, from many sockets in turns.
 *
 *     ask WHERE CLIENTS WINDOW [DIRECTORY]
 *
 * WHERE: the path of a Unix socket, or a port, which a rule leads to one. Each of so many clients
 * has a connected socket that can be answered: at an abstract name, or at a file in the directory.
 * So many questions are under way at any time. An answer that is not the question of that client
 * ends the program.
 *
 * For each number of milliseconds that it reads, it prints the answers a second that it got for so
 * long, after one for each client. The clients have the same names every time, and are closed
 * meanwhile: the kernel looks for an address among all that are there.
 */

#include <stddef.h>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/datagram.h"

#define SPARE 50

static struct datagram_address server;
static const char *directory;
static long clients, window;
static int *fds;
static uint64_t asked, answered;

static void raise_limit(void)
{
        struct rlimit limit;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        need(limit.rlim_cur >= (rlim_t)clients + SPARE, "the limit of descriptors");
}

static void bind_client(int fd, long place)
{
        struct datagram_address own = {.un.sun_family = AF_UNIX};
        char *name = own.un.sun_path + !directory;
        size_t size = sizeof own.un.sun_path - 1;

        own.length = offsetof(struct sockaddr_un, sun_path) + 1;
        own.length += directory ? snprintf(name, size, "%s/%ld", directory, place)
                                : snprintf(name, size, "ip2unix-bench-%d-%ld", getpid(), place);
        if (directory)
                unlink(name);
        need(bind(fd, &own.any, own.length) == 0, "bind");
}

static void open_clients(void)
{
        for (long i = 0; i < clients; i++) {
                fds[i] = datagram_socket(&server);
                if (server.any.sa_family == AF_UNIX)
                        bind_client(fds[i], i);
                need(connect(fds[i], &server.any, server.length) == 0, "connect");
        }
}

static void close_clients(void)
{
        for (long i = 0; i < clients; i++)
                close(fds[i]);
}

static void ask(void)
{
        char bytes[DATAGRAM_SIZE] = "";

        memcpy(bytes, &asked, sizeof asked);
        need(send(fds[asked % clients], bytes, sizeof bytes, 0) == sizeof bytes, "send");
        asked++;
}

static void take_answer(void)
{
        char bytes[2 * DATAGRAM_SIZE];
        ssize_t n = recv(fds[answered % clients], bytes, sizeof bytes, 0);
        uint64_t got;

        need(n >= 0, "recv");
        memcpy(&got, bytes, sizeof got);
        if (n != DATAGRAM_SIZE || got != answered) {
                fprintf(stderr, "a wrong answer\n");
                exit(EXIT_FAILURE);
        }
        answered++;
}

static double rate(long milliseconds)
{
        uint64_t count, start, now;

        while (asked < answered + window)
                ask();
        for (long i = 0; i < clients; i++) {
                take_answer();
                ask();
        }
        count = answered;
        start = now_ns();
        do {
                for (int i = 0; i < 100; i++) {
                        take_answer();
                        ask();
                }
                now = now_ns();
        } while (now < start + milliseconds * 1000000);
        count = answered - count;
        while (answered < asked)
                take_answer();
        return count * 1e9 / (now - start);
}

int main(int argc, char **argv)
{
        long milliseconds;

        if (argc < 4 || argc > 5)
                return EXIT_FAILURE;
        server = datagram_address(argv[1]);
        clients = number(argv[2]);
        window = number(argv[3]);
        directory = argv[4];
        raise_limit();
        fds = calloc(clients, sizeof *fds);
        need(fds != NULL, "memory");
        while (scanf("%ld", &milliseconds) == 1) {
                open_clients();
                printf("%.0f\n", rate(milliseconds));
                close_clients();
                need(fflush(stdout) == 0, "stdout");
        }
        return EXIT_SUCCESS;
}
