/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Control messages that go with a datagram, segmentation, and the queue of errors. Run bare too.
 * argv: the address of a server.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int family, server, sender;

static union {
        char bytes[256];
        struct cmsghdr align;
} control;
static size_t control_length;

static void reset_control(void)
{
        memset(&control, 0, sizeof(control));
        control_length = 0;
}

static void add_control(int level, int type, const void *value, size_t size)
{
        struct cmsghdr *cmsg = (struct cmsghdr *)(control.bytes + control_length);

        cmsg->cmsg_level = level;
        cmsg->cmsg_type = type;
        cmsg->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(cmsg), value, size);
        control_length += CMSG_SPACE(size);
}

/* With the address, or where the socket is connected, or to who was heard last. */
static ssize_t send_with(int fd, const char *where, size_t size)
{
        static char bytes[1024];
        struct sockaddr_storage to;
        const socklen_t length = where ? address_of(where, &to) : 0;
        struct iovec iovec = {bytes, size};
        const struct msghdr msg = {.msg_name = where ? &to : NULL,
                                   .msg_namelen = length,
                                   .msg_iov = &iovec,
                                   .msg_iovlen = 1,
                                   .msg_control = control.bytes,
                                   .msg_controllen = control_length};

        memset(bytes, 'x', sizeof(bytes) - 1);
        return sendmsg(fd, &msg, 0);
}

static void check_sent(const char *what)
{
        same(send_with(sender, address, 3), 3, "%s: a client sends", what);
        is(hear(server), "xxx", "%s: which arrives", what);
        is(answer(server, "yes"), "sent", "%s: is answered", what);
        is(hear(sender), "yes", "%s: which arrives", what);
        same(send_with(server, local_name(sender), 4), 4, "%s: a server sends", what);
        is(hear(sender), "xxxx", "%s: which arrives", what);
        is(heard_from(), address, "%s: from its address", what);
        is(hear_soon(server), "nothing", "%s: and no more", what);
}

