/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread begins to wait for the answer in the very moment in which another one, that sends first,
 * gets the socket replaced: it hears of it, with the address of the server. Run bare too. argv: the
 * address of a server, how many times.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int fd;
static char source[64]; /* from whom there was an answer, or what went wrong */
static pthread_barrier_t barrier;
static _Atomic bool has_sent;

static ino_t inode_now(void)
{
        struct stat st;

        return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Until the descriptor is another socket, but is not known as one yet. */
static void meet(void)
{
        const ino_t before = inode_now();

        pthread_barrier_wait(&barrier);
        while (!atomic_load(&has_sent) && inode_now() == before)
                ;
}

static void *receive(void *unused)
{
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof(from);
        char bytes[16];
        ssize_t n;

        (void)unused;
        meet();
        n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length);
        snprintf(source, sizeof(source), "%s",
                 n != 6        ? result(n)
                 : length == 0 ? "nobody"
                               : address_text((struct sockaddr *)&from));
        return NULL;
}

static void try_once(int server)
{
        const struct timeval patience = {.tv_sec = PATIENCE / 1000};
        pthread_t thread;

        fd = udp_socket(address);
        need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
             "a timeout");
        atomic_store(&has_sent, false);
        need(pthread_create(&thread, NULL, receive, NULL) == 0, "a thread");
        pthread_barrier_wait(&barrier);
        need(strcmp(say(fd, address, "question"), "sent") == 0, "the question");
        atomic_store(&has_sent, true);
        need(strcmp(hear(server), "question") == 0, "the server hears");
        need(strcmp(answer(server, "answer"), "sent") == 0, "the server answers");
        pthread_join(thread, NULL);
        close(fd);
}

int main(int argc, char **argv)
{
        int server, before, done = 0;

        need(argc == 3, "an address, and how many times");
        address = argv[1];
        server = udp_server(address);
        before = count_open();
        need(pthread_barrier_init(&barrier, NULL, 2) == 0, "a barrier");
        do
                try_once(server);
        while (++done < atoi(argv[2]) && strcmp(source, address) == 0);
        is(source, address, "from whom there was an answer, the last of %d times", done);
        same(count_open(), before, "no descriptor is left over");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
