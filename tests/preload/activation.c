/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which passed socket does a bind get? The program is given a list of binds and what to expect of
 * each:
 *
 *     activation ADDRESS=PLACE...
 *
 * ADDRESS: as in net.h; with "udp:" in front a datagram socket; with port "+N" the port of the
 * passed IP socket of place N. PLACE: the place of the passed socket that it must get, "none" for a
 * socket that nobody reaches, or an errno's name.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MAX_PLACES 16

/* Replace "127.0.0.1:+1" by the address with that port. */
static void resolve_port(char *address, size_t size)
{
        char *plus = strstr(address, ":+");
        const char *other;

        if (!plus)
                return;

        other = passed(atoi(plus + 2));
        need(other != NULL, address);
        snprintf(plus, size - (size_t)(plus - address), "%s", strrchr(other, ':'));
}

static void check_place(int fd, const char *address, int place)
{
        const char *at = passed(place);

        need(at != NULL, "a passed socket of that place");
        same(listen(fd, 5), 0, "%s: listen", address);
        ok(serves(place, fd), "%s: clients of passed socket %d are served", address, place);
        is(local_name(fd), *at == '/' || *at == '@' ? address : at, "%s: name", address);
}

static void check_datagram(int fd, const char *address, int place)
{
        const int sender = udp_passed_client(place);
        const char *at = passed(place);

        is(say(sender, NULL, "d"), "sent", "%s: a datagram to passed socket %d", address, place);
        is(hear(fd), "d", "%s: arrives", address);
        is(local_name(fd), *at == '/' || *at == '@' ? address : at, "%s: name", address);
        close(sender);
}

/* Nobody else may have the clients that this one has not. */
static void check_nobody(int fd, const char *address)
{
        same(listen(fd, 5), 0, "%s: listen", address);
        ok(!readable(fd, 0), "%s: nothing to accept", address);
        is(local_name(fd), address, "%s: name", address);
}

static void check(char *argument)
{
        char *expected = strrchr(argument, '=');
        const bool datagram = strncmp(argument, "udp:", 4) == 0;
        char address[128];
        int fd, r;

        need(expected, argument);
        *expected++ = 0;
        snprintf(address, sizeof(address), "%s", argument + (datagram ? 4 : 0));
        resolve_port(address, sizeof(address));

        fd = socket_for(address, datagram ? SOCK_DGRAM : SOCK_STREAM);
        need(fd >= 0, "socket");
        r = bind_to(fd, address);
        if (*expected == 'E') {
                is(r ? strerrorname_np(r) : "0", expected, "%s: error of bind", address);
                return;
        }

        same(r, 0, "%s: bind", address);
        if (strcmp(expected, "none") == 0)
                check_nobody(fd, address);
        else if (datagram)
                check_datagram(fd, address, atoi(expected));
        else
                check_place(fd, address, atoi(expected));
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                check(argv[i]);

        return tap_end();
}
