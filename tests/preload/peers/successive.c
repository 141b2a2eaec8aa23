/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many different clients, one after the other, each of which asks once and is gone when it has its
 * answer: the server's memory does not grow with them once as many are remembered as there may be,
 * nor does the time that one takes. argv: the address, how many clients.
 */

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define AT_ONCE 8
#define BLOCKS  20

/* So many are remembered: more than that, and memory has its final size. */
#define REMEMBERED 65536
#define SOME_PAGES 16

/*
 * What others do on the machine makes each client cost twice as much at times, by their use of the
 * caches. Looking for the oldest among all that are remembered would cost a hundred times as much.
 */
#define SLOWER 10

static int open_client(int client)
{
        char name[64];

        snprintf(name, sizeof(name), "@%d", client);
        return new_client(name);
}

static int ask(int first)
{
        int fds[AT_ONCE], wrong = 0, answer;

        for (int i = 0; i < AT_ONCE; i++) {
                const int question = first + i;

                fds[i] = open_client(question);
                wrong += !client_sends(fds[i], &question, sizeof(question));
        }
        for (int i = 0; i < AT_ONCE; i++) {
                wrong += client_gets(fds[i], &answer, sizeof(answer), PATIENCE) != sizeof(answer) ||
                         answer != first + i;
                close(fds[i]);
        }
        return wrong;
}

static pid_t start_clients(int clients)
{
        const pid_t pid = fork();
        int wrong = 0;

        need(pid >= 0, "fork");
        if (pid > 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < clients; i += AT_ONCE)
                wrong += ask(i);
        _exit(wrong == 0 ? 0 : 1);
}

static int answer(int fd, int n)
{
        int wrong = 0, question;

        for (int i = 0; i < n; i++) {
                struct sockaddr_in from = {0};
                socklen_t length = sizeof(from);

                if (recvfrom(fd, &question, sizeof(question), 0, (struct sockaddr *)&from,
                             &length) != sizeof(question))
                        return n;
                wrong += from.sin_family != AF_INET;
                wrong += sendto(fd, &question, sizeof(question), 0, (struct sockaddr *)&from,
                                length) != sizeof(question);
        }
        return wrong;
}

static double shortest(const double *times, int from, int to)
{
        double ret = times[from];

        for (int i = from; i < to; i++)
                ret = times[i] < ret ? times[i] : ret;
        return ret;
}

int main(int argc, char **argv)
{
        const struct timeval patience = {PATIENCE / 1000, 0};
        double times[BLOCKS];
        clock_t start;
        long pages[BLOCKS], grown;
        int fd, clients, block, full, wrong = 0;
        pid_t pid;

        need(argc == 3, "an address, how many clients");
        block = atoi(argv[2]) / BLOCKS / AT_ONCE * AT_ONCE;
        clients = block * BLOCKS;
        full = REMEMBERED / block + 1;
        need(full < BLOCKS / 2, "more clients");
        fd = serve_datagrams(argv[1], 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        pid = start_clients(clients);
        for (int i = 0; i < BLOCKS; i++) {
                start = clock();
                wrong += answer(fd, block);
                times[i] = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / block;
                pages[i] = resident_pages();
        }

        same(reap(pid), 0, "each client has its answer");
        same(wrong, 0, "all are heard, and answered");
        note("pages: %ld after %d clients, %ld after %d", pages[full], (full + 1) * block,
             pages[BLOCKS - 1], clients);
        note("microseconds of CPU time for each: %.1f at first, %.1f at last",
             shortest(times, 0, full + 1), shortest(times, BLOCKS / 2, BLOCKS));
        grown = pages[BLOCKS - 1] - pages[full];
#ifdef SANITIZED
        skip("memory", "sanitizers take more of it");
        (void)grown;
#else
        ok(grown <= SOME_PAGES, "memory does not grow when all are remembered that can be");
#endif
        ok(shortest(times, BLOCKS / 2, BLOCKS) < SLOWER * shortest(times, 0, full + 1),
           "nor does the CPU time that one takes, by much");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
