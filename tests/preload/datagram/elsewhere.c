/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads send from one socket that is not connected, some to where a rule leads and others where
 * none does, so that it becomes a Unix socket and IP's again all the time: none of them is told of
 * that. Run bare too. argv: the address of a server, one that no rule is about, and how many times.
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

static void serve(int *server)
{
        pthread_t thread;

        need(pthread_create(&thread, NULL, udp_read_all, server) == 0, "a thread");
        pthread_detach(thread);
}

/* The functions of the threads return what one was told last that was not "sent", or NULL. */
static void *send_in_turns(void *number)
{
        const char *wrong = NULL;

        pthread_barrier_wait(&barrier);
        for (int i = 0; i < times; i++) {
                const bool ruled = (i + (int)(intptr_t)number) % 4 == 0;
                const char *said = say(fd, ruled ? address : elsewhere, "x");

                if (strcmp(said, "sent") != 0)
                        wrong = said;
        }
        return (void *)wrong;
}

static void *send_elsewhere(void *unused)
{
        const char *said;

        (void)unused;
        pthread_barrier_wait(&barrier);
        said = say(fd, elsewhere, "x");
        return strcmp(said, "sent") == 0 ? NULL : (void *)said;
}

static const char *run(void *(*function)(void *))
{
        pthread_t threads[THREADS];
        const char *wrong = "sent";
        void *result;

        for (intptr_t i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, function, (void *)i) == 0, "a thread");
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i], &result);
                wrong = result ? result : wrong;
        }
        return wrong;
}

static void open_socket(bool bound)
{
        fd = udp_socket(address);
        need(!bound || bind_to(fd, "127.0.0.1:0") == 0, "bind");
}

static void check_in_turns(bool bound)
{
        open_socket(bound);
        is(run(send_in_turns), "sent", "in turns, %s: all that %d threads send",
           bound ? "bound" : "not bound", THREADS);
        close(fd);
}

static void check_once(bool bound)
{
        const char *said = "sent";

        for (int i = 0; i < times && strcmp(said, "sent") == 0; i++) {
                open_socket(bound);
                said = say(fd, address, "x");
                if (strcmp(said, "sent") == 0)
                        said = run(send_elsewhere);
                close(fd);
        }
        is(said, "sent", "elsewhere at once, %s: what each of %d threads sends",
           bound ? "bound" : "not bound", THREADS);
}

int main(int argc, char **argv)
{
        static int ruled, unruled;
        int before;

        need(argc == 4, "two addresses, and how many times");
        address = argv[1];
        elsewhere = argv[2];
        times = atoi(argv[3]);
        ruled = udp_server(address);
        unruled = udp_at(elsewhere);
        serve(&ruled);
        serve(&unruled);
        need(pthread_barrier_init(&barrier, NULL, THREADS) == 0, "a barrier");
        before = count_open();
        for (int bound = 0; bound < 2; bound++) {
                /* Who reads of a socket that is another already looks again: see HACKING.md. */
                if (SANITIZED_THREAD)
                        skip("in turns", "objects are made anew while they are read");
                else
                        check_in_turns(bound);
                check_once(bound);
        }
        same(count_open(), before, "no descriptor is left over");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
