/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Empty datagrams in children that are forked while another thread sends first on one socket after
 * the other: who hears nothing may have been woken for a new socket, and waits for that, but there
 * is no such thread in a child. Run bare too. argv: the address of a server, and how many children.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define EMPTY 50
/* Of all of them together. Each would wait for 20 if it did. */
#define MILLISECONDS 500

static const char *address;
static _Atomic bool stopped;

static void *send_first(void *unused)
{
        while (!atomic_load(&stopped)) {
                const int fd = udp_socket(address);

                (void)say(fd, address, "x");
                close(fd);
        }
        return unused;
}

/* Two ends of IP, about which no rule is. */
static void open_pair(int ret[2])
{
        for (int i = 0; i < 2; i++) {
                ret[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                need(ret[i] >= 0 && bind_to(ret[i], "127.0.0.1:0") == 0, "an end");
        }
        need(connect_to(ret[0], local_name(ret[1])) == 0, "connect");
}

static int receive_empty(const int pair[2])
{
        const double start = slept();
        char byte;

        for (int i = 0; i < EMPTY; i++)
                if (send(pair[0], "", 0, 0) != 0 || recv(pair[1], &byte, 1, 0) != 0)
                        return 2;
        return slept() - start < MILLISECONDS ? 0 : 1;
}

/* Returns 0, 1 when that took too long, or another number when it failed. */
static int fork_one(const int pair[2])
{
        const pid_t child = fork();

        need(child >= 0, "fork");
        if (child == 0)
                _exit(receive_empty(pair));
        return reap(child);
}

int main(int argc, char **argv)
{
        pthread_t sender, reader;
        int server, pair[2], status = 0, done;

        need(argc == 3, "an address, and how many children");
        address = argv[1];
        server = udp_server(address);
        open_pair(pair);
        need(pthread_create(&sender, NULL, send_first, NULL) == 0, "a thread");
        is(hear(server), "x", "there is somebody who sends");
        need(pthread_create(&reader, NULL, udp_read_all, &server) == 0, "a thread");
        for (done = 0; done < atoi(argv[2]) && status == 0; done++)
                status = fork_one(pair);
        same(status, 0, "%d empty datagrams in the last of %d children", EMPTY, done);
        atomic_store(&stopped, true);
        pthread_join(sender, NULL);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
