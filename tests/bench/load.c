/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ask an HTTP server on a Unix socket for the same thing, as fast as it answers.
 *
 *     load PATH CONNECTIONS MILLISECONDS keep|close
 *
 * So many connections are open at any time, each with one request under way; with "close", each
 * request has a connection of its own. Prints the requests answered a second. An answer that is not
 * like the first one ends the program.
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define MAX_CONNECTIONS 1024

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static const char *request;
static size_t answer_size;
static bool keep;
static int poller;
static struct connection {
        int fd;
        size_t received;
} connections[MAX_CONNECTIONS];

static void ask(int fd)
{
        size_t length = strlen(request);

        need(send(fd, request, length, MSG_NOSIGNAL) == (ssize_t)length, "send");
}

static int dial(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        need(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, address.sun_path);
        return fd;
}

/* The size of a whole answer, head included. */
static size_t learn_answer_size(void)
{
        static char answer[1 << 16];
        size_t size = 0;
        ssize_t n;
        char *end, *field;
        int fd = dial();

        ask(fd);
        do {
                n = recv(fd, answer + size, sizeof answer - 1 - size, 0);
                need(n >= 0, "recv");
                size += n;
                answer[size] = '\0';
                end = strstr(answer, "\r\n\r\n");
                field = strstr(answer, "Content-Length: ");
        } while (n > 0 && !(end && field &&
                            size >= (size_t)(end + 4 - answer) + strtoul(field + 16, NULL, 10)));
        close(fd);
        if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
                fprintf(stderr, "the server answers: %s\n", answer);
                exit(EXIT_FAILURE);
        }
        return size;
}

static void open_connection(struct connection *connection)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        connection->fd = dial();
        connection->received = 0;
        need(epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) == 0, "epoll_ctl");
        ask(connection->fd);
}

/* Read what is there. Returns whether an answer is complete and the next request under way. */
static bool answered(struct connection *connection)
{
        char buffer[1 << 14];
        ssize_t n = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
                return false;
        need(n >= 0, "recv");
        connection->received += n;
        if (connection->received > answer_size || (n == 0 && connection->received < answer_size)) {
                fprintf(stderr, "an answer of %zu bytes instead of %zu\n", connection->received,
                        answer_size);
                exit(EXIT_FAILURE);
        }
        if (keep) {
                if (connection->received < answer_size)
                        return false;
                connection->received = 0;
                ask(connection->fd);
                return true;
        }
        if (n > 0)
                return false;
        close(connection->fd);
        open_connection(connection);
        return true;
}

int main(int argc, char **argv)
{
        struct epoll_event events[MAX_CONNECTIONS];
        uint64_t start, end, now;
        long n, answers = 0;

        if (argc != 5)
                return EXIT_FAILURE;
        strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
        n = number(argv[2]);
        need(n <= MAX_CONNECTIONS, "CONNECTIONS");
        keep = strcmp(argv[4], "keep") == 0;
        request = keep ? "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
                       : "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        answer_size = learn_answer_size();
        poller = epoll_create1(EPOLL_CLOEXEC);
        need(poller >= 0, "epoll_create1");

        for (long i = 0; i < n; i++)
                open_connection(&connections[i]);
        start = now_ns();
        end = start + number(argv[3]) * 1000000;
        do {
                int ready = epoll_wait(poller, events, n, 10000);

                need(ready > 0, "no answer for ten seconds");
                for (int i = 0; i < ready; i++)
                        answers += answered(events[i].data.ptr);
                now = now_ns();
        } while (now < end);
        printf("%.0f\n", answers * 1e9 / (now - start));
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
