/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread waits in accept(2) while another closes the listener: the kernel keeps the socket until
 * accept(2) is back, and then the file goes as well. So it does for poll(2). The rule is
 * in,path=@DIR@/web.
 */

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static void wake(int number)
{
        (void)number;
}

static void *wait_for_client(void *listener)
{
        return (void *)(long)accept(*(int *)listener, NULL, NULL);
}

static pthread_t start_waiting(void *(*wait)(void *), int *listener)
{
        pthread_t thread;

        need(pthread_create(&thread, NULL, wait, listener) == 0, "pthread_create");
        until_threads_wait(1);
        return thread;
}

static long answer_of(pthread_t thread)
{
        void *answer;

        need(pthread_join(thread, &answer) == 0, "pthread_join");
        return (long)answer;
}

/* As Java closes its sockets. */
static void check_replaced(void)
{
        int listener = listen_at("127.0.0.1:80");
        const pthread_t thread = start_waiting(wait_for_client, &listener);

        same(dup2(STDERR_FILENO, listener), listener, "dup2 over the listener");
        need(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill");
        same(answer_of(thread), -1, "accept is interrupted");
        is(kind_of(path_of("web")), "none", "replaced: what is left");
        close(listener);
}

static void check_closed(void)
{
        int listener = listen_at("127.0.0.1:80");
        const pthread_t thread = start_waiting(wait_for_client, &listener);
        long connection;

        same(close(listener), 0, "close of the listener");
        is(kind_of(path_of("web")), "socket", "as long as accept waits");
        same(try_file(path_of("web")), 0, "a client connects");
        connection = answer_of(thread);
        ok(connection >= 0, "accept gives it");
        is(kind_of(path_of("web")), "none", "closed: what is left");
        close((int)connection);
}

static void check_copied(void)
{
        int listener = listen_at("127.0.0.1:80"), copy = dup(listener);
        const pthread_t thread = start_waiting(wait_for_client, &listener);

        same(close(listener), 0, "close of one of two descriptors");
        need(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill");
        same(answer_of(thread), -1, "accept is interrupted");
        is(kind_of(path_of("web")), "socket", "as long as there is another descriptor");
        same(close(copy), 0, "close of the other");
        is(kind_of(path_of("web")), "none", "both closed: what is left");
}

static void *wait_for_readable(void *listener)
{
        struct pollfd wanted = {.fd = *(int *)listener, .events = POLLIN};

        (void)poll(&wanted, 1, -1);
        return (void *)(long)(wanted.revents & POLLIN);
}

/* The kernel keeps the socket for poll(2), too, and nothing tells that it is back. */
static void check_polled(void)
{
        const int pid = fork();

        if (pid == 0) {
                int listener = listen_at("127.0.0.1:80");
                const pthread_t thread = start_waiting(wait_for_readable, &listener);

                close(listener);
                need(pthread_kill(thread, SIGUSR1) == 0, "pthread_kill");
                _exit(answer_of(thread) != 0 || strcmp(kind_of(path_of("web")), "socket") != 0);
        }

        same(reap(pid), 0, "a listener is closed while poll waits for it");
        is(kind_of(path_of("web")), "none", "the process has ended: what is left");
}

int main(void)
{
        const struct sigaction action = {.sa_handler = wake};

        need(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
        check_replaced();
        check_closed();
        check_copied();
        check_polled();
        return tap_end();
}
