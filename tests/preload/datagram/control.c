/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Control messages: what comes with a datagram when it is asked for, and what may go with one. Run
 * bare too. argv: where the server is bound, where clients send to, and what that is to the server.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *bound, *address, *destination;
static int family, server, sender;
static struct datagram datagram;

static bool is_mapped(void)
{
        return strstr(destination, "::ffff:") != NULL;
}

/* One datagram from the client, with what comes with it. */
static void receive(void)
{
        const char *what = say(sender, NULL, "datagram");

        need(strcmp(what, "sent") == 0 && readable(server, PATIENCE), what);
        need(receive_datagram(server, &datagram, 0) == 8, "recvmsg");
}

static struct msghdr *header(void)
{
        static struct msghdr msg;

        msg.msg_control = datagram.control;
        msg.msg_controllen = datagram.control_length;
        return &msg;
}

static int count(void)
{
        struct msghdr *msg = header();
        int n = 0;

        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
                n++;
        return n;
}

/* The message of that kind and size, or NULL. */
static void *find(int level, int type, size_t size)
{
        struct msghdr *msg = header();

        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
                if (cmsg->cmsg_level == level && cmsg->cmsg_type == type)
                        return cmsg->cmsg_len == CMSG_LEN(size) ? CMSG_DATA(cmsg) : NULL;
        return NULL;
}

/* The host without the port. */
static const char *host_of(int version, const void *bytes)
{
        static char text[INET6_ADDRSTRLEN];

        return inet_ntop(version, bytes, text, sizeof(text)) ? text : "none";
}

static const char *destination_host(void)
{
        static char text[64];

        snprintf(text, sizeof(text), "%.*s", (int)(strrchr(destination, ':') - destination),
                 destination);
        if (*text != '[')
                return text;

        text[strlen(text) - 1] = 0;
        return text + 1;
}

/* An IPv6 socket that an IPv4 datagram comes to tells of it both ways. */
static void check_pktinfo4(void)
{
        const struct in_pktinfo *info = find(IPPROTO_IP, IP_PKTINFO, sizeof(*info));

        if (!ok(info != NULL, "IP_PKTINFO"))
                return;

        is(host_of(AF_INET, &info->ipi_addr), "127.0.0.1", "the destination");
        is(host_of(AF_INET, &info->ipi_spec_dst), "127.0.0.1", "the local address");
        same(info->ipi_ifindex, 1, "the interface");
}

static void check_pktinfo6(void)
{
        const struct in6_pktinfo *info = find(IPPROTO_IPV6, IPV6_PKTINFO, sizeof(*info));

        if (!ok(info != NULL, "IPV6_PKTINFO"))
                return;

        is(host_of(AF_INET6, &info->ipi6_addr), destination_host(), "the destination");
        same((int)info->ipi6_ifindex, 1, "the interface");
}

static void check_integer(int level, int type)
{
        const int *value = find(level, type, sizeof(*value));

        if (ok(value != NULL, "level %d, type %d", level, type))
                same(*value, type == IPV6_TCLASS && level == IPPROTO_IPV6 ? 0 : 64, "its value");
}

static void check_ttl(void)
{
        check_integer(IPPROTO_IP, IP_TTL);
}

static void check_hoplimit(void)
{
        check_integer(IPPROTO_IPV6, IPV6_HOPLIMIT);
}

static void check_tclass(void)
{
        check_integer(IPPROTO_IPV6, IPV6_TCLASS);
}

static void check_tos(void)
{
        const unsigned char *value = find(IPPROTO_IP, IP_TOS, 1);

        if (ok(value != NULL, "IP_TOS"))
                same(*value, 0, "its value");
}

static void check_original(int level, int type, size_t size)
{
        const struct sockaddr *value = find(level, type, size);

        if (ok(value != NULL, "the original destination"))
                is(address_text(value), destination, "is where it was sent to");
}

static void check_original4(void)
{
        check_original(IPPROTO_IP, IP_ORIGDSTADDR, sizeof(struct sockaddr_in));
}

static void check_original6(void)
{
        check_original(IPPROTO_IPV6, IPV6_ORIGDSTADDR, sizeof(struct sockaddr_in6));
}

static void check_timestamp(void)
{
        const struct timeval *value = find(SOL_SOCKET, SO_TIMESTAMP, sizeof(*value));

        if (ok(value != NULL, "SO_TIMESTAMP"))
                ok(time(NULL) - value->tv_sec <= 2, "is of now");
}

static void check_timestampns(void)
{
        const struct timespec *value = find(SOL_SOCKET, SO_TIMESTAMPNS, sizeof(*value));

        if (ok(value != NULL, "SO_TIMESTAMPNS"))
                ok(time(NULL) - value->tv_sec <= 2, "is of now");
}

enum { V4 = 1, V6 = 2, MAPPED = 4 };

