/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * POSIX lets a signal handler call accept, bind, close, dup2, getsockname and their like while the
 * program is in the middle of one of them. A timer interrupts a loop of such calls with the same
 * calls; none may hang, and none may give a wrong answer. argv: how many milliseconds.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Between two signals, in microseconds. */
#define PAUSE 200

/* What either has to do at least. */
#define LEAST 20

static struct sockaddr_in wanted, other = {.sin_family = AF_INET};
static int listener;
static volatile sig_atomic_t wrong, rounds;

static bool is_wanted(int fd)
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        return getsockname(fd, (struct sockaddr *)&in, &length) == 0 && in.sin_family == AF_INET &&
               in.sin_port == wanted.sin_port;
}

static bool has_peer(int fd)
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        return getpeername(fd, (struct sockaddr *)&in, &length) == 0 && in.sin_family == AF_INET &&
               in.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

/* Async-signal-safe by POSIX, every call of it. */
static void use_connection(int high)
{
        int fd = accept(listener, NULL, NULL), copy, value = 1;

        if (fd < 0)
                return;
        wrong += !is_wanted(fd) || !has_peer(fd);
        wrong += setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) != 0;
        copy = dup2(fd, high);
        wrong += copy != high || !is_wanted(copy);
        wrong += close(fd) != 0;
        wrong += !has_peer(copy);
        wrong += setsockopt(copy, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof(value)) != 0;
        wrong += close(copy) != 0;
}

static void use_socket(void)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0), value = 0;
        socklen_t length = sizeof(value);

        wrong += fd < 0;
        wrong += getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length) != 0 || value != SOCK_STREAM;
        /* All sockets are taken, so that it is one that nobody reaches. */
        wrong += bind(fd, (struct sockaddr *)&other, sizeof(other)) != 0;
        wrong += listen(fd, 1) != 0;
        wrong += close(fd) != 0;
}

static void handle(int number)
{
        const int saved = errno;

        (void)number;
        wrong += !is_wanted(listener);
        use_connection(150);
        use_socket();
        rounds++;
        alarm_in(PAUSE);
        errno = saved;
}

/* A client of its own process: connecting is untouched by the shim. */
static void __attribute__((noreturn)) connect_for_ever(void)
{
        for (;;) {
                const int fd = client(0, listener);
                char byte;

                (void)!read(fd, &byte, 1);
                close(fd);
        }
}

int main(int argc, char **argv)
{
        const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        struct sockaddr_storage storage;
        long turns = 0;
        pid_t pid;
        double end;

        need(argc == 2, "milliseconds");
        address_of("127.0.0.1:80", &storage);
        memcpy(&wanted, &storage, sizeof(wanted));
        other.sin_port = htons(81);
        other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

        listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        need(bind_to(listener, "127.0.0.1:80") == 0 && listen(listener, 50) == 0, "bind");
        pid = fork();
        if (pid == 0)
                connect_for_ever();

        sigaction(SIGALRM, &action, NULL);
        alarm_in(PAUSE);
        end = milliseconds() + atoi(argv[1]);
        for (; milliseconds() < end || turns < LEAST || rounds < LEAST; turns++) {
                wrong += !is_wanted(listener);
                use_connection(151);
                use_socket();
        }
        alarm_stop();
        kill(pid, SIGKILL);
        reap(pid);

        note("%ld turns, %d signals", turns, (int)rounds);
        same(wrong, 0, "no answer was wrong");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
