/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads that accept, close, duplicate, bind and ask, all at once. Each one knows what its own
 * descriptors must answer; one asks about everybody's, and must get an address of ours or none at
 * all. Memory must not grow with the time that this takes. argv: how many milliseconds.
 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS 8
#define LEAST   50  /* so often each has to be at work */
#define BASE    300 /* numbers that threads duplicate to: thread i uses BASE + i */

static _Atomic bool stopping;
static _Atomic long wrong, connections, binds, answers;
static int listener;

static bool is_ours(const char *name)
{
        return strcmp(name, "127.0.0.1:80") == 0 || strncmp(name, "127.0.0.1:81", 12) == 0;
}

/* net.c's texts are shared: threads keep addresses in memory of their own. */
static bool name_is(int fd, const char *wanted)
{
        struct sockaddr_storage storage = {0}, want;
        socklen_t length = sizeof(storage);
        const struct sockaddr_in *in = (struct sockaddr_in *)&storage,
                                 *of = (struct sockaddr_in *)&want;

        address_of(wanted, &want);
        return getsockname(fd, (struct sockaddr *)&storage, &length) == 0 &&
               in->sin_family == AF_INET && in->sin_port == of->sin_port &&
               in->sin_addr.s_addr == of->sin_addr.s_addr;
}

static bool has_peer(int fd)
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        return getpeername(fd, (struct sockaddr *)&in, &length) == 0 && in.sin_family == AF_INET &&
               in.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

static void use(int ours, int number)
{
        int copy;

        wrong += !name_is(ours, "127.0.0.1:80") || !has_peer(ours);
        wrong += set_option(ours, IPPROTO_TCP, TCP_NODELAY, 1) != 0;
        if (connections % 3 == 0)
                wrong += set_option(ours, IPPROTO_TCP, TCP_KEEPIDLE, BASE + number) != 0;
        wrong += option(ours, IPPROTO_TCP, TCP_NODELAY) != 1;
        copy = dup2(ours, BASE + number);
        wrong += copy != BASE + number || !has_peer(copy);
        close(ours);
        wrong += !name_is(copy, "127.0.0.1:80");
        close(copy);
        connections++;
}

static void *serve(void *argument)
{
        const int number = (int)(intptr_t)argument;

        while (!stopping) {
                const int theirs = client(0, listener), ours = accept(listener, NULL, NULL);

                if (ours >= 0)
                        use(ours, number);
                close(theirs);
        }
        return NULL;
}

/* Sockets that nobody reaches come and go at the numbers that connections use, too. */
static void *bind_often(void *argument)
{
        (void)argument;
        while (!stopping) {
                const int fd = socket(AF_INET, SOCK_STREAM, 0);

                wrong += bind_to(fd, "127.0.0.1:81") != 0;
                wrong += !name_is(fd, "127.0.0.1:81");
                wrong += set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 7) != 0;
                wrong += listen(fd, 1) != 0;
                close(fd);
                binds++;
        }
        return NULL;
}

/*
 * Asks about descriptors that others open and close meanwhile, which the thread sanitizer rightly
 * calls a race: the shim's answer comes from memory that it never unmaps, and needs no lock.
 */
static void *ask(void *argument)
{
        (void)argument;
        while (!stopping && !SANITIZED_THREAD)
                for (int fd = 3; fd < 40; fd++) {
                        struct sockaddr_storage storage = {0};
                        socklen_t length = sizeof(storage);

                        if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0 ||
                            storage.ss_family != AF_INET)
                                continue;
                        answers++;
                        /* An unbound socket of bind_often() has no port yet. */
                        if (((struct sockaddr_in *)&storage)->sin_port != 0)
                                wrong += ((struct sockaddr_in *)&storage)->sin_port != htons(80) &&
                                         ((struct sockaddr_in *)&storage)->sin_port != htons(81);
                }
        return NULL;
}

static void run(int milliseconds)
{
        const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
        pthread_t threads[THREADS];

        stopping = false;
        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL,
                                    i == 0   ? ask
                                    : i <= 2 ? bind_often
                                             : serve,
                                    (void *)(intptr_t)i) == 0,
                     "pthread_create");
        nanosleep(&time, NULL);
        for (int i = 0; i < PATIENCE && (connections <= LEAST || binds <= LEAST); i++)
                usleep(1000);
        stopping = true;
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
        int milliseconds, left;
        long before;

        need(argc == 2, "milliseconds");
        milliseconds = atoi(argv[1]);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        need(bind_to(listener, "127.0.0.1:80") == 0 && listen(listener, 100) == 0, "bind");
        ok(is_ours(local_name(listener)), "the listener");

        run(milliseconds / 4);
        before = resident_pages();
        run(milliseconds);
        note("%ld connections, %ld binds, %ld answers; %ld pages, then %ld", connections, binds,
             answers, before, resident_pages());
        same(wrong, 0, "no answer was wrong");
        ok(connections > LEAST && binds > LEAST, "all were at work");
#ifdef SANITIZED
        skip("memory does not grow", "sanitizers keep what was freed");
#else
        ok(resident_pages() - before < 64, "memory does not grow");
#endif
        while ((left = accept(listener, NULL, NULL)) >= 0)
                close(left);
        ok(serves(0, listener), "the listener serves when all is over");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
