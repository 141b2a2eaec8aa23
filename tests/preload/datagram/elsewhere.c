/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads send from one socket that is not connected, which has sent by a rule before, to where
 * none leads, all at a time: it becomes IP's again, and none of them is told of that. Run bare too.
 * argv: the address of a server, one that no rule is about, and how many times.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS 3

static const char *address, *elsewhere;
static int fd, times;
static pthread_barrier_t barrier;

/* Somebody has to read, or senders wait. */
static void *read_all(void *server)
{
        char byte;

        while (recv((int)(intptr_t)server, &byte, 1, 0) >= 0)
                ;
        return NULL;
}

static void serve(int server)
{
        pthread_t thread;

        need(pthread_create(&thread, NULL, read_all, (void *)(intptr_t)server) == 0, "a thread");
        pthread_detach(thread);
}

static void *send_elsewhere(void *unused)
{
        const char *said;

        (void)unused;
        pthread_barrier_wait(&barrier);
        said = say(fd, elsewhere, "x");
        return strcmp(said, "sent") == 0 ? NULL : (void *)said;
}

/* What all of them are told, or one that is told something else. */
static const char *send_at_once(void)
{
        pthread_t threads[THREADS];
        const char *wrong = "sent";
        void *result;

        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, send_elsewhere, NULL) == 0, "a thread");
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i], &result);
                wrong = result ? result : wrong;
        }
        return wrong;
}

static void check(bool bound)
{
        const char *said = "sent";

        for (int i = 0; i < times && strcmp(said, "sent") == 0; i++) {
                fd = udp_socket(address);
                need(!bound || bind_to(fd, "127.0.0.1:0") == 0, "bind");
                said = say(fd, address, "x");
                if (strcmp(said, "sent") == 0)
                        said = send_at_once();
                close(fd);
        }
        is(said, "sent", "%s: what each of %d threads sends", bound ? "a bound socket" : "a socket",
           THREADS);
}

int main(int argc, char **argv)
{
        int before;

        need(argc == 4, "two addresses, and how many times");
        address = argv[1];
        elsewhere = argv[2];
        times = atoi(argv[3]);
        serve(udp_server(address));
        serve(udp_at(elsewhere));
        need(pthread_barrier_init(&barrier, NULL, THREADS) == 0, "a barrier");
        before = count_open();
        check(false);
        check(true);
        same(count_open(), before, "no descriptor is left over");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
