/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Marks sockets, and finds the marks. See mark.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "preload/datagram.h"
#include "preload/departure.h"
#include "preload/endpoint.h"
#include "preload/environment.h"
#include "preload/inheritance.h"
#include "preload/mark.h"
#include "preload/next.h"
#include "preload/process.h"
#include "rules/address.h"

#define MAGIC       0x5a1c5 /* 19 bits */
#define MAGIC_SHIFT 12

enum address_form { FORM_IPV4, FORM_WILDCARD, FORM_LOOPBACK };

/* The 12 bits: form of the address (2), flags. */
#define BITS_FORM(bits)  ((enum address_form)((bits)&3))
#define BITS_IPV6        (1 << 2) /* the program's socket is AF_INET6 */
#define BITS_CONNECTION  (1 << 3)
#define BITS_BLACKHOLE   (1 << 4)
#define BITS_DGRAM       (1 << 5)
#define BITS_LISTENING   (1 << 6)
#define BITS_CREDENTIALS (1 << 7)
#define BITS_PROTOCOL    (1 << 8)  /* not the usual one of the type */
#define BITS_REMOVES     (1 << 9)  /* its last closer removes the file */
#define BITS_PASSED      (1 << 10) /* by systemd */
#define BITS_OUTGOING    (1 << 11) /* the address is the peer's, the own one is the loopback */

/* It is no connection and no blackhole: see socket(2) in hook-socket.c. */
#define BITS_STANDIN (BITS_CONNECTION | BITS_BLACKHOLE)

static enum address_form form_of(const struct endpoint *endpoint, sa_family_t family)
{
        if (family == AF_INET || rule_address_is_mapped(&endpoint->address))
                return FORM_IPV4;

        return endpoint_is_wildcard(endpoint, family) ? FORM_WILDCARD : FORM_LOOPBACK;
}

/* 0: it has none. */
static uint16_t peer_port(const struct sock *sock, word w)
{
        struct endpoint peer;

        if (WORD_KIND(w) == WORD_ACCEPTED)
                return WORD_PEER_PORT(w);
        if (!sock_is_datagram(sock))
                return sock->peer.port;

        return datagram_peer_head(sock, &peer) == CORRESPONDENT_NONE ? 0 : peer.port;
}

void mark_write(int fd, const struct sock *sock, word w)
{
        const bool accepted = WORD_KIND(w) == WORD_ACCEPTED;
        const bool connection =
                accepted || sock->kind == SOCK_CONNECTION || sock->kind == SOCK_CLIENT;
        const struct endpoint *told = sock->outgoing ? &sock->peer : &sock->local;
        const enum address_form form = form_of(told, sock->family);
        const uint16_t peer = peer_port(sock, w);
        uint64_t rate;
        uint32_t ipv4 = 0;
        int cpu;

        if (!sock_is_disguised(sock))
                return;
        if (form == FORM_IPV4)
                memcpy(&ipv4, told->address.bytes + 12, sizeof(ipv4));
        rate = (uint64_t)ipv4 << 32 | (uint64_t)sock->local.port << 16 | peer;

        cpu = MAGIC << MAGIC_SHIFT | (int)form;
        cpu |= sock->family == AF_INET6 ? BITS_IPV6 : 0;
        cpu |= connection ? BITS_CONNECTION : 0;
        cpu |= sock->kind == SOCK_BLACKHOLE ? BITS_BLACKHOLE : 0;
        cpu |= sock->kind == SOCK_STANDIN ? BITS_STANDIN : 0;
        cpu |= sock->type == SOCK_DGRAM ? BITS_DGRAM : 0;
        cpu |= atomic_load(&sock->listening) ? BITS_LISTENING : 0;
        cpu |= sock->peer_credentials ? BITS_CREDENTIALS : 0;
        cpu |= sock->protocol == IPPROTO_MPTCP || sock->protocol == IPPROTO_UDPLITE ? BITS_PROTOCOL
                                                                                    : 0;
        /* Accepted: sock is the listener's, whose file is no business of the connection's. */
        cpu |= sock->removes_file && (!connection || sock->kind == SOCK_CLIENT) ? BITS_REMOVES : 0;
        cpu |= sock->passed && !connection ? BITS_PASSED : 0;
        cpu |= sock->outgoing ? BITS_OUTGOING : 0;

        (void)next.setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate));
        (void)next.setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof(cpu));
        environment_announce_marks();
}

void mark_write_connection(int fd)
{
        const int saved = errno;
        const word w = table_hold(fd);
        struct sock *sock = sock_of(w);

        if (WORD_KIND(w) == WORD_ACCEPTED && !(w & WORD_STAMPED)) {
                mark_write(fd, sock, w);
                (void)table_replace(fd, w, w | WORD_STAMPED);
        } else if (WORD_KIND(w) == WORD_SOCK &&
                   (sock->kind == SOCK_CONNECTION || sock->kind == SOCK_STANDIN ||
                    sock->kind == SOCK_CLIENT) &&
                   !atomic_exchange(&sock->stamped, true))
                mark_write(fd, sock, w);

        table_drop(w);
        errno = saved;
}

