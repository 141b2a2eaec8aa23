/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What systemd passes and no rule can take is the program's, which finds it as sd_listen_fds(3)
 * says; so does the next program in its process. argv: what LISTEN_FDS and LISTEN_FDNAMES are to
 * say, the places of these descriptors, as "1,2", and the place of the one that is bound, or "-".
 */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST 3

static const char *value_of(const char *name)
{
        return getenv(name) ? getenv(name) : "none";
}

/* What is a descriptor bound to, written as passed() does? */
static const char *name_of(int fd)
{
        static struct sockaddr_un un;
        socklen_t length = sizeof(un);

        memset(&un, 0, sizeof(un));
        if (getsockname(fd, (struct sockaddr *)&un, &length) == 0 && un.sun_family != AF_UNIX)
                return local_name(fd);
        if (length <= offsetof(struct sockaddr_un, sun_path))
                return "pair";
        if (un.sun_path[0] == 0)
                un.sun_path[0] = '@';
        return un.sun_path;
}

static void check_left(char **argv, const char *when)
{
        char pid[24];
        int fd = FIRST;

        is(value_of("LISTEN_FDS"), argv[1], "%s: LISTEN_FDS", when);
        is(value_of("LISTEN_FDNAMES"), argv[2], "%s: LISTEN_FDNAMES", when);
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        is(value_of("LISTEN_PID"), strcmp(argv[1], "none") == 0 ? "none" : pid, "%s: LISTEN_PID",
           when);

        for (const char *place = argv[3]; *place; place++)
                if (*place >= '0' && *place <= '9') {
                        is(name_of(fd), passed(*place - '0'), "%s: descriptor %d", when, fd);
                        fd++;
                }
}

int main(int argc, char **argv)
{
        need(argc == 5 || argc == 6, "arguments");
        if (argc == 6) {
                tap_resume(atoi(argv[5]));
                check_left(argv, "after exec");
        } else
                check_left(argv, "at first");

        if (*argv[4] != '-') {
                const int fd = listen_at("127.0.0.1:80");

                ok(serves(atoi(argv[4]), fd), "what a rule names is bound");
                check_left(argv, "after bind");
                close(fd);
        }

        if (argc == 5) {
                char number[24];

                snprintf(number, sizeof(number), "%d", tap_points());
                execl("/proc/self/exe", argv[0], argv[1], argv[2], argv[3], argv[4], number, NULL);
                need(false, "exec");
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
