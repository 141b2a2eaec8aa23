/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Start a program as systemd starts an activated service.
 *
 *     activate NAME=PATH... -- PROGRAM [ARG...]
 *
 * Listens on the Unix sockets, passes them as sd_listen_fds(3) describes, and executes the program
 * in the environment that it was given. The limit of descriptors is raised as far as it can be.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define FIRST_FD 3

static void raise_limit(void)
{
        const struct rlimit wanted = {1 << 16, 1 << 16};
        struct rlimit limit;

        if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
                return;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
}

static void make_listener(const char *path, int wanted_fd)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        need(fd >= 0, "socket");
        if (fd != wanted_fd) {
                need(dup2(fd, wanted_fd) == wanted_fd, "dup2");
                close(fd);
        }
        strncpy(address.sun_path, path, sizeof address.sun_path - 1);
        need(bind(wanted_fd, (struct sockaddr *)&address, sizeof address) == 0, path);
        need(listen(wanted_fd, SOMAXCONN) == 0, "listen");
}

static void set_environment(int n, const char *names)
{
        char text[24];

        snprintf(text, sizeof text, "%d", n);
        setenv("LISTEN_FDS", text, true);
        snprintf(text, sizeof text, "%d", (int)getpid());
        setenv("LISTEN_PID", text, true);
        setenv("LISTEN_FDNAMES", names, true);
}

int main(int argc, char **argv)
{
        char names[4096] = "";
        int argument, n = 0;

        raise_limit();
        for (argument = 1; argument < argc && strcmp(argv[argument], "--") != 0; argument++) {
                char *path = strchr(argv[argument], '=');

                if (!path || strlen(names) + strlen(argv[argument]) + 2 > sizeof names)
                        return EXIT_FAILURE;
                *path++ = '\0';
                make_listener(path, FIRST_FD + n);
                if (n++ > 0)
                        strcat(names, ":");
                strcat(names, argv[argument]);
        }
        if (argument + 1 >= argc)
                return EXIT_FAILURE;

        /* IgnoreSIGPIPE= is on by default, and systemd-socket-proxyd relies on it. */
        signal(SIGPIPE, SIG_IGN);
        set_environment(n, names);
        /* The preloads are meant for the program and not for this one. */
        if (getenv("BENCH_PRELOAD"))
                setenv("LD_PRELOAD", getenv("BENCH_PRELOAD"), true);
        unsetenv("BENCH_PRELOAD");
        execvp(argv[argument + 1], argv + argument + 1);
        perror(argv[argument + 1]);
        return 127;
}
