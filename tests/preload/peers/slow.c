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
 *     DELAY               milliseconds that the one that reads lets a datagram wait
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:8080"
#define PORT    10000 /* the first receiver's, where the sender asks */
#define AFTER   10    /* more rounds than a queue has room for */
#define SPARE   50
#define LEAST   300 /* milliseconds that a talk lasts, and until somebody has been answered */

/* A sender waits for 20 ms at most, in milliseconds: the rest is for timers that are late. */
#define WAIT_MS 1000

/* An answer that has not come by then is lost. */
#define LOST_MS 5000

/*
 * Who lets a datagram wait for as long as a sender waits may miss one, when the machine has other
 * things to do as well.
 */
#define LATE 20

static int sender, receivers, allowed; /* so many answers may be lost at a time */
static bool is_server;
static int *fds; /* the last one is of the one that reads */
static struct sockaddr_storage *addresses;

static struct {
        int failed;
        double longest;
} seen;

/* What the one that reads has seen: it is a process of its own, and this is both's memory. */
static struct {
        _Atomic int asked, lost;
        _Atomic double longest;
} * shared;

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
        need(client_says(fds[i], "?") && readable(sender, PATIENCE) &&
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

static void note_answer(bool answered, double start)
{
        const double took = milliseconds() - start;

        shared->asked++;
        shared->lost += !answered;
        if (answered && took > shared->longest)
                shared->longest = took;
}

/* The one that reads: a client that asks again when it has its answer. */
static void __attribute__((noreturn)) go_on_asking(int delay)
{
        uint32_t number = 0, got;

        for (;;) {
                const double start = milliseconds();
                bool answered = false;

                number++;
                need(client_sends(fds[receivers], &number, sizeof(number)), "a question");
                usleep((useconds_t)delay * 1000);
                while (!answered &&
                       client_gets(fds[receivers], &got, sizeof(got), LOST_MS) == sizeof(got))
                        answered = got == number;
                note_answer(answered, start);
        }
}

/* Or a server that answers. */
static void __attribute__((noreturn)) go_on_answering(int delay)
{
        struct sockaddr_storage from;
        uint32_t number;

        for (;;) {
                socklen_t length = sizeof(from);

                need(readable(fds[receivers], -1), "poll");
                usleep((useconds_t)delay * 1000);
                need(recvfrom(fds[receivers], &number, sizeof(number), 0, (struct sockaddr *)&from,
                              &length) == sizeof(number),
                     "a question");
                (void)!sendto(fds[receivers], &number, sizeof(number), 0, (struct sockaddr *)&from,
                              length);
        }
}

static pid_t start_reader(int delay)
{
        pid_t pid;

        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        need(shared != MAP_FAILED, "mmap");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid > 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (is_server)
                go_on_asking(delay);
        go_on_answering(delay);
}

static void send_to(int i, uint32_t number)
{
        const double before = slept();
        double took;

        seen.failed += sendto(sender, &number, sizeof(number), 0, (struct sockaddr *)&addresses[i],
                              sizeof(struct sockaddr_in)) != sizeof(number);
        took = slept() - before;
        if (took > seen.longest)
                seen.longest = took;
}

/* Have to do with the one that reads: answer it, if it has asked. */
static void serve(void)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        uint32_t number;

        if (recvfrom(sender, &number, sizeof(number), MSG_DONTWAIT, (struct sockaddr *)&from,
                     &length) == sizeof(number))
                send_to(receivers, number);
}

/* Or ask it, when it has answered or too much time has passed. */
static void ask(void)
{
        static uint32_t asked, answered;
        static double start;
        uint32_t number;

        while (recv(sender, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number))
                if (number == asked && answered != asked) {
                        answered = asked;
                        note_answer(true, start);
                }
        if (answered != asked && milliseconds() - start < LOST_MS)
                return;
        if (answered != asked)
                note_answer(false, start);
        answered = asked++;
        start = milliseconds();
        send_to(receivers, asked);
}

/* So many datagrams to each one. Returns for how many milliseconds that was waiting. */
static double talk(int rounds)
{
        static uint32_t number;
        const double start = milliseconds(), before = slept();
        double waited;

        memset(&seen, 0, sizeof(seen));
        shared->asked = shared->lost = 0;
        shared->longest = 0;
        for (int round = 0; round < rounds; round++)
                for (int i = 0; i < receivers; i++) {
                        send_to(i, ++number);
                        (is_server ? serve : ask)();
                }
        waited = slept() - before;
        while (milliseconds() - start < (shared->asked == 0 ? PATIENCE : LEAST))
                (is_server ? serve : ask)();
        return waited;
}

static void check_talk(int rounds, const char *what)
{
        const double waited = talk(rounds);

        note("%s: %.0f ms of waiting for %d datagrams, the longest %.1f ms; %d answers, the "
             "longest %.1f ms",
             what, waited, rounds * receivers, seen.longest, shared->asked, shared->longest);
        same(seen.failed, 0, "%s: nothing fails", what);
        ok(shared->lost <= allowed, "%s: the one that reads hears all", what);
        ok(shared->asked > 0, "%s: its traffic goes on", what);
        ok(seen.longest < WAIT_MS, "%s: no datagram waits long", what);
        ok(shared->longest < PATIENCE / 2.0, "%s: nor does the one that reads", what);
}

/* It was waited for them once; nobody pays for that for ever. */
static void check_later(void)
{
        const int rounds = 5;
        const double waited = talk(rounds);

        note("later: %.0f ms of waiting for %d datagrams, the longest %.1f ms; %d answers, the "
             "longest %.1f "
             "ms",
             waited, rounds * receivers, seen.longest, shared->asked, shared->longest);
        same(seen.failed, 0, "later: nothing fails");
        ok(shared->lost <= allowed, "later: the one that reads hears all");
        ok(waited < 200 + rounds * receivers, "later: there is no waiting any more");
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
        pid_t reader;

        need(argc == 7, "who, how, how many, how long, how much, how late");
        is_server = strcmp(argv[1], "server") == 0;
        receivers = atoi(argv[3]);
        allowed = atoi(argv[6]) >= LATE;
        set_queue_length(argv[4]);
        open_sender(strcmp(argv[2], "blocking") == 0, atoi(argv[5]));
        open_receivers();
        reader = start_reader(atoi(argv[6]));

        check_talk(atoi(argv[4]) + AFTER, "asleep");
        check_later();
        check_awake();
        kill(reader, SIGKILL);
        reap(reader);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
