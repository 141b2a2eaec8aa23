/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * POSIX lets a signal handler receive and send. A timer interrupts a server in the middle of that,
 * and the handler receives from the same socket, answers, and answers by a socket of its own.
 * Nobody may hang, and nobody's answer be lost or another's. argv: the address, how many
 * milliseconds.
 */

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define CLIENTS   500
#define UNDER_WAY 6

static int server;
static volatile sig_atomic_t wrong, handled, in_handler;

/* Each client is closed and made anew now and then, so that there are always new peers. */
static void __attribute__((noreturn)) ask(int duration)
{
        const double end = milliseconds() + duration;
        int fds[CLIENTS] = {0}, got;
        char name[64];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int n = 0; milliseconds() < end; n++) {
                int *fd = &fds[n % CLIENTS];

                if (n >= UNDER_WAY && (client_gets(fds[(n - UNDER_WAY) % CLIENTS], &got,
                                                   sizeof(got), 10000) != sizeof(got) ||
                                       got != n - UNDER_WAY))
                        _exit(1);
                if (*fd > 0)
                        close(*fd);
                snprintf(name, sizeof(name), "@%d", n % 10000);
                *fd = new_client(name);
                if (!client_sends(*fd, &n, sizeof(n)))
                        _exit(2);
        }
        _exit(0);
}

/* Async-signal-safe by POSIX, every call of it. */
static bool answer(int flags, bool elsewhere)
{
        struct sockaddr_in from = {0};
        socklen_t length = sizeof(from);
        int question, fd = server;

        if (recvfrom(server, &question, sizeof(question), flags, (struct sockaddr *)&from,
                     &length) != sizeof(question))
                return false;
        wrong += from.sin_family != AF_INET || length != sizeof(from);
        if (elsewhere) {
                fd = socket(AF_INET, SOCK_DGRAM, 0);
                wrong += connect(fd, (struct sockaddr *)&from, length) != 0;
                wrong += send(fd, &question, sizeof(question), 0) != sizeof(question);
                wrong += close(fd) != 0;
        } else {
                wrong += sendto(fd, &question, sizeof(question), 0, (struct sockaddr *)&from,
                                length) != sizeof(question);
        }
        return true;
}

static void handle(int number)
{
        const int saved = errno;

        (void)number;
        in_handler += answer(MSG_DONTWAIT, handled % 4 == 0);
        handled++;
        errno = saved;
}

int main(int argc, char **argv)
{
        const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        const struct itimerval timer = {{0, 200}, {0, 200}}, stop = {0};
        const struct timeval patience = {0, 100000};
        int duration;
        long answers = 0;
        double end;
        pid_t pid;

        need(argc == 3, "an address, milliseconds");
        duration = atoi(argv[2]);
        server = serve_datagrams(argv[1], 0);
        setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        pid = fork();
        if (pid == 0)
                ask(duration);
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        for (end = milliseconds() + duration + 200; milliseconds() < end;)
                answers += answer(0, answers % 16 == 0);
        setitimer(ITIMER_REAL, &stop, NULL);

        same(reap(pid), 0, "each client has its answer");
        note("%ld answers, %d by handlers, %d signals", answers, (int)in_handler, (int)handled);
        ok(answers > 10 && in_handler > 10, "both were at work");
        same(wrong, 0, "nothing failed, and no address was wrong");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
