/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of datagram sockets, set before the socket becomes what it is and after, read back, and
 * without harm. Run bare too. argv: "server" or "client", which end is tested, and the address of
 * the server.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define GROUP "239.1.2.3"

static const char *address;
static bool is_server;
static int family, ours, theirs;

enum { V4 = 1, V6 = 2, BOTH = 3 };

static const struct {
        const char *name;
        int level, option, value, wanted, families;
} table[] = {
        {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1, 1, BOTH},
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, 1, BOTH},
        {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1, 1, BOTH},
        {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, 1, 1, BOTH},
        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 50000, 100000, BOTH},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 60000, 120000, BOTH},
        {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1, 1, BOTH},
        {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1, 1, BOTH},
        {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1, 1, BOTH},
        {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP, 1, 1, BOTH},
        {"SO_INCOMING_CPU", SOL_SOCKET, SO_INCOMING_CPU, 0, 0, BOTH},
        {"IP_TOS", IPPROTO_IP, IP_TOS, 0x10, 0x10, BOTH},
        /* After IP_TOS, which sets it as well. */
        {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3, 3, BOTH},
        {"IP_TTL", IPPROTO_IP, IP_TTL, 33, 33, BOTH},
        {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_DO, BOTH},
        {"IP_MTU_DISCOVER omit", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT, IP_PMTUDISC_OMIT,
         BOTH},
        {"IP_RECVERR", IPPROTO_IP, IP_RECVERR, 1, 1, BOTH},
        {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, 1, 1, BOTH},
        {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 1, 1, BOTH},
        {"IP_RECVTTL", IPPROTO_IP, IP_RECVTTL, 1, 1, BOTH},
        {"IP_RECVTOS", IPPROTO_IP, IP_RECVTOS, 1, 1, BOTH},
        {"IP_RECVOPTS", IPPROTO_IP, IP_RECVOPTS, 1, 1, BOTH},
        {"IP_RECVORIGDSTADDR", IPPROTO_IP, IP_RECVORIGDSTADDR, 1, 1, BOTH},
        {"IP_MULTICAST_TTL", IPPROTO_IP, IP_MULTICAST_TTL, 4, 4, V4},
        {"IP_MULTICAST_LOOP", IPPROTO_IP, IP_MULTICAST_LOOP, 0, 0, V4},
        {"IP_MULTICAST_ALL", IPPROTO_IP, IP_MULTICAST_ALL, 0, 0, V4},
        {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 1, BOTH},
        {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44, 44, V6},
        {"IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 5, 5, V6},
        {"IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 0, V6},
        {"IPV6_MULTICAST_IF", IPPROTO_IPV6, IPV6_MULTICAST_IF, 1, 1, V6},
        {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 1, V6},
        {"IPV6_RECVHOPLIMIT", IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, 1, V6},
        {"IPV6_RECVTCLASS", IPPROTO_IPV6, IPV6_RECVTCLASS, 1, 1, V6},
        {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, 0x20, 0x20, V6},
        {"IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, IPV6_PMTUDISC_DO,
         V6},
        {"IPV6_DONTFRAG", IPPROTO_IPV6, IPV6_DONTFRAG, 1, 1, V6},
        {"IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR, 1, 1, V6},
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

static bool applies(size_t i)
{
        return table[i].families & (family == AF_INET6 ? V6 : V4);
}

static void check_set(int fd, const char *when)
{
        for (size_t i = 0; i < OPTIONS; i++)
                if (applies(i))
                        same(set_option(fd, table[i].level, table[i].option, table[i].value), 0,
                             "%s: %s", when, table[i].name);
}

/* The last of those that set the same option is what holds. */
static bool is_last(size_t i)
{
        for (size_t j = i + 1; j < OPTIONS; j++)
                if (table[j].level == table[i].level && table[j].option == table[i].option)
                        return false;
        return true;
}

static void check_holds(int fd, const char *when)
{
        for (size_t i = 0; i < OPTIONS; i++)
                if (applies(i) && is_last(i))
                        same(option(fd, table[i].level, table[i].option), table[i].wanted,
                             "%s: %s is read back", when, table[i].name);
}

/* Before anything is set, the options are what the kernel has them start with. */
static void check_defaults(int fd)
{
        static const struct {
                const char *name;
                int level, option, wanted, families;
        } defaults[] = {
                {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 0, BOTH},
                {"SO_TYPE", SOL_SOCKET, SO_TYPE, SOCK_DGRAM, BOTH},
                {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, IPPROTO_UDP, BOTH},
                {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 0, BOTH},
                {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 0, BOTH},
                {"IP_TTL", IPPROTO_IP, IP_TTL, 64, BOTH},
                {"IP_TOS", IPPROTO_IP, IP_TOS, 0, BOTH},
                {"IP_MULTICAST_TTL", IPPROTO_IP, IP_MULTICAST_TTL, 1, V4},
                {"IP_MULTICAST_LOOP", IPPROTO_IP, IP_MULTICAST_LOOP, 1, V4},
                {"IP_MULTICAST_ALL", IPPROTO_IP, IP_MULTICAST_ALL, 1, V4},
                {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 0, V4},
                {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, V6},
                {"IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, V6},
                {"IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, V6},
        };

        for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
                if (defaults[i].families & (family == AF_INET6 ? V6 : V4))
                        same(option(fd, defaults[i].level, defaults[i].option), defaults[i].wanted,
                             "%s is as it begins", defaults[i].name);
        same(option(fd, SOL_SOCKET, SO_DOMAIN), family, "SO_DOMAIN");
}

static void check_wrong(int fd, const char *when)
{
        int value = 1;

        same(set_option(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT, "%s: no such option", when);
        same(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), ENOPROTOOPT, "%s: TCP_NODELAY", when);
        is(result(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &value, 1)), "EINVAL",
           "%s: too short a value", when);
        is(result(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, NULL, sizeof(value))), "EFAULT",
           "%s: no value", when);
}

static struct ip_mreq group(const char *interface)
{
        struct ip_mreq ret;

        need(inet_pton(AF_INET, GROUP, &ret.imr_multiaddr) == 1 &&
                     inet_pton(AF_INET, interface, &ret.imr_interface) == 1,
             "addresses");
        return ret;
}

static int set_bytes(int fd, int level, int name, const void *value, size_t size)
{
        return setsockopt(fd, level, name, value, (socklen_t)size) < 0 ? errno : 0;
}

static void check_groups4(int fd, const char *when)
{
        const struct ip_mreq mreq = group("127.0.0.1");
        const struct ip_mreqn mreqn = {mreq.imr_multiaddr, {0}, 1};
        struct ip_mreq_source source = {mreq.imr_multiaddr, mreq.imr_interface, mreq.imr_interface};
        struct in_addr in = mreq.imr_interface;
        socklen_t length = sizeof(in);

        same(set_bytes(fd, IPPROTO_IP, IP_MULTICAST_IF, &in, sizeof(in)), 0, "%s: IP_MULTICAST_IF",
             when);
        /* Under rules it is taken, and not kept. */
        if (!leads_to_unix()) {
                in.s_addr = 0;
                same(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &in, &length), 0, "%s: is read",
                     when);
                ok(in.s_addr == htonl(INADDR_LOOPBACK), "%s: and is what was set", when);
        }
        same(set_bytes(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreqn, sizeof(mreqn)), 0,
             "%s: IP_MULTICAST_IF with an interface", when);
        same(set_bytes(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), 0,
             "%s: IP_ADD_MEMBERSHIP", when);
        same(set_bytes(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreq, sizeof(mreq)), 0,
             "%s: IP_DROP_MEMBERSHIP", when);
        same(set_bytes(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreqn, sizeof(mreqn)), 0,
             "%s: IP_ADD_MEMBERSHIP with an interface", when);
        same(set_bytes(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreqn, sizeof(mreqn)), 0,
             "%s: IP_DROP_MEMBERSHIP of that", when);
        same(set_bytes(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &source, sizeof(source)), 0,
             "%s: IP_ADD_SOURCE_MEMBERSHIP", when);
        same(set_bytes(fd, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &source, sizeof(source)), 0,
             "%s: IP_DROP_SOURCE_MEMBERSHIP", when);
}

static void check_groups6(int fd, const char *when)
{
        struct ipv6_mreq mreq = {.ipv6mr_interface = 1};

        need(inet_pton(AF_INET6, "ff02::1:2:3", &mreq.ipv6mr_multiaddr) == 1, "an address");
        same(set_bytes(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof(mreq)), 0,
             "%s: IPV6_JOIN_GROUP", when);
        same(set_bytes(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mreq, sizeof(mreq)), 0,
             "%s: IPV6_LEAVE_GROUP", when);
}

/* RFC 3678: the same for both families. */
static void check_groups(int fd, const char *when)
{
        const int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
        struct group_req req = {.gr_interface = 1};
        struct group_source_req source = {.gsr_interface = 1};

        address_of(family == AF_INET6 ? "[ff02::1:2:4]:0" : GROUP ":0", &req.gr_group);
        source.gsr_group = req.gr_group;
        address_of(family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0", &source.gsr_source);
        same(set_bytes(fd, level, MCAST_JOIN_GROUP, &req, sizeof(req)), 0, "%s: MCAST_JOIN_GROUP",
             when);
        same(set_bytes(fd, level, MCAST_LEAVE_GROUP, &req, sizeof(req)), 0, "%s: MCAST_LEAVE_GROUP",
             when);
        same(set_bytes(fd, level, MCAST_JOIN_SOURCE_GROUP, &source, sizeof(source)), 0,
             "%s: MCAST_JOIN_SOURCE_GROUP", when);
        same(set_bytes(fd, level, MCAST_LEAVE_SOURCE_GROUP, &source, sizeof(source)), 0,
             "%s: MCAST_LEAVE_SOURCE_GROUP", when);
        if (family == AF_INET6)
                check_groups6(fd, when);
        else
                check_groups4(fd, when);
}

/* Discovery services join on all interfaces, also where there is none that could. */
static void check_group_anywhere(int fd)
{
        struct ip_mreq mreq = group("0.0.0.0");

        if (!leads_to_unix() || family == AF_INET6)
                return;

        same(set_bytes(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), 0,
             "a group on any interface");
        same(set_bytes(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreq, sizeof(mreq)), 0,
             "and out of it");
}

static void check_device(int fd, const char *when)
{
        char name[IFNAMSIZ] = "";
        socklen_t length = sizeof(name);

        same(set_bytes(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0, "%s: SO_BINDTODEVICE", when);
        same(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length), 0, "%s: is read", when);
        is(name, "lo", "%s: and is what was set", when);
        same(set_bytes(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0, "%s: and undone", when);
}

/* What dnsmasq and others ask of the socket they have. */
static void check_interfaces(int fd)
{
        struct ifreq ifreq = {.ifr_ifindex = 1};

        same(ioctl(fd, SIOCGIFNAME, &ifreq), 0, "SIOCGIFNAME");
        is(ifreq.ifr_name, "lo", "the loopback interface");
        same(ioctl(fd, SIOCGIFFLAGS, &ifreq), 0, "SIOCGIFFLAGS");
        ok(ifreq.ifr_flags & IFF_LOOPBACK, "it is one");
        same(ioctl(fd, SIOCGIFMTU, &ifreq), 0, "SIOCGIFMTU");
}

/* They mean nothing to a Unix socket, which takes them all the same. */
static void check_taken(int fd)
{
        same(set_option(fd, SOL_SOCKET, SO_NO_CHECK, 1), 0, "SO_NO_CHECK");
        same(option(fd, SOL_SOCKET, SO_NO_CHECK), 1, "is read back");
        same(set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1), 0, "SO_RXQ_OVFL");
        same(option(fd, SOL_SOCKET, SO_RXQ_OVFL), 1, "is read back");
}

static void check_buffers(int fd)
{
        int size = option(fd, SOL_SOCKET, SO_RCVBUF);

        ok(size >= 100000, "SO_RCVBUF begins with %d", size);
        ok(option(fd, SOL_SOCKET, SO_SNDBUF) >= 100000, "SO_SNDBUF too");
        same(set_option(fd, SOL_SOCKET, SO_RCVBUF, 1), 0, "SO_RCVBUF of 1");
        ok(option(fd, SOL_SOCKET, SO_RCVBUF) >= 2048, "is as small as can be");
        same(set_option(fd, SOL_SOCKET, SO_RCVBUF, 65536), 0, "SO_RCVBUF");
        same(option(fd, SOL_SOCKET, SO_RCVBUF), 131072, "is doubled");
}

static void become(void)
{
        errno = is_server ? bind_to(ours, address) : connect_to(ours, address);
        need(errno == 0, address);
        if (is_server)
                theirs = udp_client(address);
}

static void check_works(const char *when)
{
        const char *what = is_server ? exchange(theirs, NULL, ours) : exchange(ours, NULL, theirs);

        is(what, "both ways", "%s: it works", when);
}

int main(int argc, char **argv)
{
        need(argc == 3, "which end, and an address");
        is_server = strcmp(argv[1], "server") == 0;
        address = argv[2];
        family = *address == '[' ? AF_INET6 : AF_INET;
        if (!is_server)
                theirs = udp_server(address);

        ours = udp_socket(address);
        check_defaults(ours);
        check_buffers(ours);
        check_set(ours, "before");
        check_holds(ours, "before");
        check_groups(ours, "before");
        check_device(ours, "before");
        become();
        check_holds(ours, "then");
        check_works("then");
        /* One that systemd has keeps it for the next. */
        need(set_option(ours, SOL_SOCKET, SO_BROADCAST, 0) == 0, "SO_BROADCAST");
        close(ours);
        if (is_server)
                close(theirs);

        ours = udp_socket(address);
        become();
        check_defaults(ours);
        check_buffers(ours);
        check_wrong(ours, "after");
        check_set(ours, "after");
        check_holds(ours, "after");
        check_groups(ours, "after");
        check_group_anywhere(ours);
        check_device(ours, "after");
        check_interfaces(ours);
        check_taken(ours);
        check_works("after");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
