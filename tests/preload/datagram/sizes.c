/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Datagrams of all sizes, buffers of all sizes, and what is peeked at. Run bare too. argv: the
 * address of a server.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TOO_BIG 70000

static const char *address;
static int family, sender, receiver;
static char big[TOO_BIG];
static struct datagram datagram;
static char source[64];

/* An IPv4 packet holds 65,535 bytes with its header of 20, an IPv6 one without its own. */
static size_t biggest(void)
{
        return family == AF_INET6 ? 65527 : 65507;
}

static void fill(size_t size)
{
        for (size_t i = 0; i < size; i++)
                big[i] = (char)(i * 31 + size);
}

static ssize_t send_big(int fd, size_t size)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(address, &to);

        return sendto(fd, big, size, 0, (struct sockaddr *)&to, length);
}

static void check_size(size_t size)
{
        fill(size);
        same(send_big(sender, size), (long long)size, "%zu bytes are sent", size);
        need(readable(receiver, PATIENCE), "a datagram");
        same(receive_datagram(receiver, &datagram, 0), (long long)size, "and arrive");
        ok(memcmp(datagram.bytes, big, size) == 0, "as they were");
        same(datagram.flags, 0, "with no flag");
        same(sendto(receiver, big, size, 0, (struct sockaddr *)&datagram.from,
                    datagram.from_length),
             (long long)size, "are sent back");
        need(readable(sender, PATIENCE), "a datagram");
        same(receive_datagram(sender, &datagram, 0), (long long)size, "arrive");
        is(address_text((struct sockaddr *)&datagram.from), address, "from the server");
        ok(memcmp(datagram.bytes, big, size) == 0, "as they were");
}

static void check_too_big(size_t size)
{
        struct iovec parts[2] = {{big, size - 10}, {big, 10}};
        struct sockaddr_storage to;
        struct msghdr msg = {.msg_name = &to,
                             .msg_namelen = address_of(address, &to),
                             .msg_iov = parts,
                             .msg_iovlen = 2};
        struct mmsghdr messages[2] = {{msg, 9}, {msg, 9}};
        const int connected = udp_to(address);

        is(result(send_big(sender, size)), "EMSGSIZE", "%zu bytes: sendto", size);
        is(result(sendmsg(sender, &msg, 0)), "EMSGSIZE", "%zu bytes: sendmsg", size);
        is(result(sendmmsg(sender, messages, 2, 0)), "EMSGSIZE", "%zu bytes: sendmmsg", size);
        messages[0].msg_hdr.msg_iovlen = 0;
        same(sendmmsg(sender, messages, 2, 0), 1, "%zu bytes: sendmmsg, the second", size);
        is(result(send(connected, big, size, 0)), "EMSGSIZE", "%zu bytes: send", size);
        is(result(write(connected, big, size)), "EMSGSIZE", "%zu bytes: write", size);
        is(result(writev(connected, parts, 2)), "EMSGSIZE", "%zu bytes: writev", size);
        is(hear(receiver), "", "the empty one that was before arrives");
        is(hear_soon(receiver), "nothing", "and no other");
        close(connected);
}

/* What the buffer has no room for is lost; MSG_TRUNC says so, or how much there was. */
static void check_short_buffers(void)
{
        char bytes[64] = "";
        struct iovec into = {bytes, 3};
        struct msghdr msg = {.msg_iov = &into, .msg_iovlen = 1};
        struct mmsghdr message = {msg, 0};

        for (int i = 0; i < 9; i++)
                need(strcmp(say(sender, address, "0123456789"), "sent") == 0, "send");
        need(readable(receiver, PATIENCE), "a datagram");
        same(recv(receiver, bytes, 4, 0), 4, "recv into 4 bytes");
        is(bytes, "0123", "the first of them");
        same(recv(receiver, bytes, 4, MSG_TRUNC), 10, "MSG_TRUNC tells the length");
        same(recvmsg(receiver, &msg, 0), 3, "recvmsg into 3 bytes");
        same(msg.msg_flags, MSG_TRUNC, "says MSG_TRUNC");
        same(recvmsg(receiver, &msg, MSG_TRUNC), 10, "recvmsg(MSG_TRUNC) tells the length");
        same(msg.msg_flags, MSG_TRUNC, "and says MSG_TRUNC");
        same(recvmmsg(receiver, &message, 1, MSG_TRUNC, NULL), 1, "recvmmsg(MSG_TRUNC)");
        same(message.msg_len, 10, "tells the length");
        same(message.msg_hdr.msg_flags, MSG_TRUNC, "and says MSG_TRUNC");
        same(recvfrom(receiver, bytes, 0, 0, NULL, NULL), 0, "recvfrom into nothing");
        same(recv(receiver, NULL, 0, MSG_TRUNC), 10, "recv(MSG_TRUNC) without a buffer");
        same(read(receiver, bytes, 2), 2, "read into 2 bytes");
        same(recvmsg(receiver, &(struct msghdr){0}, 0), 0, "recvmsg without a buffer");
        is(hear_soon(receiver), "nothing", "each took one");
}

