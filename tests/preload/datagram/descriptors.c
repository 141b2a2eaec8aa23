/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Unix peer can send and UDP could not: descriptors, and who it is. Nothing of that reaches
 * the program. Under rules only. argv: "server" or "client", which end is under rules, the address,
 * and how often.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FDS 3

static const char *address;
static int ours, theirs;
static struct sockaddr_un where;
static socklen_t where_length;

/*
 * From the native end: descriptors, credentials or both. Where the kernel can refuse descriptors at
 * the sender (SO_PASSRIGHTS, Linux 6.16), it may: then the bytes are not sent either.
 */
static bool send_with(bool descriptors, bool credentials)
{
        union {
                char bytes[CMSG_SPACE(FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
                struct cmsghdr align;
        } control = {0};
        const int fds[FDS] = {STDIN_FILENO, STDOUT_FILENO, theirs};
        const struct ucred ucred = {getpid(), getuid(), getgid()};
        struct iovec iovec = {(char *)"secret", 6};
        struct msghdr msg = {.msg_name = where_length > 0 ? &where : NULL,
                             .msg_namelen = where_length,
                             .msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes};
        struct cmsghdr *cmsg = &control.align;
        ssize_t n;

        if (descriptors) {
                *cmsg = (struct cmsghdr){CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS};
                memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
                msg.msg_controllen += CMSG_SPACE(sizeof(fds));
                cmsg = (struct cmsghdr *)(control.bytes + msg.msg_controllen);
        }
        if (credentials) {
                *cmsg = (struct cmsghdr){CMSG_LEN(sizeof(ucred)), SOL_SOCKET, SCM_CREDENTIALS};
                memcpy(CMSG_DATA(cmsg), &ucred, sizeof(ucred));
                msg.msg_controllen += CMSG_SPACE(sizeof(ucred));
        }
        n = sendmsg(theirs, &msg, MSG_DONTWAIT);
        need(n == 6 || (n < 0 && errno == EPERM && descriptors), "sendmsg with more");
        return n == 6;
}

static char bytes[16];
static struct iovec iovec = {bytes, sizeof(bytes)};

static ssize_t by_recv(void)
{
        return recv(ours, bytes, sizeof(bytes), 0);
}

static ssize_t by_recvfrom(void)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);

        return recvfrom(ours, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length);
}

static ssize_t by_read(void)
{
        return read(ours, bytes, sizeof(bytes));
}

static ssize_t by_readv(void)
{
        return readv(ours, &iovec, 1);
}

static ssize_t by_recvmsg_without(void)
{
        struct msghdr msg = {.msg_iov = &iovec, .msg_iovlen = 1};
        const ssize_t n = recvmsg(ours, &msg, 0);

        return msg.msg_flags == 0 ? n : -msg.msg_flags;
}

/* With room for everything, and for nothing but a head. */
static ssize_t receive_control(size_t room)
{
        union {
                char bytes[512];
                struct cmsghdr align;
        } control;
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = room};
        const ssize_t n = recvmsg(ours, &msg, 0);

        return msg.msg_flags == 0 && msg.msg_controllen == 0 ? n : -1;
}

static ssize_t by_recvmsg(void)
{
        return receive_control(512);
}

static ssize_t by_recvmsg_small(void)
{
        return receive_control(CMSG_SPACE(0));
}

static ssize_t by_recvmmsg(void)
{
        char control[512];
        struct mmsghdr message = {{.msg_iov = &iovec,
                                   .msg_iovlen = 1,
                                   .msg_control = control,
                                   .msg_controllen = sizeof(control)},
                                  0};
        const int n = recvmmsg(ours, &message, 1, 0, NULL);

        return n == 1 && message.msg_hdr.msg_flags == 0 && message.msg_hdr.msg_controllen == 0
                       ? (ssize_t)message.msg_len
                       : -1;
}

static ssize_t by_peek(void)
{
        return recv(ours, bytes, sizeof(bytes), MSG_PEEK) == 6 ? recv(ours, bytes, 6, 0) : -1;
}

static ssize_t by_peek_control(void)
{
        union {
                char bytes[512];
                struct cmsghdr align;
        } control;
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control)};

        if (recvmsg(ours, &msg, MSG_PEEK) != 6 || msg.msg_controllen != 0)
                return -1;

        return by_recvmsg();
}

