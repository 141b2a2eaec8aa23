/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Hold connections to a Unix socket.
 *
 *     connect PATH CONNECTIONS
 *
 * Makes the connections, prints "connected", and keeps them until its input ends.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/measure.h"

int main(int argc, char **argv)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (argc != 3)
                return EXIT_FAILURE;
        strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
        for (long wanted = number(argv[2]); wanted > 0; wanted--) {
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

                need(fd >= 0, "socket");
                need(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, argv[1]);
        }
        puts("connected");
        need(fflush(stdout) == 0, "stdout");
        return getchar() == EOF ? EXIT_SUCCESS : EXIT_FAILURE;
}
