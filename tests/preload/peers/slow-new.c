/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One client after the other asks once and does not read, with its queue full: a server that may
 * wait does so for none of them but now and then. Each of them is new, so that nothing is known of
 * it. argv: how many.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:8080"
#define MOST    2000 /* no queue is as long */

/* Milliseconds: a send that waits for one receiver takes 20. Twice as much each is too slow yet. */
#define WAIT 20

static int server;

static void fill_queue(int fd)
{
        const int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un own;
        socklen_t length = sizeof(own);
        int n = 0;

        need(getsockname(fd, (struct sockaddr *)&own, &length) == 0, "getsockname");
        while (n < MOST &&
               sendto(other, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&own, length) == 1)
                n++;
        need(n < MOST && errno == EAGAIN, "a full queue");
        close(other);
}

static int new_asking(int i, bool full)
{
        char name[16];
        int fd;

        snprintf(name, sizeof(name), "@%d", i);
        fd = new_client(name);
        if (full && under_rules())
                fill_queue(fd);
        need(client_says(fd, "?"), "a question");
        return fd;
}

/* Returns for how many milliseconds the server has waited. */
static double serve_one(void)
{
        char from[64];
        double before;

        need(strcmp(server_hears(server, from), "?") == 0, "a question that is heard");
        before = slept();
        need(server_says(server, from, "!") == 0, "an answer");
        return slept() - before;
}

int main(int argc, char **argv)
{
        double waited = 0;
        int clients, answered = 0;

        need(argc == 2, "how many");
        clients = atoi(argv[1]);
        server = serve_datagrams(ADDRESS, 0);
        for (int i = 0; i < clients; i++) {
                const int slow = new_asking(i, true);
                int quick;

                waited += serve_one();
                quick = new_asking(clients + i, false);
                waited += serve_one();
                answered += strcmp(client_hears(quick), "!") == 0;
                close(quick);
                close(slow);
        }
        note("waited for %.0f ms", waited);
        ok(waited < clients * WAIT / 2.0, "%d that don't read are not waited for each", clients);
        same(answered, clients, "those that read have their answers");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