/*
 * The last one received is from the sender. A server can't know what a Unix client calls itself,
 * but calls it always the same.
 */
static void check_source(const char *what)
{
        const char *text = address_text((struct sockaddr *)&datagram.from);

        if (!*source)
                strcpy(source, leads_to_unix() ? text : local_name(sender));
        ok(is_local_peer(text, family), "%s: from a client", what);
        is(text, source, "%s: from the one it was", what);
}

static void check_peek(void)
{
        char bytes[16] = "";

        say(sender, address, "peeked");
        say(sender, address, "second");
        need(readable(receiver, PATIENCE), "a datagram");
        same(recv(receiver, bytes, 3, MSG_PEEK), 3, "MSG_PEEK");
        is(bytes, "pee", "tells the first bytes");
        same(recv(receiver, bytes, 2, MSG_PEEK | MSG_TRUNC), 6, "with MSG_TRUNC: the length");
        same(recv(receiver, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT), 6,
             "without a buffer too");
        same(receive_datagram(receiver, &datagram, MSG_PEEK), 6, "recvmsg(MSG_PEEK)");
        check_source("MSG_PEEK");
        is(hear(receiver), "peeked", "recv takes the same one");
        is(heard_from(), source, "from the same");
        is(hear(receiver), "second", "and then the next");
        is(result(recv(receiver, bytes, 3, MSG_PEEK | MSG_DONTWAIT)), "EAGAIN",
           "MSG_PEEK when there is nothing");
}

/* A datagram of no bytes is one: it says that somebody is there. */
static void check_empty(void)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(address, &to);
        char byte = 7;
        int n = -1;

        same(sendto(sender, NULL, 0, 0, (struct sockaddr *)&to, length), 0, "an empty datagram");
        ok(readable(receiver, PATIENCE), "makes the receiver readable");
        same(ioctl(receiver, FIONREAD, &n), 0, "FIONREAD");
        same(n, 0, "says 0");
        same(receive_datagram(receiver, &datagram, 0), 0, "is received");
        check_source("an empty one");
        same(sendto(receiver, "", 0, 0, (struct sockaddr *)&datagram.from, datagram.from_length), 0,
             "and answered");
        ok(readable(sender, PATIENCE), "the answer arrives");
        same(read(sender, &byte, 1), 0, "empty as it is");
        same(byte, 7, "and nothing is written");

        need(connect_to(sender, address) == 0, "connect");
        same(send(sender, NULL, 0, 0), 0, "send of nothing");
        same(write(sender, "", 0), 0, "write of nothing");
        is(hear(receiver), "", "both");
        is(hear(receiver), "", "arrive");
        /* The kernel does not even ask the socket. */
        same(writev(sender, &(struct iovec){NULL, 0}, 1), 0, "writev of nothing");
        is(hear_soon(receiver), "nothing", "and no more");
}

/* SIOCINQ tells of the next datagram, not of all: udp(7). SIOCOUTQ of what has not left yet. */
static void check_queues(void)
{
        char bytes[16];
        int n = -1;

        same(ioctl(receiver, SIOCINQ, &n), 0, "SIOCINQ");
        same(n, 0, "nothing is there");
        say(sender, address, "four");
        say(sender, address, "seven77");
        need(readable(receiver, PATIENCE), "a datagram");
        same(ioctl(receiver, SIOCINQ, &n), 0, "SIOCINQ with two datagrams");
        same(n, 4, "tells the length of the first");
        same(ioctl(receiver, FIONREAD, &n), 0, "FIONREAD");
        same(n, 4, "too");
        same(recv(receiver, bytes, sizeof(bytes), 0), 4, "which is taken");
        same(ioctl(receiver, SIOCINQ, &n), 0, "SIOCINQ then");
        same(n, 7, "tells that of the second");
        same(recv(receiver, bytes, sizeof(bytes), 0), 7, "which is taken");
        n = -1;
        same(ioctl(sender, SIOCOUTQ, &n), 0, "SIOCOUTQ");
        same(n, 0, "nothing has still to be sent");
}

