/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Thousands of clients at once: each one is answered, and gets its own answers alone. To the server
 * each has an address of its own, which stays. argv: the address, how many clients, and of how many
 * processes.
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ROUNDS 4
#define SPARE  50 /* descriptors for everything else */

/* Together they are less than what a sender's buffer has room for. */
#define UNDER_WAY 16

/* The server takes so many before it answers the first. */
#define BATCH 8

#define MOST 16

struct question {
        uint32_t client, round;
};

struct tally {
        int family, strange, changed, failed;
};

static int clients, processes, per_process;
static struct sockaddr_storage *addresses;

static int open_client(int client)
{
        char name[64];

        snprintf(name, sizeof(name), client % 2 ? "@%d" : "client-%d", client);
        return new_client(name);
}

/* Answers come in the server's order, which need not be that of the questions. */
static int take_answer(int fd, uint32_t client, uint32_t round)
{
        struct question answer = {0};
        const ssize_t n = client_gets(fd, &answer, sizeof(answer), PATIENCE);

        return n != sizeof(answer) || answer.client != client || answer.round != round;
}

/*
 * The clients first, first + 1, ... of a process of their own. It says so when they are there, and
 * they stay until the other end is closed: a UDP port that is free again would be given to another.
 * Returns how many answers were wrong.
 */
static int ask(int first, int channel)
{
        int *fds = calloc((size_t)per_process, sizeof(int)), wrong = 0, under_way = 0;

        need(fds != NULL, "memory");
        for (int i = 0; i < per_process; i++)
                fds[i] = open_client(first + i);
        need(write(channel, "", 1) == 1, "write");
        for (int i = 0; i < ROUNDS * per_process; i++) {
                const int client = i % per_process, oldest = (i - UNDER_WAY) % per_process;
                const struct question question = {(uint32_t)(first + client),
                                                  (uint32_t)(i / per_process)};

                if (i >= UNDER_WAY)
                        wrong += take_answer(fds[oldest], (uint32_t)(first + oldest),
                                             (uint32_t)((i - UNDER_WAY) / per_process));
                else
                        under_way++;
                wrong += !client_sends(fds[client], &question, sizeof(question));
        }
        for (int i = per_process - under_way; i < per_process; i++)
                wrong += take_answer(fds[i], (uint32_t)(first + i), ROUNDS - 1);
        for (int i = 0; i < per_process; i++)
                wrong += client_gets(fds[i], &under_way, sizeof(under_way), 0) >= 0;
        (void)!read(channel, &under_way, 1);
        return wrong;
}

static pid_t start_clients(int first, const int *channel)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid > 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(channel[1]);
        _exit(ask(first, channel[0]) == 0 ? 0 : 1);
}

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct sockaddr_storage));
}

static int count_twice(void)
{
        int twice = 0;

        qsort(addresses, (size_t)clients, sizeof(*addresses), compare);
        for (int i = 1; i < clients; i++)
                twice += compare(&addresses[i - 1], &addresses[i]) == 0;
        return twice;
}

/* Take what is there, in the order of its coming, and answer in the other one. */
static int answer(int fd, struct tally *tally)
{
        struct sockaddr_storage from[BATCH] = {0};
        struct question questions[BATCH];
        socklen_t lengths[BATCH];
        int n = 0;

        for (; n < BATCH; n++) {
                lengths[n] = sizeof(from[n]);
                if (recvfrom(fd, &questions[n], sizeof(*questions), MSG_DONTWAIT,
                             (struct sockaddr *)&from[n], &lengths[n]) != sizeof(*questions))
                        break;
        }
        for (int i = n - 1; i >= 0; i--) {
                struct sockaddr_storage *known = &addresses[questions[i].client];

                tally->strange += from[i].ss_family != tally->family;
                tally->changed += questions[i].round > 0 && compare(known, &from[i]) != 0;
                *known = from[i];
                tally->failed +=
                        sendto(fd, &questions[i], sizeof(*questions), 0,
                               (struct sockaddr *)&from[i], lengths[i]) != sizeof(*questions);
        }
        return n;
}

int main(int argc, char **argv)
{
        struct tally tally = {0};
        pid_t pids[MOST];
        int fd, channel[2], answered = 0, good = 0;
        char byte;

        need(argc == 4, "an address, how many clients, of how many processes");
        processes = atoi(argv[3]);
        per_process = atoi(argv[2]) / processes;
        need(processes <= MOST && per_process >= UNDER_WAY, "the numbers");
        clients = per_process * processes;
        if (raise_descriptors(per_process + SPARE) < per_process + SPARE) {
                skip("so many clients", "the limit of descriptors is too low");
                return tap_end();
        }
        addresses = calloc((size_t)clients, sizeof(*addresses));
        need(addresses != NULL, "memory");

        fd = serve_datagrams(argv[1], 0);
        tally.family = *argv[1] == '[' ? AF_INET6 : AF_INET;
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
        for (int i = 0; i < processes; i++)
                pids[i] = start_clients(i * per_process, channel);
        for (int i = 0; i < processes; i++)
                need(read(channel[1], &byte, 1) == 1, "clients");
        while (answered < ROUNDS * clients && readable(fd, PATIENCE))
                answered += answer(fd, &tally);
        close(channel[1]);
        for (int i = 0; i < processes; i++)
                good += reap(pids[i]) == 0;

        note("%d clients", clients);
        same(answered, ROUNDS * clients, "all questions are heard");
        same(tally.failed, 0, "and answered");
        same(good, processes, "each client gets its own answers and no others");
        same(tally.strange, 0, "all addresses are of the family");
        same(tally.changed, 0, "the address of a client stays");
        same(count_twice(), 0, "no two clients have the same");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
