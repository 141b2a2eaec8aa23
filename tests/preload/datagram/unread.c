/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a process has not read yet of its answers stays for it when its children use the socket that
 * they have inherited: one that was forked, and asks the same server; and programs that are
 * executed, which ask for the socket's name, or the server. When a child asks another server, it is
 * answered, and goes on to be when its parent asks the first. Run bare too. argv: how many servers;
 * "name" or "ask" in a program that is executed.
 */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST  "127.0.0.1:8080"
#define SECOND "127.0.0.1:8081"

/* Under rules, between two looks whether it is the same server. */
#define PAUSE 350000

#define SELF "/proc/self/exe"

static int server;

/* Where rules lead to several servers, it is from its second answer on that a socket hears one. */
static int open_client(void)
{
        const int fd = udp_socket(FIRST);

        for (int i = 0; i < 3; i++)
                is(exchange(fd, FIRST, server), "both ways", "question %d is answered", i + 1);
        return fd;
}

static void serve(const char *question, const char *text)
{
        is(hear(server), question, "the server hears it");
        is(answer(server, text), "sent", "and answers");
}

static void ask(int fd)
{
        is(say(fd, FIRST, "first"), "sent", "the parent asks");
        serve("first", "its answer");
}

static int child_asks(int fd)
{
        return strcmp(say(fd, FIRST, "second"), "sent") == 0 ? 0 : 1;
}

static void check_forked(void)
{
        const int fd = open_client();
        pid_t pid;

        ask(fd);
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(child_asks(fd));
        same(reap(pid), 0, "a forked child asks as well");
        serve("second", "its child's");
        is(hear(fd), "its answer", "the first answer is there");
        is(hear(fd), "its child's", "and the second");
        close(fd);
}

static void check_executed(const char *what)
{
        const int fd = open_client();
        pid_t pid;

        ask(fd);
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                dup2(fd, 0);
                execl(SELF, "unread", what, (char *)NULL);
                _exit(127);
        }
        same(reap(pid), 0, "a program is executed: %s", what);
        if (strcmp(what, "ask") == 0)
                serve("second", "its child's");
        is(hear(fd), "its answer", "the first answer is there");
        if (strcmp(what, "ask") == 0)
                is(hear(fd), "its child's", "and the second");
        is(hear_soon(fd), "nothing", "and that is all");
        is(exchange(fd, FIRST, server), "both ways", "the socket works on");
        close(fd);
}

static int executed(const char *what)
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        if (getsockname(0, (struct sockaddr *)&in, &length) < 0 || in.sin_family != AF_INET)
                return 2;
        return strcmp(what, "ask") == 0 ? child_asks(0) : 0;
}

/* For each byte the child asks the other server, and says whether it was answered. */
static void __attribute__((noreturn)) ask_other(int fd, int channel)
{
        char byte;

        while (read(channel, &byte, 1) == 1) {
                byte = strcmp(say(fd, SECOND, "other"), "sent") == 0 &&
                                       strcmp(hear(fd), "the other's") == 0
                               ? 'y'
                               : 'n';
                (void)!write(channel, &byte, 1);
        }
        _exit(0);
}

static void check_child(int channel, int other, const char *when)
{
        char byte = 'x';

        need(write(channel, &byte, 1) == 1, "a command");
        is(hear(other), "other", "%s: a child asks another server", when);
        is(answer(other, "the other's"), "sent", "which answers");
        ok(read(channel, &byte, 1) == 1 && byte == 'y', "and is heard");
}

static void check_other(void)
{
        const int fd = open_client(), other = udp_server(SECOND);
        int pair[2];
        pid_t pid;

        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                close(pair[0]);
                ask_other(fd, pair[1]);
        }
        close(pair[1]);
        check_child(pair[0], other, "at first");
        usleep(PAUSE);
        is(exchange(fd, FIRST, server), "both ways", "the parent asks the first");
        check_child(pair[0], other, "then");
        close(pair[0]);
        same(reap(pid), 0, "the child ends");
        close(other);
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "how many servers");
        if (strcmp(argv[1], "name") == 0 || strcmp(argv[1], "ask") == 0)
                return executed(argv[1]);

        server = udp_server(FIRST);
        check_forked();
        check_executed("name");
        check_executed("ask");
        if (strcmp(argv[1], "two") == 0)
                check_other();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
