/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process that has locked its memory, also what is to come, and that may lock as much as systemd
 * allows by default: servers and clients work all the same. Run bare too. argv: an address.
 */

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* LimitMEMLOCK=8M, and a user who does not go beyond. */
static bool lock(void)
{
        const struct rlimit limit = {8 << 20, 8 << 20};

        return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && (geteuid() != 0 || setuid(65534) == 0) &&
               mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}

int main(int argc, char **argv)
{
        int server;

        need(argc == 2, "an address");
        if (!lock()) {
                skip("a process that has locked its memory", "it can't here");
                return tap_end();
        }
        server = udp_at(argv[1]);
        is(exchange(udp_to(argv[1]), NULL, server), "both ways", "a connected client");
        is(exchange(udp_socket(argv[1]), argv[1], server), "both ways", "one that is not");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
