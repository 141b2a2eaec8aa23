/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client that has asked a server asks another one, in its own process, which only a rule about
 * binding is about. Run bare too.
 */

#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define THEIRS "127.0.0.1:8080"
#define OWN    "127.0.0.1:8081"

int main(void)
{
        const int theirs = udp_server(THEIRS), own = udp_at(OWN), fd = udp_socket(THEIRS);

        for (int i = 0; i < 3; i++) {
                is(exchange(fd, THEIRS, theirs), "both ways", "the server is asked");
                is(say(fd, OWN, "question"), "sent", "so is that of the process");
                is(hear(own), "question", "which hears it");
                is(answer(own, "answer"), "sent", "and answers");
                is(hear(fd), "answer", "the client hears that");
                is(heard_from(), OWN, "from where it has sent to");
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
