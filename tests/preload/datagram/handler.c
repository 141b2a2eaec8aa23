/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dup2(2) puts one socket after the other over a number from which a handler receives: it may
 * interrupt that anywhere, and never waits for what it has interrupted. Run bare too. argv: the
 * address of a server, how many times the handler runs, and what sockets there are: "new" ones, or
 * such as have "sent".
 */

#include <errno.h>
#include <signal.h>
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

static const char *address;
static int fd, server;
static volatile sig_atomic_t left, late, received;

/* At different moments of what it interrupts. */
static int next_moment(void)
{
        return 100 + left * 37 % 300;
}

static void receive(int signal)
{
        const int saved = errno;
        const double start = slept();
        char byte;

        (void)signal;
        if (recvfrom(fd, &byte, 1, MSG_DONTWAIT, NULL, NULL) >= 0)
                received = 1;
        if (slept() - start >= MILLISECONDS)
                late = 1;
        if (--left > 0)
                alarm_in(next_moment());
        errno = saved;
}

static void replace(bool sent)
{
        const int new = udp_socket(address);
        char byte;

        /* Somebody has to read, or who sends waits. */
        if (sent && strcmp(say(new, address, "x"), "sent") == 0)
                (void)recv(server, &byte, 1, 0);
        need(dup2(new, fd) == fd, "dup2");
        close(new);
}

/* sent: what is put there has been led by a rule. */
static void check(int times, bool sent)
{
        const struct sigaction action = {.sa_handler = receive, .sa_flags = SA_RESTART};
        const double end = milliseconds() + PATIENCE;

        fd = udp_socket(address);
        left = times;
        need(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
        alarm_in(next_moment());
        while (left > 0 && !late && milliseconds() < end)
                replace(sent);
        alarm_stop();
        ok(!late, "%s: no handler waits", sent ? "sockets that have sent" : "new sockets");
        same(left, 0, "all of %d have run", times);
        ok(!received, "and have heard nothing");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 4, "an address, how many times, and what sockets");
        address = argv[1];
        server = udp_server(address);
        check(atoi(argv[2]), strcmp(argv[3], "sent") == 0);
        is(messages(), "", "nothing is printed");
        close(server);
        return tap_end();
}
