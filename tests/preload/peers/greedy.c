/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients ask, again and again, and don't read: their answers fill the buffer that a server sends
 * from. Whoever comes then and reads is answered all the same. argv: how many of them, how often
 * each asks, and how long an answer is.
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS   "127.0.0.1:8080"
#define NEWCOMERS 50
#define SPARE     50
#define LOST_MS   3000 /* an answer that has not come by then is lost */
#define ALLOWED   1 /* a moment in which somebody else has the processor looks like not reading */
#define LONGEST   65000

static int server;
static char bytes[LONGEST];

static void echo(void)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        const ssize_t n =
                recvfrom(server, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length);

        need(n > 0 && sendto(server, bytes, (size_t)n, 0, (struct sockaddr *)&from, length) == n,
             "an answer is no error");
}

static void open_greedy(int clients, int times, size_t size)
{
        int *fds = calloc((size_t)clients, sizeof(*fds));
        char name[16];

        need(fds != NULL, "memory");
        for (int i = 0; i < clients; i++) {
                snprintf(name, sizeof(name), "@%d", i);
                fds[i] = new_client(name);
        }
        for (int round = 0; round < times; round++)
                for (int i = 0; i < clients; i++) {
                        need(client_sends(fds[i], bytes, size), "a question");
                        echo();
                }
        free(fds);
}

/* Each of them is new. Returns how many have no answer. */
static int come_and_read(void)
{
        int lost = 0;
        char name[16], byte;

        for (int i = 0; i < NEWCOMERS && lost <= ALLOWED; i++) {
                int fd;

                snprintf(name, sizeof(name), "@new-%d", i);
                fd = new_client(name);
                lost += !client_says(fd, "?") || client_gets(fd, &byte, 1, LOST_MS) != 1;
                close(fd);
        }
        return lost;
}

static pid_t start_newcomers(int channel)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid > 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(server);
        dprintf(channel, "%d", come_and_read());
        _exit(0);
}

int main(int argc, char **argv)
{
        int clients, channel[2];
        pid_t pid;

        need(argc == 4, "how many, how often, how long");
        clients = atoi(argv[1]);
        need(raise_descriptors(clients + SPARE) == clients + SPARE, "descriptors");
        server = serve_datagrams(ADDRESS, 0);
        need(pipe(channel) == 0, "pipe");
        open_greedy(clients, atoi(argv[2]), (size_t)atoi(argv[3]));
        pid = start_newcomers(channel[1]);
        close(channel[1]);

        /* Until they are gone, each of them asks. */
        while (!readable(channel[0], 0))
                if (readable(server, 10))
                        echo();
        ok(atoi(reap_output(pid, channel[0])) <= ALLOWED, "newcomers are answered");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
