/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of emulated socket options. See option-table.h. */

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "preload/memory.h"
#include "preload/next.h"
#include "preload/option-table.h"

/* Younger than the headers that distributions build with. */
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef UDPLITE_SEND_CSCOV /* linux/udp.h does not go with netinet/udp.h */
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37
#endif

#define SWITCH              0, 0, true, false, 0
#define READ_ONLY           0, -1, false, false, 0
#define ANYTHING            INT_MIN, INT_MAX, false, false, 0
#define POSITIVE            0, INT_MAX, false, false, 0
#define WITHIN(first, last) (first), (last), false, false, 0
#define HOPS                0, 255, false, true, 0
#define TTL                 1, 255, false, true, 0

/* The two low bits are for congestion notification, which is TCP's own business. */
#define TOS    INT_MIN, INT_MAX, false, false, 0xfc
#define TCLASS 0, 255, false, true, 0xfc

/*
 * The values are those of Linux on a machine whose sysctls nobody has changed. Those
 * that are needed by name come first, the order of the others means nothing.
 */
static const struct {
        int level, name, initial;
        struct option_range range;
} options[] = {
        [OPTION_NODELAY] = {IPPROTO_TCP, TCP_NODELAY, 0, {SWITCH}},
        [OPTION_CORK] = {IPPROTO_TCP, TCP_CORK, 0, {SWITCH}},
        [OPTION_REUSEPORT] = {SOL_SOCKET, SO_REUSEPORT, 0, {SWITCH}},
        {IPPROTO_TCP, TCP_MAXSEG, 536, {WITHIN(0, 32767)}},
        {IPPROTO_TCP, TCP_KEEPIDLE, 7200, {WITHIN(1, 32767)}},
        {IPPROTO_TCP, TCP_KEEPINTVL, 75, {WITHIN(1, 32767)}},
        {IPPROTO_TCP, TCP_KEEPCNT, 9, {WITHIN(1, 127)}},
        {IPPROTO_TCP, TCP_SYNCNT, 6, {WITHIN(1, 127)}},
        {IPPROTO_TCP, TCP_LINGER2, 60, {ANYTHING}},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, {ANYTHING}},
        {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, {ANYTHING}},
        {IPPROTO_TCP, TCP_QUICKACK, 1, {SWITCH}},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, {POSITIVE}},
        {IPPROTO_TCP, TCP_FASTOPEN, 0, {POSITIVE}},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, {ANYTHING}},
        {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, {WITHIN(0, 1)}},
        {IPPROTO_IP, IP_TOS, 0, {TOS}},
        {IPPROTO_IP, IP_TTL, 64, {TTL}},
        {IPPROTO_IP, IP_MTU_DISCOVER, 1, {WITHIN(0, 5)}},
        {IPPROTO_IP, IP_RECVERR, 0, {SWITCH}},
        {IPPROTO_IP, IP_FREEBIND, 0, {SWITCH}},
        {IPPROTO_IP, IP_TRANSPARENT, 0, {SWITCH}},
        {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_V6ONLY, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, {HOPS}},
        {IPPROTO_IPV6, IPV6_TCLASS, 0, {TCLASS}},
        {IPPROTO_IPV6, IPV6_RECVERR, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_FREEBIND, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1, {SWITCH}},
        {SOL_SOCKET, SO_TXREHASH, 1, {ANYTHING}},
        {SOL_SOCKET, SO_MAX_PACING_RATE, -1, {ANYTHING}}, /* our mark is in the real one */
        {SOL_SOCKET, SO_INCOMING_CPU, -1, {ANYTHING}},    /* the same */
        {SOL_SOCKET, SO_INCOMING_NAPI_ID, 0, {READ_ONLY}},
        {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, 0, {ANYTHING}},
        {SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, 0, {ANYTHING}},
        {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 0, {WITHIN(0, 1)}},
        {IPPROTO_TCP, TCP_THIN_DUPACK, 0, {WITHIN(0, 1)}},
        {IPPROTO_TCP, TCP_TIMESTAMP, 0, {ANYTHING}},
        {IPPROTO_TCP, TCP_SAVE_SYN, 0, {WITHIN(0, 2)}},
        {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 0, {WITHIN(0, 1)}},
        {IPPROTO_TCP, TCP_INQ, 0, {WITHIN(0, 1)}},
        {IPPROTO_TCP, TCP_TX_DELAY, 0, {ANYTHING}},
        {IPPROTO_IP, IP_RECVOPTS, 0, {SWITCH}},
        {IPPROTO_IP, IP_RETOPTS, 0, {SWITCH}},
        {IPPROTO_IP, IP_MTU, 65535, {ANYTHING}},
        {IPPROTO_IP, IP_MINTTL, 0, {WITHIN(0, 255)}},
        {IPPROTO_IP, IP_MULTICAST_TTL, 1, {HOPS}},
        {IPPROTO_IP, IP_MULTICAST_LOOP, 1, {SWITCH}},
        {IPPROTO_IP, IP_MULTICAST_ALL, 1, {SWITCH}},
        {IPPROTO_IP, IP_UNICAST_IF, 0, {ANYTHING}},
        {IPPROTO_IP, IP_LOCAL_PORT_RANGE, 0, {ANYTHING}},
        {IPPROTO_IPV6, IPV6_MULTICAST_IF, 0, {ANYTHING}},
        {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, {HOPS}},
        {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, {SWITCH}},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1, {WITHIN(0, 5)}},
        {IPPROTO_IPV6, IPV6_MTU, 65535, {ANYTHING}},
        {IPPROTO_IPV6, IPV6_RECVRTHDR, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_RECVPATHMTU, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_TRANSPARENT, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_MINHOPCOUNT, 0, {WITHIN(0, 255)}},
        {IPPROTO_IPV6, IPV6_DONTFRAG, 0, {SWITCH}},
        {IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, 0, {ANYTHING}},
        {IPPROTO_IPV6, IPV6_MULTICAST_ALL, 1, {SWITCH}},
        {IPPROTO_IPV6, IPV6_UNICAST_IF, 0, {ANYTHING}},
        {IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 0, {SWITCH}},
        {IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 0, {ANYTHING}},
        {IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 0, {ANYTHING}},
        [OPTION_PKTINFO] = {IPPROTO_IP, IP_PKTINFO, 0, {SWITCH}},
        [OPTION_RECVTTL] = {IPPROTO_IP, IP_RECVTTL, 0, {SWITCH}},
        [OPTION_RECVTOS] = {IPPROTO_IP, IP_RECVTOS, 0, {SWITCH}},
        [OPTION_RECVORIGDSTADDR] = {IPPROTO_IP, IP_RECVORIGDSTADDR, 0, {SWITCH}},
        [OPTION_RECVPKTINFO6] = {IPPROTO_IPV6, IPV6_RECVPKTINFO, 0, {SWITCH}},
        [OPTION_RECVHOPLIMIT6] = {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0, {SWITCH}},
        [OPTION_RECVTCLASS6] = {IPPROTO_IPV6, IPV6_RECVTCLASS, 0, {SWITCH}},
        [OPTION_RECVORIGDSTADDR6] = {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 0, {SWITCH}},
        /* Set before, it may be taken back, and no more: see outgoing_is_segmented(). */
        [OPTION_SEGMENT] = {IPPROTO_UDP, UDP_SEGMENT, 0, {WITHIN(0, 0)}},
};

