/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The socket that a rule wants was not passed: bind says that the port is in use, stderr says why,
 * and the socket is as it was.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* The line that the administrator needs to see is an argument. */
int main(int argc, char **argv)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(argc == 2, "what the message says");
        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0, "an option");
        same(bind_to(fd, "127.0.0.1:80"), EADDRINUSE, "bind");
        ok(strstr(messages(), argv[1]) != NULL, "stderr says: %s", argv[1]);
        is(local_name(fd), "0.0.0.0:0", "the socket is not bound");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "it is an IP socket still");
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "with its options");
        same(bind_to(fd, "127.0.0.1:80"), EADDRINUSE, "it is the same the second time");
        same(bind_to(fd, "127.0.0.1:0"), 0, "it can be bound where no rule matches");
        ok(strncmp(local_name(fd), "127.0.0.1:", 10) == 0, "by the kernel");
        same(listen(fd, 1), 0, "and listen");
        return tap_end();
}
