/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many connections. argv: the address, and what to do:
 *
 *     ports N   N connections one after the other, of which the first and the latest are open: no
 *               two that are open have the same port, and all ports are ephemeral
 *     open N    N connections at once: each has its own name, and what they take of memory
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST  50
#define LATEST 200
#define SPARE  50 /* descriptors for everything else */

/* A client's connection with an object of the shim's may take so much of memory. */
#define BYTES_EACH 700

static uint16_t open_at[65536]; /* how many connections are open that have this port */

static int port_of(int fd)
{
        struct sockaddr_in in = {0};
        socklen_t length = sizeof(in);

        need(getsockname(fd, (struct sockaddr *)&in, &length) == 0, "getsockname");
        return in.sin_addr.s_addr == htonl(INADDR_LOOPBACK) ? ntohs(in.sin_port) : 0;
}

static void check_ports(int listener, const char *address, int total)
{
        int fds[LATEST], twice = 0, strange = 0, changed = 0, different = 0;
        static bool seen[65536];

        memset(fds, -1, sizeof(fds));
        for (int i = 0; i < FIRST; i++) {
                const int fd = reach(address);

                close(take(listener));
                open_at[port_of(fd)]++;
        }
        for (int i = 0; i < total; i++) {
                int *place = &fds[i % LATEST], port;

                if (*place >= 0) {
                        port = port_of(*place);
                        changed += open_at[port] == 0;
                        open_at[port]--;
                        close(*place);
                }
                *place = reach(address);
                close(take(listener));
                port = port_of(*place);
                strange += port < 32768 || port > 60999;
                twice += open_at[port]++ > 0;
                different += !seen[port];
                seen[port] = true;
        }
        same(strange, 0, "all ports are ephemeral");
        same(twice, 0, "no two connections that are open have the same");
        same(changed, 0, "each stays what it is");
        ok(different > (total < 20000 ? total / 2 : 10000), "there are many: %d", different);
}

static long resident(void)
{
        long pages = 0, kilobytes = 0;
        char line[256];
        FILE *stream = fopen("/proc/self/status", "re");

        need(stream != NULL, "/proc/self/status");
        while (fgets(line, sizeof(line), stream))
                if (sscanf(line, "RssAnon: %ld", &pages) == 1)
                        kilobytes = pages;
        fclose(stream);
        return kilobytes * 1024;
}

static int raise_limit(int wanted)
{
        struct rlimit limit = {(rlim_t)wanted, (rlim_t)wanted};

        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
                return wanted;
        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        return (int)limit.rlim_cur;
}

/* A process of its own, so that each may have as many descriptors as the limit allows. */
static pid_t start_server(int listener)
{
        const pid_t pid = fork();

        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                const int fd = accept(listener, NULL, NULL);

                if (fd < 0 || send(fd, "x", 1, MSG_NOSIGNAL) != 1)
                        _exit(1);
        }
}

static void check_open(const char *address, int total)
{
        int *fds = malloc((size_t)total * sizeof(int)), twice = 0, wrong = 0;
        long before;
        char byte;

        need(fds != NULL, "memory");
        memset(fds, 0, (size_t)total * sizeof(int));
        before = resident();
        for (int i = 0; i < total; i++) {
                fds[i] = reach(address);
                twice += open_at[port_of(fds[i])]++ > 0;
        }
        note("%d connections, %.1f bytes for each", total, (double)(resident() - before) / total);
#ifdef SANITIZED
        skip("memory", "sanitizers take more of it");
#else
        ok((resident() - before) / total <= BYTES_EACH, "what they take of memory");
#endif
        same(twice, 0, "no two of them have the same port");
        for (int i = 0; i < total; i++)
                wrong += strcmp(peer_name(fds[i]), address) != 0 || recv(fds[i], &byte, 1, 0) != 1;
        same(wrong, 0, "all of them know their peer, and are served");
        for (int i = 0; i < total; i++)
                close(fds[i]);
        free(fds);
}

int main(int argc, char **argv)
{
        int listener, total, limit;
        pid_t pid;

        need(argc == 4, "an address, what to do, how often");
        total = atoi(argv[3]);
        listener = serve_at(argv[1], 100);
        if (strcmp(argv[2], "ports") == 0) {
                check_ports(listener, argv[1], total);
        } else {
                limit = raise_limit(total + SPARE);
                if (limit < total + SPARE)
                        total = limit - SPARE;
                pid = start_server(listener);
                check_open(argv[1], total);
                kill(pid, SIGKILL);
                reap(pid);
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