void mark_write_inherited(void)
{
        for (int fd = inheritance_next_socket(0); fd >= 0; fd = inheritance_next_socket(fd + 1))
                mark_write_connection(fd);
}

static bool read_mark(int fd, uint64_t *ret_rate, int *ret_bits)
{
        uint64_t rate = 0;
        int domain = 0, cpu = 0;
        socklen_t length = sizeof(domain);

        if (next.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 || domain != AF_UNIX)
                return false;

        length = sizeof(cpu);
        if (next.getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &length) < 0 || cpu < 0 ||
            cpu >> MAGIC_SHIFT != MAGIC)
                return false;

        length = sizeof(rate);
        if (next.getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length) < 0 ||
            length != sizeof(rate))
                return false;

        *ret_rate = rate;
        *ret_bits = cpu & ((1 << MAGIC_SHIFT) - 1);
        return true;
}

static struct rule_address restore_address(enum address_form form, sa_family_t family,
                                           uint64_t rate)
{
        const uint32_t ipv4 = (uint32_t)(rate >> 32);

        switch (form) {
        case FORM_IPV4:
                return rule_address_from_ipv4(&ipv4);
        case FORM_LOOPBACK:
                return endpoint_loopback(family, 0).address;
        case FORM_WILDCARD:
                break;
        }

        return (struct rule_address){{0}};
}

/* Its own address, and its peer's: one of them is in the mark. */
static void restore_endpoints(struct sock *sock, uint64_t rate, int bits)
{
        const struct endpoint told = {
                .address = restore_address(BITS_FORM(bits), sock->family, rate),
        };
        const struct endpoint other = endpoint_opposite(&told, sock->family, 0);

        sock->local.port = (uint16_t)(rate >> 16);
        sock->local.address = (bits & BITS_OUTGOING ? other : told).address;
        sock->peer.port = (uint16_t)rate;
        sock->peer.address = (bits & BITS_OUTGOING ? told : other).address;
}

static enum sock_kind kind_of(int bits)
{
        static const enum sock_kind kinds[] = {
                [0] = SOCK_LISTENER,
                [BITS_CONNECTION >> 3] = SOCK_CONNECTION,
                [BITS_BLACKHOLE >> 3] = SOCK_BLACKHOLE,
                [BITS_STANDIN >> 3] = SOCK_STANDIN,
        };

        return kinds[(bits & BITS_STANDIN) >> 3];
}

static struct sock *restore(int fd, uint64_t rate, int bits)
{
        struct sock *sock;

        sock = sock_new();
        if (!sock)
                return NULL;

        sock->kind = kind_of(bits);
        if (sock->kind == SOCK_CONNECTION && bits & BITS_DGRAM)
                sock->kind = SOCK_CLIENT;
        sock->family = bits & BITS_IPV6 ? AF_INET6 : AF_INET;
        sock->type = bits & BITS_DGRAM ? SOCK_DGRAM : SOCK_STREAM;
        if (bits & BITS_PROTOCOL)
                sock->protocol = bits & BITS_DGRAM ? IPPROTO_UDPLITE : IPPROTO_MPTCP;
        else
                sock->protocol = bits & BITS_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
        sock->peer_credentials = bits & BITS_CREDENTIALS;
        /* Who has made it may have it yet. */
        sock->forked = true;
        sock->listening = bits & BITS_LISTENING;
        sock->removes_file = bits & BITS_REMOVES;
        if (sock->removes_file)
                departure_expect();
        sock->passed = bits & BITS_PASSED;
        sock->outgoing = bits & BITS_OUTGOING;
        sock->stamped = true;
        restore_endpoints(sock, rate, bits);
        option_defaults(&sock->options);
        if (sock_is_datagram(sock) && datagram_restore(fd, sock) < 0) {
                sock_unref(sock);
                return NULL;
        }
        return sock;
}

bool mark_may_be_inherited;

bool mark_search(int fd)
{
        const int saved = errno;
        struct sock *sock = NULL;
        uint64_t rate;
        int bits;

        if (process_is_borrowed())
                return false;

        next_need_sockets();
        if (read_mark(fd, &rate, &bits) && table_reserve(fd) == 0)
                sock = restore(fd, rate, bits);
        if (sock)
                table_put(fd, sock_word(sock));

        errno = saved;
        return sock;
}

bool mark_look(int fd)
{
        if (mark_search(fd))
                return true;

        if (next.fcntl(fd, F_GETFD) >= 0 && table_reserve(fd) == 0)
                table_put(fd, WORD_PLAIN);
        return false;
}
