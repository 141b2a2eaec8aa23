/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Clients with an abstract name that can't be answered, since they have gone or are in another
 * network namespace: it is no error, and told once, from LogLevel=notice on. argv: the address,
 * whether the server connects its socket to who has asked ("sends", "connects"), and whether it is
 * to be told.
 */

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char sentence[] = ": cannot be answered: gone, or in another network namespace\n";

static bool connects;

static int count_told(void)
{
        int n = 0;

        for (const char *at = messages(); (at = strstr(at, sentence)); at++)
                n++;
        return n;
}

/* The server answers, by a socket of its own where it connects that. */
static void answer_to(int server, const char *from)
{
        const int own = connects ? udp_socket(from) : -1;

        if (connects) {
                same(connect_to(own, from), 0, "it connects a socket to the client");
                is(say(own, NULL, "!"), "sent", "and answers by that");
                close(own);
        } else
                same(server_says(server, from, "!"), 0, "it answers");
}

static void check_answered(int server)
{
        const int theirs = new_client("@here");
        char from[64];

        need(client_says(theirs, "?"), "a client asks");
        is(server_hears(server, from), "?", "a client is heard");
        answer_to(server, from);
        is(client_hears(theirs), "!", "and hears the answer");
        same(count_told(), 0, "nothing is told of it");
        close(theirs);
}

/* Somebody who has not waited. */
static void check_gone(int server)
{
        const int theirs = new_client("@gone");
        char from[64];

        need(client_says(theirs, "?"), "a client asks");
        close(theirs);
        is(server_hears(server, from), "?", "one is heard who has gone");
        answer_to(server, from);
}

static void __attribute__((noreturn)) ask_elsewhere(int done)
{
        char byte;
        int theirs;

        need(unshare(CLONE_NEWNET) == 0, "unshare");
        theirs = new_client("@elsewhere");
        need(client_says(theirs, "?"), "a client asks");
        (void)!read(done, &byte, 1);
        _exit(client_gets(theirs, &byte, 1, 0) == -1 ? 0 : 1);
}

static void check_elsewhere(int server)
{
        char from[64];
        int done[2];
        pid_t pid;

        need(pipe(done) == 0, "pipe");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                close(done[1]);
                ask_elsewhere(done[0]);
        }
        close(done[0]);
        is(server_hears(server, from), "?", "one is heard in another network namespace");
        answer_to(server, from);
        close(done[1]);
        same(reap(pid), 0, "who gets no answer");
}

int main(int argc, char **argv)
{
        int server, wanted;

        need(argc == 4, "an address, how it answers, and whether it is told");
        connects = strcmp(argv[2], "connects") == 0;
        wanted = strcmp(argv[3], "told") == 0;
        server = serve_datagrams(argv[1], 0);
        check_answered(server);
        if (can_unshare_network()) {
                check_elsewhere(server);
                same(count_told(), wanted, "told: who is in another network namespace");
        } else
                skip("a client in another network namespace", "no right to make one");
        check_gone(server);
        same(count_told(), wanted, "told once for all");
        close(server);
        return tap_end();
}
