/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A child waits on a socket that it shares with the parent, in which other threads run, when the
 * parent sends: nothing comes for that, empty or not. Nor does it in a program that was executed
 * with the socket, or for the parent when that program sends. And who waits in another thread on a
 * socket that was made after the fork hears of the answer. Run bare too. argv: the address of a
 * server, and one that no rule is about, where there can be such a one. The program runs itself
 * with "wait" or "send", those, and descriptors.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

#define SELF "/proc/self/exe"

static char *address, *elsewhere;
static int server;

/* What comes of a call is written to the pipe. */
static void __attribute__((noreturn)) receive(int fd, int results)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                char byte;
                const ssize_t n = recv(fd, &byte, 1, 0);

                (void)!write(results, n == 0 ? "0" : "x", 1);
                if (n < 0)
                        _exit(1);
        }
}

static pid_t start_child(int fd, int *ret_results)
{
        int ends[2];
        pid_t pid;

        need(pipe(ends) == 0, "a pipe");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
                receive(fd, ends[1]);
        close(ends[1]);
        *ret_results = ends[0];
        return pid;
}

static char *text_of(int number)
{
        char *ret = NULL;

        need(asprintf(&ret, "%d", number) > 0, "memory");
        return ret;
}

/* The same in another program. */
static pid_t spawn_child(int fd, int *ret_results)
{
        char *argv[] = {(char *)"shared", (char *)"wait", text_of(fd), NULL, NULL};
        int ends[2];
        pid_t pid;

        need(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, 0) == 0 &&
                     fcntl(fd, F_SETFD, 0) == 0,
             "a pipe");
        argv[3] = text_of(ends[1]);
        need(posix_spawn(&pid, SELF, NULL, NULL, argv, environ) == 0, "posix_spawn");
        close(ends[1]);
        free(argv[2]);
        free(argv[3]);
        *ret_results = ends[0];
        return pid;
}

static void check_child(int fd, const char *to, const char *how, pid_t (*start)(int, int *))
{
        int results;
        const pid_t child = start(fd, &results);

        until_process_waits(child);
        is(say(fd, to, "question"), "sent", "%s: the parent sends", how);
        ok(!readable(results, 50), "%s: the child waits on", how);
        kill(child, SIGKILL);
        same(reap(child), 1000 + SIGKILL, "%s: as long as it may", how);
        close(results);
}

/* Whose sockets it has says nothing of those that are made later. */
static void fork_another(void)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(0);
        same(reap(pid), 0, "a child that shares other sockets");
}

static void check_first(bool bound, const char *how, pid_t (*start)(int, int *))
{
        int fd;

        fork_another();
        fd = udp_socket(address);
        need(!bound || bind_to(fd, "127.0.0.1:0") == 0, "bind");
        check_child(fd, address, how, start);
        is(hear(server), "question", "%s: it is heard", how);
        is(exchange(fd, address, server), "both ways", "%s: it works on", how);
        close(fd);
}

/* One that has sent by a rule, and then sends where none leads. */
static void check_led_back(void)
{
        const int fd = udp_socket(address), other = udp_at(elsewhere);

        fork_another();
        is(exchange(fd, address, server), "both ways", "a socket that was answered");
        check_child(fd, elsewhere, "one that was answered", start_child);
        is(hear(other), "question", "it is heard elsewhere");
        is(exchange(fd, elsewhere, other), "both ways", "and works there");
        close(other);
        close(fd);
}

/* A program that was executed with it sends there, and the one that it is from hears nothing. */
static void check_executed(void)
{
        const int fd = udp_socket(address), other = udp_at(elsewhere);
        char *argv[] = {(char *)"shared", (char *)"send", address, elsewhere, text_of(fd), NULL};
        pid_t pid;

        need(fcntl(fd, F_SETFD, 0) == 0, "a socket for another program");
        is(exchange(fd, address, server), "both ways", "a socket that another program gets");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                execv(SELF, argv);
                _exit(1);
        }
        same(reap(pid), 0, "where it sends");
        is(hear(server), "question", "by a rule");
        is(hear(other), "question", "and elsewhere");
        ok(!readable(fd, 50), "has nothing to hear");
        is(exchange(fd, address, server), "both ways", "and works on");
        free(argv[4]);
        close(other);
        close(fd);
}

static int waited_for;

static void *wait_for_answer(void *unused)
{
        const struct timeval patience = {.tv_sec = PATIENCE / 1000};
        char bytes[16];

        (void)unused;
        need(setsockopt(waited_for, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
             "a timeout");
        return (void *)recv(waited_for, bytes, sizeof(bytes), 0);
}

/* Somebody is forked before: that child has not got this one. */
static void check_thread(void)
{
        int results;
        const int before = udp_socket(address);
        const pid_t child = start_child(before, &results);
        pthread_t thread;
        void *length;

        waited_for = udp_socket(address);
        need(bind_to(waited_for, "127.0.0.1:0") == 0, "bind");
        need(pthread_create(&thread, NULL, wait_for_answer, NULL) == 0, "a thread");
        until_threads_wait(1);
        is(say(waited_for, address, "question"), "sent", "a socket that was made after a fork");
        is(hear(server), "question", "is heard");
        is(answer(server, "answer"), "sent", "and answered");
        pthread_join(thread, &length);
        same((ssize_t)length, 6, "who waits in a thread hears it");
        kill(child, SIGKILL);
        same(reap(child), 1000 + SIGKILL, "the child was there");
        close(results);
        close(waited_for);
        close(before);
}

static void *idle(void *unused)
{
        pause();
        return unused;
}

static void start_thread(void)
{
        pthread_t thread;

        need(pthread_create(&thread, NULL, idle, NULL) == 0, "a thread");
}

static int send_both(int fd)
{
        start_thread();
        return strcmp(say(fd, address, "question"), "sent") == 0 &&
                               strcmp(say(fd, elsewhere, "question"), "sent") == 0
                       ? 0
                       : 1;
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "wait") == 0)
                receive(atoi(argv[2]), atoi(argv[3]));
        need(argc >= 2, "an address");
        address = argv[argc == 5 ? 2 : 1];
        elsewhere = argv[argc == 5 ? 3 : 2];
        if (argc == 5)
                return send_both(atoi(argv[4]));

        server = udp_server(address);
        start_thread();
        check_first(false, "a socket", start_child);
        check_first(true, "a bound socket", start_child);
        check_first(false, "a socket that another program has", spawn_child);
        if (elsewhere) {
                check_led_back();
                check_executed();
        }
        check_thread();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
