/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Children that are forked while other threads connect a socket and send for the first time can do
 * the same with what they have inherited. Run bare too. argv: an address, and how many children.
 */

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int shared;
static _Atomic bool stopped;

static void *connect_often(void *unused)
{
        while (!atomic_load(&stopped))
                (void)connect_to(shared, address);

        return unused;
}

/* Returns 0 or an errno. */
static int use(int fresh)
{
        const char *said = say(fresh, address, "x");

        if (strcmp(said, "sent") != 0)
                return EIO;
        for (int i = 0; i < 2; i++)
                if (connect_to(shared, address) != 0)
                        return errno != 0 ? errno : EIO;
        return 0;
}

static int fork_one(void)
{
        const pid_t child = fork();
        int status;

        need(child >= 0, "fork");
        if (child == 0) {
                alarm(10);
                _exit(use(udp_socket(address)));
        }

        need(waitpid(child, &status, 0) == child, "waitpid");
        return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static void drain(int server)
{
        char byte;

        while (recv(server, &byte, 1, MSG_DONTWAIT) >= 0)
                ;
}

int main(int argc, char **argv)
{
        int server, wrong = 0, last = 0;
        pthread_t threads[2];

        need(argc == 3, "an address, and a number of children");
        address = argv[1];
        server = udp_at(address);
        shared = udp_to(address);
        for (int i = 0; i < 2; i++)
                need(pthread_create(&threads[i], NULL, connect_often, NULL) == 0, "a thread");
        for (int i = 0; i < atoi(argv[2]); i++) {
                const int error = fork_one();

                wrong += error != 0;
                last = error != 0 ? error : last;
                drain(server);
        }
        atomic_store(&stopped, true);
        for (int i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        same(connect_to(shared, address), 0, "connect once more");
        same(wrong, 0, "children that could not (the last: errno %d)", last);
        is(exchange(shared, NULL, server), "both ways", "the socket works on");
        return tap_end();
}