static void check_pktinfo4(void)
{
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK)};

        reset_control();
        add_control(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        check_sent("IP_PKTINFO");
        info.ipi_ifindex = 1;
        reset_control();
        add_control(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        check_sent("IP_PKTINFO with an interface");
}

static void check_pktinfo6(void)
{
        struct in6_pktinfo info = {.ipi6_addr = IN6ADDR_LOOPBACK_INIT, .ipi6_ifindex = 1};

        reset_control();
        add_control(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
        check_sent("IPV6_PKTINFO");
}

static void check_numbers(void)
{
        static const struct {
                const char *name;
                int family, level, type, value;
        } table[] = {
                {"IP_TTL", AF_INET, IPPROTO_IP, IP_TTL, 5},
                {"IP_TOS", AF_INET, IPPROTO_IP, IP_TOS, 0x10},
                {"IPV6_HOPLIMIT", AF_INET6, IPPROTO_IPV6, IPV6_HOPLIMIT, 5},
                {"IPV6_TCLASS", AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0x20},
                {"IPV6_DONTFRAG", AF_INET6, IPPROTO_IPV6, IPV6_DONTFRAG, 1},
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                if (table[i].family != family)
                        continue;

                reset_control();
                add_control(table[i].level, table[i].type, &table[i].value, sizeof(int));
                check_sent(table[i].name);
        }
}

static void check_together(void)
{
        const struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK)};
        const int ttl = 7;

        if (family == AF_INET6)
                return;

        reset_control();
        add_control(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        add_control(IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
        check_sent("two messages");
}

/* sendmmsg(2): each message has its own. */
static void check_several(void)
{
        const int value = 9;
        struct sockaddr_storage to;
        struct iovec iovec = {(char *)"several", 7};
        struct msghdr msg = {.msg_name = &to,
                             .msg_namelen = address_of(address, &to),
                             .msg_iov = &iovec,
                             .msg_iovlen = 1};
        struct mmsghdr batch[2] = {{msg, 0}, {msg, 0}};

        reset_control();
        if (family == AF_INET6)
                add_control(IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
        else
                add_control(IPPROTO_IP, IP_TTL, &value, sizeof(value));
        batch[1].msg_hdr.msg_control = control.bytes;
        batch[1].msg_hdr.msg_controllen = control_length;
        same(sendmmsg(sender, batch, 2, 0), 2, "sendmmsg, one with and one without");
        is(hear(server), "several", "arrive");
        is(hear(server), "several", "both");
}

/* What the kernel does not know it refuses; under rules there is nobody whom it would concern. */
static void check_unknown(void)
{
        const int value = 1;

        reset_control();
        add_control(family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, 250, &value, sizeof(value));
        is(result(send_with(sender, address, 3)), "EINVAL", "an unknown message");
        reset_control();
        add_control(SOL_SOCKET, 250, &value, sizeof(value));
        is(result(send_with(sender, address, 3)), "EINVAL", "an unknown message of sockets");
        control.align.cmsg_len = 3;
        is(result(send_with(sender, address, 3)), "EINVAL", "a message shorter than its head");
        is(hear_soon(server), "nothing", "was not sent");
}

/* What is of Unix sockets UDP does not look at. */
static void check_others(void)
{
        const int value = 1;
        const struct ucred ucred = {getpid(), getuid(), getgid()};
        const int before = count_open();

        reset_control();
        add_control(12345, 1, &value, sizeof(value));
        same(send_with(sender, address, 3), 3, "a message of an unknown level");
        is(hear(server), "xxx", "is no concern of UDP's");
        reset_control();
        add_control(SOL_SOCKET, SCM_RIGHTS, &server, sizeof(server));
        same(send_with(sender, address, 3), 3, "SCM_RIGHTS");
        is(hear(server), "xxx", "sends the bytes alone");
        reset_control();
        add_control(SOL_SOCKET, SCM_CREDENTIALS, &ucred, sizeof(ucred));
        same(send_with(sender, address, 3), 3, "SCM_CREDENTIALS");
        is(hear(server), "xxx", "too");
        same(count_open(), before, "no descriptor has come");
        reset_control();
        same(send_with(sender, address, 3), 3, "none");
        is(hear(server), "xxx", "arrives");
}

static void check_cut(const char *what)
{
        same((long long)strlen(hear(server)), 100, "%s: the first", what);
        same((long long)strlen(hear(server)), 100, "%s: the second", what);
        same((long long)strlen(hear(server)), 50, "%s: the third", what);
}

/*
 * UDP_SEGMENT cuts one send into datagrams. Who can't do so has to say so, by EIO as the kernel
 * does of devices that can't, or when the option is set: one long datagram would be wrong.
 */
static void check_segments(void)
{
        const uint16_t size = 100;

        reset_control();
        add_control(SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
        same(send_with(sender, address, 99), 99, "UDP_SEGMENT with less");
        same((long long)strlen(hear(server)), 99, "is one datagram");
        is(result(send_with(sender, address, 250)), leads_to_unix() ? "EIO" : "250",
           "UDP_SEGMENT with a send");
        if (!leads_to_unix())
                check_cut("UDP_SEGMENT with a send");

        reset_control();
        if (set_option(sender, SOL_UDP, UDP_SEGMENT, 100) == 0) {
                ok(!leads_to_unix(), "UDP_SEGMENT is set");
                same(send_with(sender, address, 250), 250, "a send then");
                check_cut("a send then");
        } else {
                ok(leads_to_unix(), "UDP_SEGMENT is refused");
                same(send_with(sender, address, 250), 250, "a send then");
                same((long long)strlen(hear(server)), 250, "is one datagram");
        }
        same(set_option(sender, SOL_UDP, UDP_SEGMENT, 0), 0, "UDP_SEGMENT is off");
        same(send_with(sender, address, 250), 250, "a send");
        same((long long)strlen(hear(server)), 250, "is one datagram");
        is(hear_soon(server), "nothing", "and no more");
}

/* The same where the option is set on a socket that has not sent yet. */
static void check_segments_before(void)
{
        const int fd = udp_socket(address);
        const bool taken = set_option(fd, SOL_UDP, UDP_SEGMENT, 100) == 0;

        is(result(send_with(fd, address, 250)), leads_to_unix() && taken ? "EIO" : "250",
           "UDP_SEGMENT before the first send");
        if (!leads_to_unix())
                check_cut("UDP_SEGMENT before the first send");
        else if (!taken)
                same((long long)strlen(hear(server)), 250, "is one datagram");
        same(set_option(fd, SOL_UDP, UDP_SEGMENT, 0), 0, "UDP_SEGMENT is off");
        same(send_with(fd, address, 250), 250, "a send");
        same((long long)strlen(hear(server)), 250, "is one datagram");
        is(hear_soon(server), "nothing", "and no more");
        close(fd);
}

/* UDP_GRO may join datagrams only where the receiver sees how: one by one is right as well. */
static void check_gro(void)
{
        (void)set_option(server, SOL_UDP, UDP_GRO, 1);
        for (int i = 0; i < 3; i++)
                is(say(sender, address, "single"), "sent", "UDP_GRO: datagram %d", i);
        for (int i = 0; i < 3; i++)
                is(hear(server), "single", "UDP_GRO: arrives %d", i);
        (void)set_option(server, SOL_UDP, UDP_GRO, 0);
}

/* As MSG_MORE, refused where a datagram would fall apart. */
static void check_cork(void)
{
        if (leads_to_unix()) {
                same(set_option(sender, SOL_UDP, UDP_CORK, 1), ENOPROTOOPT, "UDP_CORK");
                return;
        }
        same(set_option(sender, SOL_UDP, UDP_CORK, 1), 0, "UDP_CORK");
        same(option(sender, SOL_UDP, UDP_CORK), 1, "is read back");
        is(say(sender, address, "first "), "sent", "corked");
        is(say(sender, address, "second"), "sent", "corked");
        is(hear_soon(server), "nothing", "nothing is sent");
        same(set_option(sender, SOL_UDP, UDP_CORK, 0), 0, "UDP_CORK off");
        is(hear(server), "first second", "one datagram");
}

static void check_error_queue(void)
{
        const int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
        const int name = family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR;
        char bytes[16];

        same(set_option(sender, level, name, 1), 0, "RECVERR");
        same(option(sender, level, name), 1, "is read back");
        is(say(server, local_name(sender), "data"), "sent", "a datagram is there");
        need(readable(sender, PATIENCE), "a datagram");
        is(result(recv(sender, bytes, sizeof(bytes), MSG_ERRQUEUE)), "EAGAIN",
           "MSG_ERRQUEUE: no error");
        is(result(recvmsg(sender, &(struct msghdr){0}, MSG_ERRQUEUE)), "EAGAIN",
           "recvmsg(MSG_ERRQUEUE)");
        is(result(recvfrom(sender, bytes, sizeof(bytes), MSG_ERRQUEUE | MSG_DONTWAIT, NULL, NULL)),
           "EAGAIN", "recvfrom(MSG_ERRQUEUE)");
        is(hear(sender), "data", "the datagram is there");
        same(set_option(sender, level, name, 0), 0, "RECVERR off");
}

/* A client may ask as a server does: where did the answer come to? */
static void check_asked(int fd, const char *what)
{
        static struct datagram datagram;
        const bool ipv6 = family == AF_INET6;
        const int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
        const size_t size = ipv6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
        struct cmsghdr *cmsg = (struct cmsghdr *)datagram.control;
        char host[INET6_ADDRSTRLEN] = "";

        same(set_option(fd, level, ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1), 0, "%s: PKTINFO",
             what);
        is(say(fd, address, "ask"), "sent", "%s: asks", what);
        is(hear(server), "ask", "%s: is heard", what);
        is(answer(server, "answer"), "sent", "%s: is answered", what);
        need(readable(fd, PATIENCE), "an answer");
        same(receive_datagram(fd, &datagram, 0), 6, "%s: hears", what);
        is(address_text((struct sockaddr *)&datagram.from), address, "%s: from the server", what);
        same((long long)datagram.control_length, (long long)CMSG_SPACE(size), "%s: one message",
             what);
        inet_ntop(family, CMSG_DATA(cmsg) + (ipv6 ? 0 : offsetof(struct in_pktinfo, ipi_addr)),
                  host, sizeof(host));
        is(host, ipv6 ? "::1" : "127.0.0.1", "%s: with its own address", what);
        same(datagram.flags, 0, "%s: no flag", what);
}

/* Over IPv6, an address of no family is none. */
static void check_no_family(void)
{
        struct sockaddr_storage to = {0};
        const int connected = udp_to(address), fresh = udp_socket(address);
        const socklen_t length = address_of(address, &to);

        to.ss_family = AF_UNSPEC;
        same(sendto(connected, "x", 1, 0, (struct sockaddr *)&to, length), 1, "no family");
        is(hear(server), "x", "it is sent to the peer");
        errno = 0;
        same(sendto(fresh, "x", 1, 0, (struct sockaddr *)&to, length), -1, "without a peer");
        same(errno, EDESTADDRREQ, "it fails");
        close(connected);
        close(fresh);
}

static void check_clients(void)
{
        const int fresh = udp_socket(address), connected = udp_to(address);

        check_asked(sender, "a bound client");
        check_asked(fresh, "a client");
        check_asked(connected, "a connected client");
        close(fresh);
        close(connected);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        family = *address == '[' ? AF_INET6 : AF_INET;
        server = udp_at(address);
        sender = udp_socket(address);
        need(bind_to(sender, family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0") == 0, "bind");
        if (family == AF_INET6) {
                check_no_family();
                check_pktinfo6();
        } else
                check_pktinfo4();
        check_numbers();
        check_together();
        check_several();
        if (!leads_to_unix())
                check_unknown();
        check_others();
        check_segments();
        check_segments_before();
        check_gro();
        check_cork();
        check_error_queue();
        check_clients();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