/* ways: for which sockets; a mapped one is an IPv6 socket to which an IPv4 client has sent. */
static const struct {
        const char *name;
        int level, option, value, ways;
        void (*check)(void);
} table[] = {
        {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 1, V4 | MAPPED, check_pktinfo4},
        {"IP_RECVTTL", IPPROTO_IP, IP_RECVTTL, 1, V4 | MAPPED, check_ttl},
        {"IP_RECVTOS", IPPROTO_IP, IP_RECVTOS, 1, V4 | MAPPED, check_tos},
        {"IP_RECVORIGDSTADDR", IPPROTO_IP, IP_RECVORIGDSTADDR, 1, V4, check_original4},
        {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, V6 | MAPPED, check_pktinfo6},
        {"IPV6_RECVHOPLIMIT", IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, V6, check_hoplimit},
        {"IPV6_RECVTCLASS", IPPROTO_IPV6, IPV6_RECVTCLASS, 1, V6, check_tclass},
        {"IPV6_RECVORIGDSTADDR", IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1, V6, check_original6},
        {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1, V4 | V6 | MAPPED, check_timestamp},
        {"SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS, 1, V4 | V6 | MAPPED, check_timestampns},
};

static int way(void)
{
        return is_mapped() ? MAPPED : family == AF_INET6 ? V6 : V4;
}

static void switch_on(size_t i, int value)
{
        same(set_option(server, table[i].level, table[i].option, value), 0, "%s: set to %d",
             table[i].name, value);
        same(option(server, table[i].level, table[i].option), value, "%s: and read", table[i].name);
}

static void check_each(void)
{
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                if (!(table[i].ways & way()))
                        continue;

                switch_on(i, table[i].value);
                receive();
                same(count(), 1, "%s: one message", table[i].name);
                table[i].check();
                same(datagram.flags, 0, "%s: no flag", table[i].name);
                switch_on(i, 0);
                receive();
                same(count(), 0, "%s: none", table[i].name);
                same(datagram.flags, 0, "%s: no flag", table[i].name);
        }
}

/* All at once, and set before the socket was bound. SO_TIMESTAMPNS takes the place of the other. */
static void check_all(void)
{
        int n = 0;

        close(server);
        close(sender);
        server = udp_socket(bound);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (table[i].ways & way() && table[i].check != check_timestamp) {
                        switch_on(i, table[i].value);
                        n++;
                }
        errno = bind_to(server, bound);
        need(errno == 0, bound);
        sender = udp_client(address);
        receive();
        same(count(), n, "all at once");
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (table[i].ways & way() && table[i].check != check_timestamp)
                        table[i].check();
        same(datagram.flags, 0, "no flag");
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (table[i].ways & way() && table[i].check != check_timestamp)
                        switch_on(i, 0);
}

/* Each message of recvmmsg has its own. */
static void check_several(void)
{
        union {
                char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
                struct cmsghdr align;
        } control[2];
        char bytes[2][16];
        struct iovec iovecs[2] = {{bytes[0], 16}, {bytes[1], 16}};
        struct mmsghdr batch[2] = {0};

        for (int i = 0; i < 2; i++) {
                need(strcmp(say(sender, NULL, "several"), "sent") == 0, "a datagram");
                batch[i].msg_hdr.msg_iov = &iovecs[i];
                batch[i].msg_hdr.msg_iovlen = 1;
                batch[i].msg_hdr.msg_control = control[i].bytes;
                batch[i].msg_hdr.msg_controllen = sizeof(control[i].bytes);
        }
        need(readable(server, PATIENCE), "a datagram");
        same(recvmmsg(server, batch, 2, 0, NULL), 2, "recvmmsg");
        for (int i = 0; i < 2; i++) {
                datagram.control_length = batch[i].msg_hdr.msg_controllen;
                memcpy(datagram.control, control[i].bytes, datagram.control_length);
                same(count(), 1, "message %d: one", i);
                if (family == AF_INET6)
                        check_pktinfo6();
                else
                        check_pktinfo4();
                same(batch[i].msg_hdr.msg_flags, 0, "message %d: no flag", i);
        }
}

/* What has no room is cut off or left out, and MSG_CTRUNC says so: cmsg(3). */
static void check_room(size_t room, size_t left)
{
        union {
                char bytes[64];
                struct cmsghdr align;
        } control;
        char bytes[16];
        struct iovec iovec = {bytes, sizeof(bytes)};
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = room > 0 ? control.bytes : NULL,
                             .msg_controllen = room};

        memset(&control, 0x55, sizeof(control));
        need(strcmp(say(sender, NULL, "room"), "sent") == 0 && readable(server, PATIENCE), "send");
        same(recvmsg(server, &msg, 0), 4, "recvmsg with room for %zu bytes of control", room);
        same(msg.msg_flags, MSG_CTRUNC, "says MSG_CTRUNC");
        same((long long)msg.msg_controllen, (long long)left, "the length that is left");
        if (left > 0)
                same((long long)control.align.cmsg_len, (long long)left, "is the message's");
        same(control.bytes[room], 0x55, "nothing is written after it");
}

static void check_rooms(void)
{
        char bytes[16];

        switch_on(family == AF_INET6 ? 4 : 0, 1);
        check_several();
        check_room(0, 0);
        check_room(8, 0);
        check_room(CMSG_LEN(0), CMSG_LEN(0));
        check_room(CMSG_LEN(4), CMSG_LEN(4));
        is(say(sender, NULL, "plain"), "sent", "a datagram");
        need(readable(server, PATIENCE), "a datagram");
        same(recv(server, bytes, sizeof(bytes), 0), 5, "recv has no room and needs none");
        is(say(sender, NULL, "plain"), "sent", "a datagram");
        is(hear(server), "plain", "nor does recvfrom");
        switch_on(family == AF_INET6 ? 4 : 0, 0);
}

int main(int argc, char **argv)
{
        need(argc == 4, "three addresses");
        bound = argv[1];
        address = argv[2];
        destination = argv[3];
        family = *bound == '[' ? AF_INET6 : AF_INET;
        server = udp_at(bound);
        sender = udp_client(address);
        check_each();
        check_rooms();
        check_all();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
