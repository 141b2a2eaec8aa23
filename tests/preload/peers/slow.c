/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Receivers that do not read, next to one that does, whose traffic must go on: a Unix socket's
 * sender pays for what waits in the queues of others out of one buffer, and is blocked for all of
 * them when that is used up. When they read again they hear again. argv:
 *
 *     server|client       who sends: one that has been asked by all, or one that asks them
 *     blocking|waitless   whether the sender's socket may wait
 *     RECEIVERS           that do not read
 *     LENGTH              of their queues (net.unix.max_dgram_qlen)
 *     BUFFER              the sender's SO_SNDBUF, 0: as it is
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:8080"
#define PORT    10000 /* the first receiver's, where the sender asks */
#define AFTER   10    /* more rounds than a queue has room for */
#define SPARE   50

/* A sender waits for 20 ms at most; the rest is for a machine that is busy with other things. */
#define WAIT_MS 80

static int sender, receivers;
static bool is_server;
static int *fds; /* the last one is of the one that reads */
static struct sockaddr_storage *addresses;

static struct {
        int failed, lost;
        double longest, gap, heard;
} seen;

static void set_queue_length(const char *length)
{
        const int fd = open("/proc/sys/net/unix/max_dgram_qlen", O_WRONLY | O_CLOEXEC);

        need(fd >= 0 && write(fd, length, strlen(length)) == (ssize_t)strlen(length),
             "max_dgram_qlen");
        close(fd);
}

static void open_sender(bool waits, int buffer)
{
        sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
        need(sender >= 0, "socket");
        if (buffer > 0)
                need(set_option(sender, SOL_SOCKET, SO_SNDBUF, buffer) == 0, "SO_SNDBUF");
        if (!is_server)
                return;
        errno = bind_to(sender, ADDRESS);
        need(errno == 0, ADDRESS);
        clients_reach(0, ADDRESS);
}

/* One that has asked, and one that is asked. */
static void open_client(int i)
{
        char name[64], byte;
        socklen_t length = sizeof(addresses[i]);

        snprintf(name, sizeof(name), "@%d", i);
        fds[i] = new_client(name);
        need(client_says(fds[i], "?") && readable(sender, 2000) &&
                     recvfrom(sender, &byte, 1, 0, (struct sockaddr *)&addresses[i], &length) == 1,
             "a client that is heard");
}

static void open_server(int i)
{
        char address[64], name[16];

        snprintf(address, sizeof(address), "127.0.0.1:%d", PORT + i);
        snprintf(name, sizeof(name), "%d", PORT + i);
        address_of(address, &addresses[i]);
        if (under_rules()) {
                fds[i] = serve_unix(in_directory(name), SOCK_DGRAM, 0);
                return;
        }
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        errno = bind_to(fds[i], address);
        need(errno == 0, address);
}

static void open_receivers(void)
{
        fds = calloc((size_t)receivers + 1, sizeof(*fds));
        addresses = calloc((size_t)receivers + 1, sizeof(*addresses));
        need(fds && addresses, "memory");
        need(raise_descriptors(receivers + SPARE) == receivers + SPARE, "descriptors");
        for (int i = 0; i <= receivers; i++)
                (is_server ? open_client : open_server)(i);
}

static void send_to(int i, uint32_t number)
{
        const double start = milliseconds();
        double took;

        seen.failed += sendto(sender, &number, sizeof(number), 0, (struct sockaddr *)&addresses[i],
                              sizeof(struct sockaddr_in)) != sizeof(number);
        took = milliseconds() - start;
        if (took > seen.longest)
                seen.longest = took;
}

/* The one that reads gets each datagram, at once. */
static void hear(uint32_t number)
{
        uint32_t got = 0;

        seen.lost += recv(fds[receivers], &got, sizeof(got), MSG_DONTWAIT) != sizeof(got) ||
                     got != number;
        if (milliseconds() - seen.heard > seen.gap)
                seen.gap = milliseconds() - seen.heard;
        seen.heard = milliseconds();
}

/* So many datagrams to each one. Returns the milliseconds that it took. */
static double talk(int rounds)
{
        static uint32_t number;
        const double start = milliseconds();

        memset(&seen, 0, sizeof(seen));
        seen.heard = start;
        for (int round = 0; round < rounds; round++)
                for (int i = 0; i < receivers; i++) {
                        send_to(i, ++number);
                        send_to(receivers, number);
                        hear(number);
                }
        return milliseconds() - start;
}

static void check_talk(int rounds, const char *what)
{
        const double took = talk(rounds);

        note("%s: %.0f ms for %d times 2 datagrams, the longest %.1f ms, the longest gap %.1f ms",
             what, took, rounds * receivers, seen.longest, seen.gap);
        same(seen.failed, 0, "%s: nothing fails", what);
        same(seen.lost, 0, "%s: the one that reads hears all", what);
        ok(seen.longest < WAIT_MS, "%s: no datagram waits long", what);
        ok(seen.gap < 2 * WAIT_MS, "%s: nor does the one that reads", what);
}

/* It was waited for them once; nobody pays for that for ever. */
static void check_later(void)
{
        const int rounds = 5;
        const double took = talk(rounds);

        note("later: %.0f ms for %d times 2 datagrams, the longest %.1f ms", took,
             rounds * receivers, seen.longest);
        same(seen.failed + seen.lost, 0, "later: all is heard");
        ok(took < 100 + 0.2 * rounds * receivers, "later: there is no waiting any more");
}

/* Returns how many have heard something. */
static int drain(void)
{
        uint32_t number, before;
        int heard = 0;

        for (int i = 0; i < receivers; i++) {
                bool any = false;

                for (before = 0; recv(fds[i], &number, sizeof(number), MSG_DONTWAIT) > 0;) {
                        need(number > before, "the order of what is heard");
                        before = number;
                        any = true;
                }
                heard += any;
        }
        return heard;
}

static void check_awake(void)
{
        same(drain(), receivers, "all of them wake up and read what is there");
        check_talk(1, "awake");
        same(drain(), receivers, "and hear again");
        check_talk(3, "awake for longer");
        same(drain(), receivers, "and again");
}

int main(int argc, char **argv)
{
        need(argc == 6, "who, how, how many, how long, how much");
        is_server = strcmp(argv[1], "server") == 0;
        receivers = atoi(argv[3]);
        set_queue_length(argv[4]);
        open_sender(strcmp(argv[2], "blocking") == 0, atoi(argv[5]));
        open_receivers();

        check_talk(atoi(argv[4]) + AFTER, "asleep");
        check_later();
        check_awake();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
