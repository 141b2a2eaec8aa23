/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread duplicates a client's socket while another sends from it where no rule leads, so that it
 * becomes IP's again: what the copy is then, a call on it does not wait for somebody who is done.
 * Run bare too. argv: the address of a server, one that no rule is about, and how many times.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Who waits for what nobody ends does so for half a second. */
#define MILLISECONDS 250

/* Microseconds within which a client's socket is IP's again, if nobody disturbs. */
#define SPREAD 400

static const char *address, *elsewhere;
static int fd, server;
static pthread_barrier_t barrier;

static void *lead_back(void *unused)
{
        (void)unused;
        pthread_barrier_wait(&barrier);
        return (void *)say(fd, elsewhere, "x");
}

/* Sleeping takes longer than that. */
static void spin(int microseconds)
{
        const double end = milliseconds() + microseconds / 1000.0;

        while (milliseconds() < end)
                ;
}

/* What went wrong with the copy, or NULL. */
static const char *use(int copy)
{
        double start = slept();
        char byte;

        if (recv(copy, &byte, 1, MSG_DONTWAIT) >= 0)
                return "something to hear";
        if (slept() - start >= MILLISECONDS)
                return "a receive that waits";
        start = slept();
        close(copy);
        return slept() - start >= MILLISECONDS ? "a close that waits" : NULL;
}

static const char *try_once(int round)
{
        pthread_t thread;
        const char *wrong;
        void *said;
        int copy;

        fd = udp_socket(address);
        need(strcmp(say(fd, address, "x"), "sent") == 0 && strcmp(hear(server), "x") == 0,
             "a client");
        need(pthread_create(&thread, NULL, lead_back, NULL) == 0, "a thread");
        pthread_barrier_wait(&barrier);
        spin(round * 7 % SPREAD);
        copy = dup(fd);
        pthread_join(thread, &said);

        wrong = copy < 0 ? "no copy" : use(copy);
        close(fd);
        return strcmp(said, "sent") == 0 ? wrong : said;
}

int main(int argc, char **argv)
{
        const char *wrong = NULL;
        int other, before, done;

        need(argc == 4, "two addresses, and how many times");
        address = argv[1];
        elsewhere = argv[2];
        server = udp_server(address);
        other = udp_at(elsewhere);
        need(pthread_barrier_init(&barrier, NULL, 2) == 0, "a barrier");
        /* What that opens stays open. */
        (void)slept();
        before = count_open();
        for (done = 0; done < atoi(argv[3]) && !wrong; done++)
                wrong = try_once(done);
        is(wrong ? wrong : "fine", "fine", "the copy, after %d times", done);
        same(count_open(), before, "no descriptor is left over");
        is(messages(), "", "nothing is printed");
        close(other);
        return tap_end();
}
