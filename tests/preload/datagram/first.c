/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads that send first on one socket, all at a time: it is converted once, no answer is lost,
 * and nothing is left of what another thread has begun. Under rules alone: the kernel's UDP may
 * send from port 0 while another thread is about to get one. argv: the address, how many times.
 */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS 4

static const char *address;
static int fd;
static pthread_barrier_t barrier;

/* Another process, whose sockets are none of this one's. */
static pid_t start_server(void)
{
        const int server = udp_server(address);
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid > 0) {
                close(server);
                return pid;
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                struct sockaddr_storage from;
                socklen_t length = sizeof(from);
                intptr_t number;

                if (recvfrom(server, &number, sizeof(number), 0, (struct sockaddr *)&from,
                             &length) == sizeof(number))
                        (void)!sendto(server, &number, sizeof(number), 0, (struct sockaddr *)&from,
                                      length);
        }
}

static void *ask(void *number)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(address, &to);

        pthread_barrier_wait(&barrier);
        return (void *)(intptr_t)(sendto(fd, &number, sizeof(number), 0, (struct sockaddr *)&to,
                                         length) == sizeof(number));
}

/* Returns how many answers there were, or -1 when one could not ask. */
static int ask_at_once(void)
{
        pthread_t threads[THREADS];
        bool seen[THREADS] = {false};
        void *result;
        intptr_t number;
        int sent = 0, answers = 0;

        for (intptr_t i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, ask, (void *)i) == 0, "a thread");
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i], &result);
                sent += result != NULL;
        }
        for (int i = 0; i < THREADS && readable(fd, PATIENCE); i++) {
                if (recv(fd, &number, sizeof(number), 0) != sizeof(number))
                        break;
                answers += number >= 0 && number < THREADS && !seen[number];
                seen[number % THREADS] = true;
        }
        return sent == THREADS ? answers : -1;
}

int main(int argc, char **argv)
{
        int rounds, files, wrong = 0;
        pid_t server;

        need(argc == 3, "an address, how many times");
        address = argv[1];
        rounds = atoi(argv[2]);
        server = start_server();
        files = count_files();
        need(pthread_barrier_init(&barrier, NULL, THREADS) == 0, "a barrier");

        /* One is enough to know. */
        for (int i = 0; i < rounds && wrong == 0; i++) {
                fd = udp_socket(address);
                wrong += ask_at_once() != THREADS;
                close(fd);
        }
        same(wrong, 0, "%d times: each of %d threads has its answer", rounds, THREADS);
        same(count_files(), files, "no file is left");
        kill(server, SIGKILL);
        same(reap(server), 1000 + SIGKILL, "the server was there");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
