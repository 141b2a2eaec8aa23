/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A peer chooses its name: with a line break in it, it must not write lines of its own into the
 * log. Under rules alone, with LogLevel=notice. argv: the address.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/obstacles.h"
#include "tests/preload/tap.h"

/* A client that can't be answered, which is told. */
static int new_client(const char *name, const char *server)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = serve_unix(in_directory(name), SOCK_DGRAM, 0);

        strcpy(un.sun_path, server);
        need(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0, server);
        need(chmod(in_directory(name), 0) == 0, "chmod");
        return fd;
}

int main(int argc, char **argv)
{
        int server, theirs;

        need(argc == 2, "an address");
        umask(0);
        server = udp_at(argv[1]);
        theirs = new_client("a\nforged\x1b[1m", udp_file(argv[1]));
        obstacles_become_nobody();
        is(say(theirs, NULL, "?"), "sent", "a client");
        is(hear(server), "?", "is heard");
        is(answer(server, "!"), "sent", "that it can't be answered is no error");
        ok(strstr(messages(), "forged") != NULL, "it is logged");
        ok(strstr(messages(), "\nforged") == NULL, "in one line");
        ok(strchr(messages(), '\x1b') == NULL, "without control characters");
        close(theirs);
        return tap_end();
}
