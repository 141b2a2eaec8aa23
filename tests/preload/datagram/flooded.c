/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strangers send to a client without a pause: a call that does not wait returns all the same, after
 * it has thrown away so many that all of them have come since it began. Under rules alone, for two
 * ports: a client that has asked one server can't be sent to.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST    "127.0.0.1:8080"
#define SECOND   "127.0.0.1:8081"
#define THREADS  2
#define THROWN   4096 /* as many as a call throws away that does not wait */
#define DURATION 400  /* milliseconds */

static struct sockaddr_un name;
static socklen_t length;
static _Atomic long sent;
static _Atomic bool stopped;

static void *flood(void *unused)
{
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "a stranger's socket");
        while (!atomic_load(&stopped))
                if (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&name, length) == 1)
                        atomic_fetch_add(&sent, 1);
        close(fd);
        return unused;
}

/* Since a call throws away what is in the queue, that is room for so many more. */
static long queue_length(void)
{
        long most = 0;
        FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");

        need(file && fscanf(file, "%ld", &most) == 1, "the length of queues");
        fclose(file);
        return most + 1;
}

/*
 * As many as could be sent during one call, at most. It only looks at them, which takes longer than
 * sending them.
 */
static long longest_call(int fd)
{
        const double end = milliseconds() + DURATION;
        long longest = 0;

        while (milliseconds() < end) {
                const long before = atomic_load(&sent);
                char byte;
                const ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
                const long during = atomic_load(&sent) - before;

                need(n < 0, "a call that hears nobody");
                longest = during > longest ? during : longest;
        }
        return longest;
}

int main(void)
{
        const int first = udp_server(FIRST), second = udp_server(SECOND), fd = udp_socket(FIRST);
        pthread_t threads[THREADS];
        long longest;

        is(exchange(fd, FIRST, first), "both ways", "it asks one server");
        is(exchange(fd, SECOND, second), "both ways", "and another");
        need(udp_real_name(fd, &name, &length), "the client's name");
        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, flood, NULL) == 0, "a thread");
        longest = longest_call(fd);
        note("%ld were sent during one call, %ld in all", longest, atomic_load(&sent));
        ok(atomic_load(&sent) > 0, "strangers could send");
        ok(longest <= THROWN + queue_length() + THREADS, "no call has taken many of theirs");
        atomic_store(&stopped, true);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        while (recv(fd, &(char){0}, 1, MSG_DONTWAIT) >= 0)
                ;
        is(exchange(fd, FIRST, first), "both ways", "it works on");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