_Static_assert(sizeof(options) / sizeof(options[0]) == OPTION_COUNT, "OPTION_COUNT is wrong");

int option_find(int level, int name, struct option_range *ret_range)
{
        for (int i = 0; i < OPTION_COUNT; i++) {
                if (options[i].name != name || options[i].level != level)
                        continue;
                if (ret_range)
                        *ret_range = options[i].range;
                return i;
        }

        return -1;
}

int option_initial(int place)
{
        return options[place].initial;
}

void option_defaults(struct option_values *ret)
{
        for (int i = 0; i < OPTION_COUNT; i++)
                ret->value[i] = options[i].initial;
        memcpy(ret->congestion, "cubic", sizeof("cubic"));
}

static void snapshot_one(int fd, int i, struct option_values *values)
{
        int value = 0;
        socklen_t length = sizeof(value);

        if (next.getsockopt(fd, options[i].level, options[i].name, &value, &length) == 0 &&
            length == sizeof(value))
                values->value[i] = value;
}

void option_snapshot(int fd, struct option_values *ret)
{
        socklen_t length = sizeof(ret->congestion);

        for (int i = 0; i < OPTION_COUNT; i++)
                snapshot_one(fd, i, ret);
        (void)next.getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, ret->congestion, &length);
}

enum { FRESH_UNKNOWN, FRESH_BUSY, FRESH_KNOWN };

/* What a fresh socket answers. */
struct fresh {
        _Atomic int state;
        struct option_values values;
};

/* NULL without memory. */
static struct fresh *fresh_of(sa_family_t family, int type)
{
        static struct fresh *cache;
        struct fresh *fresh = memory_share((void **)&cache, 4 * sizeof(*cache));

        return fresh ? &fresh[(family == AF_INET6) + 2 * (type == SOCK_DGRAM)] : NULL;
}

/* The first thread's answer will do for all. */
static void remember(struct fresh *fresh, const struct option_values *values)
{
        int unknown = FRESH_UNKNOWN;

        if (!atomic_compare_exchange_strong(&fresh->state, &unknown, FRESH_BUSY))
                return;
        fresh->values = *values;
        atomic_store_explicit(&fresh->state, FRESH_KNOWN, memory_order_release);
}

void option_snapshot_noted(int fd, sa_family_t family, int type, uint32_t noted,
                           struct option_values *ret)
{
        struct fresh *fresh = fresh_of(family, type);

        if (fresh && atomic_load_explicit(&fresh->state, memory_order_acquire) == FRESH_KNOWN) {
                *ret = fresh->values;
                for (int i = 0; i < OPTION_NOTED && noted >> i; i++)
                        if (noted >> i & 1)
                                snapshot_one(fd, i, ret);
                return;
        }

        option_defaults(ret);
        option_snapshot(fd, ret);
        if (fresh && noted == 0)
                remember(fresh, ret);
}

void option_restore(int fd, int place, int value)
{
        /* Of the others of this level the kernel tells what it does, and not what was set. */
        if (options[place].level == SOL_SOCKET && place != OPTION_REUSEPORT)
                return;

        (void)next.setsockopt(fd, options[place].level, options[place].name, &value, sizeof(value));
}
