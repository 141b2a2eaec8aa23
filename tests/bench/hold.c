/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What connections take of a server's memory.
 *
 *     hold
 *
 * Serves on port 8080 under the shim, or on descriptor 3 when LISTEN_FDS can be seen, which is to
 * say without it. For each number that it reads, it accepts that many connections more and keeps
 * them. It prints how much memory the process has of its own, in kilobytes, twice at the start and
 * then after each number: all but the pages of files, which processes share.
 */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/measure.h"

static int make_listener(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
        int fd;

        if (getenv("LISTEN_FDS"))
                return 3;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        need(fd >= 0, "socket");
        need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
        need(listen(fd, SOMAXCONN) == 0, "listen");
        return fd;
}

static long own_memory(void)
{
        FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
        char line[256];
        long kilobytes = 0, n;

        need(rollup != NULL, "smaps_rollup");
        while (fgets(line, sizeof line, rollup))
                if (sscanf(line, "Pss_Anon: %ld kB", &n) == 1 ||
                    sscanf(line, "Pss_Shmem: %ld kB", &n) == 1)
                        kilobytes += n;
        fclose(rollup);
        return kilobytes;
}

static void report(void)
{
        printf("%ld\n", own_memory());
        need(fflush(stdout) == 0, "stdout");
}

int main(void)
{
        int listener = make_listener();
        long wanted;

        report();
        report(); /* once more: the first has used memory of its own for reading and printing */
        while (scanf("%ld", &wanted) == 1) {
                while (wanted-- > 0)
                        need(accept4(listener, NULL, NULL, SOCK_CLOEXEC) >= 0, "accept4");
                report();
        }
        return EXIT_SUCCESS;
}