static void check_addresses(void)
{
        unsigned char small[sizeof(struct sockaddr_storage) + 8];
        struct sockaddr_in *in = (struct sockaddr_in *)small;
        socklen_t length;
        char byte;
        const socklen_t whole =
                family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

        for (int i = 0; i < 5; i++)
                say(sender, address, "x");
        need(readable(receiver, PATIENCE), "a datagram");
        memset(small, 0x55, sizeof(small));
        length = 4;
        same(recvfrom(receiver, &byte, 1, 0, (struct sockaddr *)small, &length), 1,
             "room for 4 bytes of the address");
        same(length, whole, "its length is told");
        same(in->sin_family, family, "the family is there");
        same(ntohs(in->sin_port), port_in(source), "and the port");
        same(small[4], 0x55, "and no more");
        length = 0;
        memset(small, 0x55, sizeof(small));
        same(recvfrom(receiver, &byte, 1, 0, (struct sockaddr *)small, &length), 1, "no room");
        same(length, whole, "the length is told");
        same(small[0], 0x55, "and nothing written");
        length = sizeof(small);
        same(recvfrom(receiver, &byte, 1, 0, (struct sockaddr *)small, &length), 1, "more room");
        same(length, whole, "the length is told");
        same(small[whole], 0x55, "and no more written");
        length = (socklen_t)-1;
        is(result(recvfrom(receiver, &byte, 1, 0, (struct sockaddr *)small, &length)), "EINVAL",
           "a negative length");
        /* The kernel has taken the datagram before it sees that. */
        same(recvfrom(receiver, &byte, 1, 0, NULL, &length), 1, "a length without an address");
        is(hear_soon(receiver), "nothing", "all are taken");
}

static void check_wrong_pointers(void)
{
        struct sockaddr_storage to;
        const socklen_t length = address_of(address, &to);
        struct sockaddr *where = (struct sockaddr *)&to;
        const int fresh = udp_socket(address);

        is(result(sendto(sender, (void *)8, 5, 0, where, length)), "EFAULT", "bytes of nowhere");
        is(result(sendto(fresh, "x", 1, 0, NULL, length)), "EDESTADDRREQ", "no address");
        close(fresh);
        is(result(sendto(sender, "x", 1, 0, where, 3)), "EINVAL", "too short an address");
        is(result(sendto(sender, "x", 1, 0, where, sizeof(to) + 1)), "EINVAL", "too long a one");
        is(result(sendto(sender, "x", 1, 0, where, (socklen_t)-1)), "EINVAL", "a negative length");
        /* IPv6 does not look at the flag. */
        if (family == AF_INET)
                is(result(sendto(sender, "x", 1, MSG_OOB, where, length)), "EOPNOTSUPP", "MSG_OOB");
        is(result(sendmsg(sender, NULL, 0)), "EFAULT", "sendmsg of nothing");
        is(result(recvmsg(receiver, NULL, 0)), "EFAULT", "recvmsg into nothing");
        is(result(recvmsg(receiver, &(struct msghdr){.msg_iovlen = 2000}, 0)), "EMSGSIZE",
           "recvmsg into too many parts");
        is(result(sendmsg(sender, &(struct msghdr){.msg_iovlen = 2000}, 0)), "EMSGSIZE",
           "sendmsg of too many parts");
        same(sendmmsg(sender, NULL, 0, 0), 0, "sendmmsg of no message");
        is(hear_soon(receiver), "nothing", "nothing was sent");
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        family = *address == '[' ? AF_INET6 : AF_INET;
        receiver = udp_at(address);
        sender = udp_socket(address);
        check_size(0);
        check_size(1);
        check_size(1472);
        check_size(1473);
        check_size(8192);
        check_size(biggest());
        check_too_big(biggest() + 1);
        check_too_big(65536);
        check_too_big(TOO_BIG);
        need(connect_to(sender, address) == 0, "connect");
        check_size(biggest());
        close(sender);
        sender = udp_socket(address);
        need(bind_to(sender, family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0") == 0, "bind");
        check_short_buffers();
        check_peek();
        check_empty();
        check_queues();
        check_addresses();
        check_wrong_pointers();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
