/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client that has not connected its socket asks a server that is started anew now and then: each
 * time it is answered at its first question. Run bare too. argv: the address of the server.
 */

#include <stdlib.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Under rules a question within 0.3 seconds of another may find the server of before. */
#define PAUSE 350000

int main(int argc, char **argv)
{
        int client, server;

        need(argc == 2, "an address");
        client = udp_socket(argv[1]);
        server = udp_server(argv[1]);
        is(exchange(client, argv[1], server), "both ways", "the first question");
        is(exchange(client, argv[1], server), "both ways", "another");
        for (int i = 0; i < 3; i++) {
                close(server);
                if (udp_native("server"))
                        (void)unlink(udp_file(argv[1]));
                usleep(PAUSE);
                server = udp_server(argv[1]);
                is(exchange(client, argv[1], server), "both ways", "started anew: the first");
                is(exchange(client, argv[1], server), "both ways", "started anew: another");
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
