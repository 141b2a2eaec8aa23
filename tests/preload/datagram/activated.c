/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Datagram sockets that systemd passes: Unix sockets with a path and with an abstract name, and the
 * kernel's UDP, whose addresses are the real ones. Passed, all by the rule in,udp,systemd=NAME:
 *
 *     place 0: path, port 80      place 1: abstract, port 81    place 2: udp, port 82
 *     place 3: udp6, port 83      places 4 and 5: unix, port 84
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* What the program is told: of a Unix socket what it asked for, of UDP the truth. */
static const char *name_of(int place, const char *asked)
{
        return *passed(place) == '/' || *passed(place) == '@' ? asked : passed(place);
}

static void check_peer(const char *peer, int client, int place, int family)
{
        if (*passed(place) == '/' || *passed(place) == '@')
                ok(is_local_peer(peer, family), "place %d: a made-up address: %s", place, peer);
        else
                is(peer, local_name(client), "place %d: the client's real address", place);
}

/* The same port, by which the rule matches, at another address. */
static const char *other_address(const char *asked)
{
        static char text[64];

        snprintf(text, sizeof(text), "%s%s", *asked == '[' ? "[::]" : "127.0.0.9",
                 strrchr(asked, ':'));
        return text;
}

static void check(int place, const char *asked)
{
        const int family = *asked == '[' ? AF_INET6 : AF_INET;
        const int early = udp_passed_client(place);
        int fd = udp_socket(asked), other, again;
        char name[64];

        /* systemd starts a service because of a datagram, which has to be there still. */
        is(say(early, NULL, "early"), "sent", "place %d: a datagram before bind", place);
        same(bind_to(fd, asked), 0, "place %d: bind", place);
        is(local_name(fd), name_of(place, asked), "place %d: getsockname", place);
        is(peer_name(fd), "ENOTCONN", "place %d: getpeername", place);
        same(option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, "place %d: SO_TYPE", place);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), family, "place %d: SO_DOMAIN", place);
        same(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP, "place %d: SO_PROTOCOL", place);
        is(hear(fd), "early", "place %d: is heard", place);
        strcpy(name, heard_from());
        check_peer(name, early, place, family);
        is(answer(fd, "reply"), "sent", "place %d: and answered", place);
        is(hear(early), "reply", "place %d: which arrives", place);
        is(exchange(early, NULL, fd), "both ways", "place %d: they talk", place);
        is(heard_from(), name, "place %d: the address stays", place);
        other = udp_passed_client(place);
        is(exchange(other, NULL, fd), "both ways", "place %d: another talks", place);
        ok(strcmp(heard_from(), name) != 0, "place %d: by another address", place);

        /* All are taken: nobody comes to the next one. */
        again = udp_socket(asked);
        same(bind_to(again, other_address(asked)), 0, "place %d: a second bind", place);
        is(hear_soon(again), "nothing", "place %d: hears nobody", place);
        close(again);
        is(exchange(early, NULL, fd), "both ways", "place %d: the first talks", place);

        close(fd);
        is(say(early, NULL, "waits"), "sent", "place %d: closed, systemd keeps it", place);
        fd = udp_socket(asked);
        same(bind_to(fd, asked), 0, "place %d: bind again", place);
        is(hear(fd), "waits", "place %d: what waited is heard", place);
        is(answer(fd, "reply"), "sent", "place %d: and answered", place);
        is(hear(early), "reply", "place %d: which arrives", place);
        close(fd);
        close(early);
        close(other);
}

/* The kernel's own tells the truth in control messages as well, and reaches everybody. */
static void check_real(void)
{
        static struct datagram datagram;
        struct cmsghdr *cmsg = (struct cmsghdr *)datagram.control;
        const int fd = udp_socket("0.0.0.0:82"), client = udp_passed_client(2);
        const int elsewhere = udp_at("127.0.0.1:0");

        need(set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) == 0, "IP_PKTINFO");
        same(bind_to(fd, "0.0.0.0:82"), 0, "bind");
        same(option(fd, IPPROTO_IP, IP_PKTINFO), 1, "IP_PKTINFO holds");
        is(say(client, NULL, "real"), "sent", "a client");
        need(readable(fd, PATIENCE), "a datagram");
        same(receive_datagram(fd, &datagram, 0), 4, "is heard");
        is(address_text((struct sockaddr *)&datagram.from), local_name(client), "from where it is");
        same((long long)datagram.control_length, (long long)CMSG_SPACE(sizeof(struct in_pktinfo)),
             "with one message");
        same(cmsg->cmsg_type, IP_PKTINFO, "IP_PKTINFO");
        is(say(fd, local_name(elsewhere), "out"), "sent", "a send to anybody");
        is(hear(elsewhere), "out", "arrives");
        is(heard_from(), passed(2), "from the passed socket");
        close(fd);
        close(client);
        close(elsewhere);
}

/* Two of one name: each bind gets one, and each serves its own. */
static void check_two(void)
{
        const int first = udp_at("127.0.0.1:84"), second = udp_at("127.0.0.2:84");
        const int one = udp_passed_client(4), other = udp_passed_client(5);

        is(exchange(one, NULL, first), "both ways", "the first of two");
        is(exchange(other, NULL, second), "both ways", "the second");
        is(hear_soon(first), "nothing", "the first has heard no more");
        close(first);
        close(second);
        close(one);
        close(other);
}

int main(void)
{
        check(0, "127.0.0.1:80");
        check(1, "0.0.0.0:81");
        check(2, "127.0.0.1:82");
        check(3, "[::1]:83");
        check_real();
        check_two();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
