/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Datagrams of a Unix client that are longer than UDP has any: a program gets as much as UDP can
 * have, is told that there was more, and can send back what it has. Under rules alone. argv: the
 * address, and how long the longest is.
 */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MOST 200000
#define ROOM (1 << 20) /* of the client's buffer */

static int server, theirs;
static ssize_t longest;
static char bytes[MOST + 1], sent[MOST], back[MOST];
static struct sockaddr_storage from;

static void send_long(size_t size)
{
        need(send(theirs, sent, size, 0) == (ssize_t)size, "a long datagram");
        need(readable(server, PATIENCE), "it is there");
        memset(bytes, 0, sizeof(bytes));
}

static void check_back(ssize_t n, const char *what)
{
        const socklen_t length = from.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                           : sizeof(struct sockaddr_in6);

        if (n < 0 || !same(sendto(server, bytes, (size_t)n, 0, (struct sockaddr *)&from, length), n,
                           "%s: it can be sent back", what))
                return;
        same(recv(theirs, back, sizeof(back), 0), n, "%s: and arrives", what);
        ok(memcmp(back, sent, (size_t)n) == 0, "%s: as it was", what);
}

static void check_recvfrom(size_t size)
{
        socklen_t length = sizeof(from);
        ssize_t n;

        send_long(size);
        n = recvfrom(server, bytes, MOST, 0, (struct sockaddr *)&from, &length);
        same(n, longest, "recvfrom of %zu bytes", size);
        check_back(n, "recvfrom");

        send_long(size);
        length = sizeof(from);
        same(recvfrom(server, bytes, 10, MSG_TRUNC, (struct sockaddr *)&from, &length), longest,
             "recvfrom(MSG_TRUNC) tells no more");
        send_long(size);
        same(recv(server, bytes, MOST, 0), longest, "recv of %zu bytes", size);
        send_long(size);
        same(read(server, bytes, MOST), longest, "read of %zu bytes", size);
}

static void prepare(struct msghdr *msg, struct iovec *iovec)
{
        *iovec = (struct iovec){bytes, MOST};
        *msg = (struct msghdr){
                .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = iovec, .msg_iovlen = 1};
}

static void check_messages(size_t size)
{
        struct iovec iovec;
        struct mmsghdr message = {0};
        ssize_t n;

        send_long(size);
        prepare(&message.msg_hdr, &iovec);
        n = recvmsg(server, &message.msg_hdr, 0);
        same(n, longest, "recvmsg of %zu bytes", size);
        same(message.msg_hdr.msg_flags, MSG_TRUNC, "recvmsg: says that there was more");
        check_back(n, "recvmsg");

        send_long(size);
        prepare(&message.msg_hdr, &iovec);
        same(recvmmsg(server, &message, 1, 0, NULL), 1, "recvmmsg of %zu bytes", size);
        same(message.msg_len, longest, "recvmmsg: as many of them");
        same(message.msg_hdr.msg_flags, MSG_TRUNC, "recvmmsg: says that there was more");
        check_back((ssize_t)message.msg_len, "recvmmsg");
}

/* What UDP has as well is whole. */
static void check_longest(void)
{
        struct msghdr msg;
        struct iovec iovec;
        ssize_t n;

        send_long((size_t)longest);
        prepare(&msg, &iovec);
        n = recvmsg(server, &msg, 0);
        same(n, longest, "recvmsg of the longest");
        same(msg.msg_flags, 0, "recvmsg: no flag");
        check_back(n, "the longest");
}

int main(int argc, char **argv)
{
        need(argc == 3, "an address, and the longest");
        longest = atoi(argv[2]);
        for (size_t i = 0; i < sizeof(sent); i++)
                sent[i] = (char)(i * 7 % 251);
        server = udp_at(argv[1]);
        theirs = udp_client(argv[1]);
        need(set_option(theirs, SOL_SOCKET, SO_SNDBUF, ROOM) == 0, "SO_SNDBUF");
        check_longest();
        check_recvfrom((size_t)longest + 1);
        check_recvfrom(MOST);
        check_messages((size_t)longest + 1);
        check_messages(MOST);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
