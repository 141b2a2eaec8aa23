/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A connected client sends to another address once: it arrives there, from the address and with the
 * options of the client's socket. What is answered from there is not heard, and the connection is
 * what it was. Of the two servers, rules lead to the first alone. Run bare too.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define RULED     "127.0.0.1:8080"
#define UNRULED   "127.0.0.1:9000"
#define BROADCAST "127.255.255.255:9001"

static const char *say_in_message(int fd, const char *address, const char *text)
{
        struct sockaddr_storage storage;
        struct iovec iovec = {(char *)text, strlen(text)};
        const struct msghdr msg = {.msg_name = &storage,
                                   .msg_namelen = address_of(address, &storage),
                                   .msg_iov = &iovec,
                                   .msg_iovlen = 1};

        return sendmsg(fd, &msg, 0) == (ssize_t)strlen(text) ? "sent" : "not sent";
}

static void check(const char *to, int server, const char *elsewhere, int other)
{
        const int fd = udp_to(to);

        is(exchange(fd, NULL, server), "both ways", "connected to %s", to);
        is(say(fd, elsewhere, "aside"), "sent", "it sends to %s", elsewhere);
        is(hear(other), "aside", "where it is heard");
        if (heard_from()[0] == '1')
                is(answer(other, "answer"), "sent", "and answered");
        is(say_in_message(fd, elsewhere, "message"), "sent", "sendmsg");
        is(hear(other), "message", "does the same");
        is(hear_soon(fd), "nothing", "it hears nothing from there");
        is(peer_name(fd), to, "its peer is what it was");
        is(exchange(fd, NULL, server), "both ways", "so is the connection");
        close(fd);
}

/* Whoever is there can tell clients by their addresses. */
static void check_from(int other)
{
        const int fd = udp_at("127.0.0.2:0");
        char from[64];

        need(connect_to(fd, RULED) == 0, "connect");
        is(say(fd, UNRULED, "aside"), "sent", "bound to an address, it sends to %s", UNRULED);
        is(hear(other), "aside", "where it is heard");
        snprintf(from, sizeof(from), "%.*s", (int)strcspn(heard_from(), ":"), heard_from());
        is(from, "127.0.0.2", "from there");
        close(fd);
}

/* The kernel refuses broadcasts to who has not asked for them. */
static void check_broadcast(void)
{
        const int fd = udp_to(RULED);

        is(say(fd, BROADCAST, "all"), "EACCES", "a broadcast is not sent");
        same(set_option(fd, SOL_SOCKET, SO_BROADCAST, 1), 0, "SO_BROADCAST");
        is(say(fd, BROADCAST, "all"), "sent", "then it is");
        same(option(fd, SOL_SOCKET, SO_BROADCAST), 1, "and stays set");
        is(peer_name(fd), RULED, "the peer is what it was");
        close(fd);
}

static void check_broadcast_set_before(void)
{
        const int fd = udp_socket(RULED);

        need(set_option(fd, SOL_SOCKET, SO_BROADCAST, 1) == 0, "SO_BROADCAST");
        need(connect_to(fd, RULED) == 0, "connect");
        is(say(fd, BROADCAST, "all"), "sent", "a broadcast of who asked before it connected");
        close(fd);
}

/* Nobody there: UDP tells the next call, and may have told of nothing yet. */
static void check_nobody(int server)
{
        const int fd = udp_to(UNRULED);

        close(server);
        if (udp_native("server"))
                (void)unlink(udp_file(RULED));
        is(say(fd, RULED, "lost"), "sent", "what is sent aside to nobody is lost");
        is(peer_name(fd), UNRULED, "and the peer is what it was");
        close(fd);
}

int main(void)
{
        const int ruled = udp_server(RULED), unruled = udp_at(UNRULED);

        check(RULED, ruled, UNRULED, unruled);
        check(UNRULED, unruled, RULED, ruled);
        check_from(unruled);
        check_broadcast();
        check_broadcast_set_before();
        check_nobody(ruled);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
