/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process forks again and again while another of its threads sends first on one socket after the
 * other, where a rule leads and then where none does: in the child, where there is no such thread,
 * the socket it was about has nothing to hear, and says so at once. Run bare too. argv: the address
 * of a server, one that no rule is about, and how many children.
 */

#include <fcntl.h>
#include <poll.h>
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

/* Who waits for what nobody ends does so for half a second. */
#define MILLISECONDS 250

/* What the forked children say. */
enum {
        FINE,
        LATE,
        READABLE,
        HEARD,
        NO_SOCKET,
};

static const char *const findings[] = {
        [FINE] = "fine",
        [LATE] = "a call that waits",
        [READABLE] = "what can be read",
        [HEARD] = "what is received",
};

static const char *address, *elsewhere;
static _Atomic int current = -1;
static _Atomic bool stopped, goes_back;

static void *send_first(void *unused)
{
        while (!atomic_load(&stopped)) {
                const int fd = udp_socket(address);

                atomic_store(&current, fd);
                (void)say(fd, address, "x");
                if (atomic_load(&goes_back))
                        (void)say(fd, elsewhere, "x");
                atomic_store(&current, -1);
                close(fd);
        }
        return unused;
}

static bool has_input(int fd)
{
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};

        return poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN;
}

/* fd: -1, or closed, when the thread was between two sockets. */
static int look(int fd, bool converts)
{
        double start;
        ssize_t n;
        char byte;

        if (fd < 0 || fcntl(fd, F_GETFD) < 0)
                return NO_SOCKET;
        start = slept();
        if (converts)
                (void)say(udp_socket(address), address, "y");
        n = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (slept() - start >= MILLISECONDS)
                return LATE;
        if (has_input(fd))
                return READABLE;
        return n >= 0 || recv(fd, &byte, 1, MSG_DONTWAIT) >= 0 ? HEARD : FINE;
}

static int fork_one(bool converts)
{
        const pid_t child = fork();

        need(child >= 0, "fork");
        if (child == 0)
                _exit(look(atomic_load(&current), converts));
        return reap(child);
}

/* converts: the children do what the thread does. */
static void check(int children, bool converts)
{
        int status = FINE, had_one = 0;

        for (int i = 0; i < children && status == FINE; i++) {
                usleep((useconds_t)(i * 37 % 700));
                status = fork_one(converts);
                if (status == NO_SOCKET)
                        status = FINE;
                else
                        had_one++;
        }
        note("%d children had a socket", had_one);
        if (status >= 0 && status < NO_SOCKET)
                is(findings[status], findings[FINE], "%s: children %s",
                   atomic_load(&goes_back) ? "there and back" : "first",
                   converts ? "that send first, too" : "that receive");
        else
                same(status, FINE, "how a child ended");
}

int main(int argc, char **argv)
{
        pthread_t sender, readers[2];
        int servers[2];

        need(argc == 4, "two addresses, and how many children");
        address = argv[1];
        elsewhere = argv[2];
        servers[0] = udp_server(address);
        servers[1] = udp_at(elsewhere);
        for (int i = 0; i < 2; i++)
                need(pthread_create(&readers[i], NULL, udp_read_all, &servers[i]) == 0, "a thread");
        need(pthread_create(&sender, NULL, send_first, NULL) == 0, "a thread");
        check(atoi(argv[3]), false);
        check(atoi(argv[3]), true);
        atomic_store(&goes_back, true);
        check(atoi(argv[3]), false);
        atomic_store(&stopped, true);
        pthread_join(sender, NULL);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
