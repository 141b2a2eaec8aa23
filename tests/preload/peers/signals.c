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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define CLIENTS   500
#define UNDER_WAY 6
#define PAUSE     200 /* microseconds between two signals */
#define LEAST     20  /* answers that either gives at least */

static int server;
static _Atomic bool *enough; /* shared with the clients */
static volatile sig_atomic_t wrong, handled, in_handler;

/* Each client is closed and made anew now and then, so that there are always new peers. */
static void __attribute__((noreturn)) ask(void)
{
        int fds[CLIENTS] = {0}, got;
        char name[64];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int n = 0; !*enough; n++) {
                int *fd = &fds[n % CLIENTS];

                if (n >= UNDER_WAY && (client_gets(fds[(n - UNDER_WAY) % CLIENTS], &got,
                                                   sizeof(got), PATIENCE) != sizeof(got) ||
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
        alarm_in(PAUSE);
        errno = saved;
}

int main(int argc, char **argv)
{
        const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        const struct timeval patience = {0, 100000};
        long answers = 0;
        int status = -1;
        double end;
        pid_t pid;

        need(argc == 3, "an address, milliseconds");
        enough = mmap(NULL, sizeof(*enough), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        need(enough != MAP_FAILED, "mmap");
        server = serve_datagrams(argv[1], 0);
        setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        pid = fork();
        if (pid == 0)
                ask();
        sigaction(SIGALRM, &action, NULL);
        alarm_in(PAUSE);
        end = milliseconds() + atoi(argv[2]);
        while (waitpid(pid, &status, WNOHANG) == 0) {
                answers += answer(0, answers % 16 == 0);
                *enough = milliseconds() >= end && answers >= LEAST && in_handler >= LEAST;
        }
        alarm_stop();

        same(status, 0, "each client has its answer");
        note("%ld answers, %d by handlers, %d signals", answers, (int)in_handler, (int)handled);
        same(wrong, 0, "nothing failed, and no address was wrong");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
