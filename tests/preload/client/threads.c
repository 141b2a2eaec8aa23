/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads that connect and close, while others fork, vfork and execute, and while signal handlers
 * connect as well. A socket that a thread has just made must never have a name that its number had
 * before. argv: the address, one where nobody listens, how many milliseconds.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS 8
#define PAUSE   2000 /* microseconds between two signals */

static struct sockaddr_in target, nowhere;
static _Atomic bool stopping;
static _Atomic long wrong, connections, refused, children, handled;
static int listener;

/* Calls that POSIX allows in signal handlers, all of them. */
static bool has_name(int fd, const struct sockaddr_in *wanted,
                     int (*call)(int, struct sockaddr *, socklen_t *))
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        return call(fd, (struct sockaddr *)&in, &length) == 0 && in.sin_family == AF_INET &&
               in.sin_port == wanted->sin_port && in.sin_addr.s_addr == wanted->sin_addr.s_addr;
}

static bool has_no_peer(int fd)
{
        struct sockaddr_in in;
        socklen_t length = sizeof(in);

        return getpeername(fd, (struct sockaddr *)&in, &length) < 0 && errno == ENOTCONN;
}

static bool is_new(int fd)
{
        const struct sockaddr_in none = {.sin_family = AF_INET};

        return has_name(fd, &none, getsockname) && has_no_peer(fd);
}

static int connect_now(int fd, const struct sockaddr_in *where)
{
        int r;

        do
                r = connect(fd, (const struct sockaddr *)where, sizeof(*where));
        while (r < 0 && errno == EINTR);
        return r < 0 && errno != EISCONN ? errno : 0;
}

static void check_one(int turn)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char byte = 0;

        if (fd < 0) {
                wrong++;
                return;
        }
        wrong += !is_new(fd);
        if (turn % 5 == 0) {
                wrong += connect_now(fd, &nowhere) != ECONNREFUSED;
                wrong += !has_no_peer(fd);
                refused++;
        }
        if (turn % 3 == 0)
                wrong += set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 100 + turn % 50) != 0;
        wrong += connect_now(fd, &target) != 0;
        wrong += !has_name(fd, &target, getpeername);
        if (turn % 3 == 0)
                wrong += option(fd, IPPROTO_TCP, TCP_KEEPIDLE) != 100 + turn % 50;
        while (recv(fd, &byte, 1, 0) < 0 && errno == EINTR)
                ;
        wrong += byte != 'x';
        wrong += close(fd) != 0;
        connections++;
}

static void *connect_often(void *argument)
{
        for (int i = (int)(intptr_t)argument; !stopping; i++)
                check_one(i);
        return NULL;
}

static void *serve(void *argument)
{
        (void)argument;
        for (;;) {
                const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                if (fd < 0 && errno == EINTR)
                        continue;
                if (fd < 0)
                        return NULL;
                (void)send(fd, "x", 1, MSG_NOSIGNAL);
                close(fd);
        }
}

static pid_t start_connecting(void)
{
        const pid_t pid = fork();

        if (pid == 0) {
                const int fd = socket(AF_INET, SOCK_STREAM, 0);

                _exit(is_new(fd) && connect_now(fd, &target) == 0 &&
                                      has_name(fd, &target, getpeername)
                              ? 0
                              : 1);
        }
        return pid;
}

/* It shares the parent's memory, and closes descriptors of its own. */
static pid_t start_closing(void)
{
        const pid_t pid = vfork();

        if (pid == 0) {
                for (int fd = 5; fd < 12; fd++)
                        close(fd);
                execl("/bin/true", "true", NULL);
                _exit(127);
        }
        return pid;
}

static void *start_children(void *argument)
{
        sigset_t all;

        (void)argument;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        while (!stopping) {
                const pid_t pid = children % 2 ? start_connecting() : start_closing();
                int status;

                wrong += pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
                children++;
                usleep(500);
        }
        return NULL;
}

static void handle(int number)
{
        const int saved = errno, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)number;
        if (fd >= 0) {
                wrong += !is_new(fd);
                wrong += connect_now(fd, &target) != 0;
                wrong += !has_name(fd, &target, getpeername);
                wrong += close(fd) != 0;
        }
        handled++;
        alarm_in(PAUSE);
        errno = saved;
}

static void run(int how_long, bool by_signals)
{
        const double end = milliseconds() + how_long;
        pthread_t threads[THREADS + 1];

        stopping = false;
        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, connect_often, (void *)(intptr_t)i) == 0,
                     "pthread_create");
        need(pthread_create(&threads[THREADS], NULL, start_children, NULL) == 0, "pthread_create");
        while (milliseconds() < end || connections <= 20 || refused <= 2 || children <= 2 ||
               (by_signals && handled <= 2))
                usleep(10000);
        stopping = true;
        for (int i = 0; i <= THREADS; i++)
                pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
        const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        struct sockaddr_storage storage;
        pthread_t server;
        int before, how_long;
        long pages;

        need(argc == 4, "two addresses, and milliseconds");
        how_long = atoi(argv[3]);
        address_of(argv[1], &storage);
        memcpy(&target, &storage, sizeof(target));
        address_of(argv[2], &storage);
        memcpy(&nowhere, &storage, sizeof(nowhere));
        listener = serve_at(argv[1], 4096);
        need(pthread_create(&server, NULL, serve, NULL) == 0, "pthread_create");
        before = count_open();

        run(how_long / 4, false);
        pages = resident_pages();
        run(how_long / 2, false);
        note("%ld connections, %ld refused, %ld children, %ld pages, then %ld", connections,
             refused, children, pages, resident_pages());
        same(wrong, 0, "no answer was wrong");
#ifdef SANITIZED
        skip("memory does not grow", "sanitizers keep what was freed");
#else
        ok(resident_pages() - pages < 64, "memory does not grow");
#endif
        sigaction(SIGALRM, &action, NULL);
        alarm_in(PAUSE);
        run(how_long / 2, true);
        alarm_stop();
        note("%ld connections in a signal handler", handled);
        same(wrong, 0, "nor with a handler that connects");
        /* The server closes its ends in its own time. */
        for (int i = 0; i < PATIENCE && count_open() != before; i++)
                usleep(1000);
        same(count_open(), before, "no descriptor is left");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
