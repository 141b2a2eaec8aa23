/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connection that goes through two programs, the second with an environment that the first has
 * emptied, is still an IP socket; and an epoll of a program that inherited a listener forgets it
 * when it is closed. Run bare too. argv: nothing, then the stage and the descriptors.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *number(int n)
{
        char *text;

        need(asprintf(&text, "%d", n) > 0, "memory");
        return text;
}

/* What the last stage is to print: '1' for what holds. */
static char results[] = "00";

static void try_inherited_listener(int listener)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event event = {EPOLLIN, {.u32 = 1}};

        need(epfd >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event) == 0, "epoll");
        need(client(0, listener) >= 0, "a client");
        results[0] = epoll_wait(epfd, &event, 1, PATIENCE) == 1 ? '1' : '0';
        close(listener);

        /* To a socket of the program's own nobody can connect any more. */
        if (is_activated())
                need(client(0, -1) >= 0, "a client of systemd's socket");
        results[1] = epoll_wait(epfd, &event, 1, 50) == 0 ? '1' : '0';
}

static void first_stage(char *program)
{
        const int listener = listen_at("127.0.0.1:8080");
        int theirs;
        const int connection = accept_client(0, listener, &theirs);

        need(fcntl(listener, F_SETFD, 0) == 0 && fcntl(connection, F_SETFD, 0) == 0, "fcntl");
        execl(program, program, "2", number(listener), number(connection), (char *)NULL);
        need(false, "execl");
}

static void second_stage(char **argv)
{
        static char stage[] = "3";
        char *const arguments[] = {argv[0], stage, argv[3], results, NULL};
        char *const nothing[] = {NULL};

        try_inherited_listener(atoi(argv[2]));
        execve(argv[0], arguments, nothing);
        need(false, "execve");
}

int main(int argc, char **argv)
{
        if (argc == 1)
                first_stage(argv[0]);
        if (strcmp(argv[1], "2") == 0)
                second_stage(argv);

        ok(argv[3][0] == '1', "an inherited listener in epoll tells of a client");
        ok(argv[3][1] == '1', "and is silent when it is closed");
        ok(is_local_peer(peer_name(atoi(argv[2])), AF_INET), "the peer is an IP address");
        return tap_end();
}
