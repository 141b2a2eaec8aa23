/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread waits for datagrams on a client's socket that a rule has led to a Unix socket, when
 * another one sends where no rule leads: the socket is IP's again, and who waits hears of the
 * answer from there. Run bare too. argv: the address of a server, and one that no rule is about.
 */

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static int fd;
static char heard[64];
static struct sockaddr_storage from;
static socklen_t from_length;

static ssize_t by_recv(void)
{
        return recv(fd, heard, sizeof(heard), 0);
}

static ssize_t by_recvfrom(void)
{
        return recvfrom(fd, heard, sizeof(heard), 0, (struct sockaddr *)&from, &from_length);
}

static ssize_t by_read(void)
{
        return read(fd, heard, sizeof(heard));
}

static ssize_t by_poll(void)
{
        struct pollfd event = {.fd = fd, .events = POLLIN};

        return poll(&event, 1, PATIENCE) == 1 ? by_recvfrom() : -2;
}

static const struct way {
        const char *name;
        ssize_t (*receive)(void);
        bool tells_source;
} ways[] = {
        {"recv", by_recv, false},
        {"recvfrom", by_recvfrom, true},
        {"read", by_read, false},
        {"poll and recvfrom", by_poll, true},
};

static void *wait_for_answer(void *argument)
{
        const struct way *way = argument;

        return (void *)way->receive();
}

static void open_client(void)
{
        const struct timeval patience = {.tv_sec = PATIENCE / 1000};

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        need(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
             "a client");
        memset(heard, 0, sizeof(heard));
        from_length = sizeof(from);
}

static void check(const struct way *way, const char *address, int server, const char *elsewhere,
                  int other)
{
        pthread_t thread;
        void *length;

        open_client();
        is(exchange(fd, address, server), "both ways", "%s: a rule leads a client", way->name);
        need(pthread_create(&thread, NULL, wait_for_answer, (void *)way) == 0, "a thread");
        until_threads_wait(1);
        is(say(fd, elsewhere, "question"), "sent", "%s: another thread sends", way->name);
        is(hear(other), "question", "and is heard elsewhere");
        is(answer(other, "answer"), "sent", "it is answered");
        pthread_join(thread, &length);

        same((ssize_t)length, 6, "who waits hears of it");
        is(heard, "answer", "and what it is");
        if (way->tells_source)
                is(address_text((struct sockaddr *)&from), elsewhere, "and from whom");
        is(exchange(fd, address, server), "both ways", "a rule leads it once more");
        close(fd);
}

int main(int argc, char **argv)
{
        int server, other;

        need(argc == 3, "two addresses");
        server = udp_server(argv[1]);
        other = udp_at(argv[2]);
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                check(&ways[i], argv[1], server, argv[2], other);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