static const struct {
        const char *name;
        ssize_t (*call)(void);
} calls[] = {
        {"recv", by_recv},
        {"recvfrom", by_recvfrom},
        {"read", by_read},
        {"readv", by_readv},
        {"recvmsg without room", by_recvmsg_without},
        {"recvmsg", by_recvmsg},
        {"recvmsg with little room", by_recvmsg_small},
        {"recvmmsg", by_recvmmsg},
        {"MSG_PEEK", by_peek},
        {"recvmsg(MSG_PEEK)", by_peek_control},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static bool receive(size_t i)
{
        need(readable(ours, PATIENCE), "a datagram");
        memset(bytes, 0, sizeof(bytes));
        return calls[i].call() == 6 && memcmp(bytes, "secret", 6) == 0;
}

static void check_call(size_t i)
{
        const char *name = calls[i].name;
        const int before = count_open();

        if (send_with(true, false))
                ok(receive(i), "%s: the bytes arrive alone", name);
        same(count_open(), before, "%s: no descriptor has come", name);
        ok(send_with(false, true) && receive(i), "%s: nor credentials", name);
        if (send_with(true, true))
                ok(receive(i), "%s: nor both", name);
        same(count_open(), before, "%s: no descriptor has come", name);
        ok(send_with(false, false) && receive(i), "%s: plain bytes", name);
        is(hear_soon(ours), "nothing", "%s: and no more", name);
}

static void check_often(int times)
{
        const int before = count_open();
        int wrong = 0, arrived = 0;

        for (int i = 0; i < times; i++) {
                if (!send_with(true, i % 2))
                        continue;

                arrived++;
                wrong += !receive((size_t)i % CALLS);
        }
        if (arrived == 0)
                skip("many with descriptors", "the kernel refuses them at the sender");
        else
                same(wrong, 0, "%d with descriptors, of which %d were sent", times, arrived);
        same(count_open(), before, "no descriptor has come");
}

/* The program's own messages are kept, whatever else came. */
static void check_kept(void)
{
        static struct datagram datagram;
        struct cmsghdr *cmsg = (struct cmsghdr *)datagram.control;
        const bool ipv6 = *address == '[';
        const size_t size = ipv6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
        const int before = count_open();

        need(set_option(ours, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                        ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1) == 0,
             "PKTINFO");
        for (int i = 0; i < 4; i++) {
                if (!send_with(i & 1, i & 2))
                        continue;

                need(readable(ours, PATIENCE), "a datagram");
                same(receive_datagram(ours, &datagram, 0), 6, "PKTINFO: kind %d", i);
                same((long long)datagram.control_length, (long long)CMSG_SPACE(size),
                     "one message");
                same(cmsg->cmsg_level, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, "of IP");
                same(datagram.flags, 0, "no flag");
        }
        same(count_open(), before, "no descriptor has come");
        need(set_option(ours, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                        ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 0) == 0,
             "PKTINFO");
}

/* A program may ask for what UDP has not: it gets as much. */
static void check_asked(void)
{
        (void)set_option(ours, SOL_SOCKET, SO_PASSCRED, 1);
        (void)set_option(ours, SOL_SOCKET, SO_PASSSEC, 1);
        for (size_t i = 0; i < CALLS; i++)
                ok(send_with(false, i % 2) && receive(i), "SO_PASSCRED: %s", calls[i].name);
}

int main(int argc, char **argv)
{
        socklen_t length = sizeof(where);

        need(argc == 4, "which end, an address, and a number");
        address = argv[2];
        if (strcmp(argv[1], "server") == 0) {
                ours = udp_at(address);
                theirs = udp_native_client(udp_file(address));
        } else {
                theirs = udp_server(address);
                ours = udp_to(address);
                need(send(ours, "x", 1, 0) == 1 && readable(theirs, PATIENCE) &&
                             recvfrom(theirs, bytes, 1, 0, (struct sockaddr *)&where, &length) == 1,
                     "a client's address");
                where_length = length;
        }
        for (size_t i = 0; i < CALLS; i++)
                check_call(i);
        check_kept();
        check_often(atoi(argv[3]));
        check_asked();
        close(theirs);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
