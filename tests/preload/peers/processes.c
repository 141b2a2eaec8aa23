/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Children of a server whose threads receive and answer meanwhile: forked ones that serve with the
 * same socket, vforked ones that close and replace it in front of an exec, spawned ones. The server
 * and its clients notice nothing. argv: the address, how many of each.
 */

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THREADS   2
#define CLIENTS   200
#define UNDER_WAY 6

static _Atomic bool stopping;
static _Atomic long wrong, answers;
static int server;

static void __attribute__((noreturn)) ask(void)
{
        int fds[CLIENTS], got;
        char name[64];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < CLIENTS; i++) {
                snprintf(name, sizeof(name), "@%d", i);
                fds[i] = new_client(name);
        }
        for (int n = 0;; n++) {
                if (n >= UNDER_WAY && (client_gets(fds[(n - UNDER_WAY) % CLIENTS], &got,
                                                   sizeof(got), PATIENCE) != sizeof(got) ||
                                       got != n - UNDER_WAY))
                        _exit(1);
                if (!client_sends(fds[n % CLIENTS], &n, sizeof(n)))
                        _exit(2);
        }
}

/* Returns 1 when there was something to answer, and -1 when that went wrong. */
static int answer(void)
{
        struct sockaddr_in from = {0};
        socklen_t length = sizeof(from);
        int question;

        if (recvfrom(server, &question, sizeof(question), 0, (struct sockaddr *)&from, &length) !=
            sizeof(question))
                return 0;
        if (from.sin_family != AF_INET ||
            sendto(server, &question, sizeof(question), 0, (struct sockaddr *)&from, length) !=
                    sizeof(question))
                return -1;
        return 1;
}

static void *serve(void *argument)
{
        while (!stopping) {
                const int r = answer();

                wrong += r < 0;
                answers += r > 0;
        }
        return argument;
}

/* Its copy of the socket is the same one, and it knows the peers or learns them. */
static bool fork_one(void)
{
        const pid_t pid = fork();
        int good = 0;

        if (pid > 0)
                return reap(pid) == 0;
        for (int i = 0; i < 20; i++)
                good += answer() < 0;
        _exit(good == 0 ? 0 : 1);
}

static bool vfork_one(void)
{
        const pid_t pid = vfork();

        if (pid > 0)
                return reap(pid) == 0;
        dup2(STDIN_FILENO, server);
        close(server);
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
}

static bool spawn_one(void)
{
        char *argv[] = {(char *)"true", NULL};
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addclose(&actions, server);
        r = posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r == 0 && reap(pid) == 0;
}

static void check(bool (*start)(void), int times, const char *what)
{
        int good = 0;
        long before;

        for (int i = 0; i < times; i++)
                good += start();
        same(good, times, "%s: all end well", what);
        before = answers;
        for (int i = 0; i < PATIENCE && answers == before; i++)
                usleep(1000);
        ok(answers > before, "%s: the server goes on", what);
        same(wrong, 0, "%s: and does so right", what);
}

int main(int argc, char **argv)
{
        const struct timeval patience = {0, 100000};
        pthread_t threads[THREADS];
        char address[64];
        int times, client;
        pid_t pid;

        need(argc == 3, "an address, how many");
        times = atoi(argv[2]);
        server = serve_datagrams(argv[1], 0);
        setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        pid = fork();
        if (pid == 0)
                ask();
        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, serve, NULL) == 0, "pthread_create");

        check(fork_one, times, "forked children that serve");
        if (INSTRUMENTED_ALONE) {
                skip("children that execute", "the sanitizer's runtime is in this program alone");
        } else {
                check(vfork_one, times, "vforked children");
                check(spawn_one, times, "spawned children");
        }
        is(local_name(server), argv[1], "the server has its address");
        kill(pid, SIGKILL);
        same(reap(pid), 1000 + SIGKILL, "the clients had no complaint");
        stopping = true;
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        while (recv(server, address, sizeof(address), MSG_DONTWAIT) >= 0)
                ;
        client = new_client("last");
        client_says(client, "last");
        is(server_hears(server, address), "last", "one more client is heard");
        same(server_says(server, address, "yes"), 0, "and answered");
        is(client_hears(client), "yes", "and hears that");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
