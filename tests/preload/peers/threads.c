/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads that receive and answer for thousands of clients, all by one socket or each by one of its
 * own (SO_REUSEPORT). Whoever answers, each client gets its own answers alone, and its address is
 * the same to all of them. Some answers come from a socket that is made for them. argv: the
 * address, "one" or "each", how many milliseconds.
 */

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS   8
#define PROCESSES 2
#define CLIENTS   1000 /* of a process */
#define UNDER_WAY 4
#define ELSEWHERE 64 /* one of so many answers */

struct question {
        uint32_t client, number;
};

static _Atomic bool stopping;
static _Atomic long wrong, answers;
static _Atomic uint16_t ports[PROCESSES * CLIENTS];
static int sockets[THREADS];

/* A client that gets nothing, or what is not for it, ends its process. */
static void __attribute__((noreturn)) ask(int first, int duration)
{
        const double end = milliseconds() + duration;
        struct question under_way[UNDER_WAY], got;
        int fds[CLIENTS];
        char name[64];

        for (int i = 0; i < CLIENTS; i++) {
                snprintf(name, sizeof(name), "@%d", first + i);
                fds[i] = new_client(name);
        }
        for (uint32_t n = 0; n < CLIENTS || milliseconds() < end; n++) {
                struct question *question = &under_way[n % UNDER_WAY];

                if (n >= UNDER_WAY && (client_gets(fds[question->client], &got, sizeof(got),
                                                   PATIENCE) != sizeof(got) ||
                                       got.client != question->client + (uint32_t)first ||
                                       got.number != question->number))
                        _exit(1);
                question->client = n % CLIENTS;
                question->number = n;
                got = *question;
                got.client += (uint32_t)first;
                if (!client_sends(fds[question->client], &got, sizeof(got)))
                        _exit(2);
        }
        for (int i = 0; i < UNDER_WAY; i++)
                if (client_gets(fds[under_way[i].client], &got, sizeof(got), PATIENCE) !=
                    sizeof(got))
                        _exit(3);
        _exit(0);
}

static void send_answer(int fd, const struct question *question, const struct sockaddr_in *to)
{
        if (question->number % ELSEWHERE == 0)
                fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        wrong += sendto(fd, question, sizeof(*question), 0, (const struct sockaddr *)to,
                        sizeof(*to)) != sizeof(*question);
        if (question->number % ELSEWHERE == 0)
                wrong += close(fd) != 0;
}

static void *serve(void *place)
{
        const int fd = sockets[(intptr_t)place];

        while (!stopping) {
                struct sockaddr_in from = {0};
                socklen_t length = sizeof(from);
                struct question question;
                uint16_t before;

                if (recvfrom(fd, &question, sizeof(question), 0, (struct sockaddr *)&from,
                             &length) != sizeof(question))
                        continue;
                wrong += from.sin_family != AF_INET || length != sizeof(from);
                before = atomic_exchange(&ports[question.client], from.sin_port);
                wrong += before != 0 && before != from.sin_port;
                send_answer(fd, &question, &from);
                answers++;
        }
        return NULL;
}

static int open_socket(const char *address, bool shared)
{
        const struct timeval patience = {0, 100000};
        const int fd = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC);

        need(fd >= 0, "socket");
        need(!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0, "SO_REUSEPORT");
        need(bind_to(fd, address) == 0, "bind");
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        return fd;
}

static void check_distinct(void)
{
        static uint8_t seen[65536];
        int heard = 0, twice = 0;

        for (int i = 0; i < PROCESSES * CLIENTS; i++) {
                heard += ports[i] != 0;
                twice += ports[i] != 0 && seen[ports[i]]++ > 0;
        }
        same(heard, PROCESSES * CLIENTS, "all clients were heard");
        same(twice, 0, "no two of them have the same address");
}

int main(int argc, char **argv)
{
        pthread_t threads[THREADS];
        pid_t pids[PROCESSES];
        int duration, good = 0;
        bool each;

        need(argc == 4, "an address, \"one\" or \"each\", milliseconds");
        each = strcmp(argv[2], "each") == 0;
        duration = atoi(argv[3]);
        for (int i = 0; i < THREADS; i++)
                sockets[i] = i > 0 && !each ? sockets[0] : open_socket(argv[1], each);
        clients_reach(0, argv[1]);
        for (int i = 0; i < PROCESSES; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        ask(i * CLIENTS, duration);
                }
        }
        for (intptr_t i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, serve, (void *)i) == 0, "pthread_create");
        for (int i = 0; i < PROCESSES; i++)
                good += reap(pids[i]) == 0;
        stopping = true;
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);

        note("%ld answers", (long)answers);
        same(good, PROCESSES, "all clients get their own answers");
        same(wrong, 0, "nothing failed, and no address was wrong");
        check_distinct();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
