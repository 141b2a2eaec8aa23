/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Converted datagram sockets: what struct sock has no room for, and what connect(2) means to them.
 * Sending is in datagram-send.h, receiving in datagram-receive.h.
 *
 * The program's UDP socket is a Unix datagram socket with a name. A socket that the program has
 * connected is connected in the kernel, too, so that the kernel keeps others away from it. That UDP
 * connects to whom is not there, and a Unix socket does not, is hidden: the socket is `absent`
 * then, and every send tries again.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "preload/convert.h"
#include "preload/record.h"
#include "preload/sock.h"
#include "preload/target.h"
#include "rules/rule.h"

/* The longest datagrams: 65,535 bytes less the headers of UDP (RFC 768) and, in IPv4, IP. */
#define DATAGRAM_LONGEST_IPV4 65507
#define DATAGRAM_LONGEST_IPV6 65527

enum correspondent_state {
        CORRESPONDENT_NONE,
        CORRESPONDENT_SOCKET,   /* at target */
        CORRESPONDENT_NAMELESS, /* a client that can't be answered */
};

/* With whom a socket is connected, or to whom it has sent last. */
union correspondent {
        struct {
                uint32_t state; /* enum correspondent_state */
                uint32_t port;
                struct rule_address address; /* with port: the address that the program knows */
                struct target target;
                uint32_t place; /* of the target of a rule: its number, for peers_pace() */
        };
        uint64_t words[RECORD_WORDS];
};

/* The words before the target. */
#define CORRESPONDENT_HEAD 3

_Static_assert(sizeof(union correspondent) == RECORD_WORDS * sizeof(uint64_t),
               "a correspondent has to fit a record");

struct datagram {
        struct record peer; /* of a connected socket */
        struct record last; /* the target of a rule that was sent to last */
        struct record tied; /* see tie.h */
        _Atomic int tie;
        _Atomic pid_t made_by;
        _Atomic bool answered, asking;
        _Atomic int64_t asking_since, looked;
        _Atomic bool slow;      /* connected, and the peer has been waited for in vain */
        _Atomic bool absent;    /* connected, but nobody was there the last time */
        _Atomic bool has_sent;  /* to the target of a rule: there is a last one */
        _Atomic bool automatic; /* named by us: only those are heard that were sent to */
        _Atomic bool asks;      /* made to send to the target of a rule, not to a peer */
        _Atomic bool unsure;    /* how it has to be named: see datagram-client.h */
        _Atomic bool has_port;  /* of its own: what getsockname(2) tells */
        _Atomic bool shut;      /* for sends, by shutdown(2) */
        _Atomic bool told_denied, told_full, told_absent; /* why a datagram was lost */
        _Atomic uint8_t zone;                             /* see pace.h */
        _Atomic uint16_t era;
        _Atomic uint32_t unchecked, resting;
        _Atomic int64_t waited;      /* when a receiver was waited for in vain, or 0 */
        _Atomic uint64_t checked;    /* a peer whose address is not a UDP socket's */
        int room;                    /* of the real send buffer, in bytes */
        int told_room;               /* SO_SNDBUF, as the program knows it */
        struct timeval told_timeout; /* SO_SNDTIMEO */
};

/* Is it one of those? */
static inline bool sock_is_datagram(const struct sock *sock)
{
        return sock->type == SOCK_DGRAM && sock->family != AF_UNIX &&
               (sock->kind == SOCK_LISTENER || sock->kind == SOCK_CLIENT);
}

/* May it become a socket of IP again? Not when a rule has given it its address. */
static inline bool datagram_may_be_ip(const struct sock *sock)
{
        return !sock->passed && (sock->kind == SOCK_CLIENT || sock->ephemeral);
}

/* The sock of a word that is about one of those, or NULL. */
static inline struct sock *datagram_sock(word w)
{
        struct sock *sock = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w)) : NULL;

        return sock && sock_is_datagram(sock) ? sock : NULL;
}

/*
 * Give an object its other half, and the table of peers its memory: before it gets into the table
 * of descriptors. inet: what it is made of, for the options that the program has set.
 * Errors: -ENOBUFS.
 */
int datagram_prepare(struct sock *sock, const struct inet_socket *inet);

/*
 * Set on a Unix datagram socket what ours have: nobody is waited for longer than UDP's senders can
 * notice, and no descriptors are let in. For the socket that is going to be the program's.
 */
void datagram_tune(int fd, struct sock *sock);

/* Set on an IP socket that takes its place what the program has set of that. */
void datagram_untune(int fd, const struct sock *sock);

/* It is the program's now, at fd. */
void datagram_finish(int fd, struct sock *sock);

/*
 * The other half of an object that is made of a mark: its local and its peer's address are filled
 * in. fd: where it is.
 */
int datagram_restore(int fd, struct sock *sock);

/* The other half. Not NULL for what datagram_prepare() has returned 0 for. */
struct datagram *datagram_of(const struct sock *sock);

/* Who is the peer? The target is only filled in by datagram_peer(). */
enum correspondent_state datagram_peer_head(const struct sock *sock, struct endpoint *ret);
void datagram_peer(const struct sock *sock, union correspondent *ret);

/*
 * Connect in the kernel, to whom a connected socket has as its peer.
 * Returns 0; -ECONNREFUSED when nobody is there; -EACCES. Both are told once for each
 * datagram_connect().
 */
int datagram_reach(int fd, const struct sock *sock, const struct target *target);

/*
 * A peer that was heard is not there to be answered. Tells it once for each process of one with an
 * abstract name, which may be of another network namespace: unix(7).
 */
void datagram_tell_unanswered(const struct target *peer);

/*
 * connect(2) to a peer or by a rule. The caller has found out to whom.
 * correspondent: its state, address and target.
 * Errors: -EACCES, -EALREADY: another thread connects it right now.
 */
int datagram_connect(int fd, struct sock *sock, const union correspondent *correspondent);

/* End the connection that the kernel has of it, and nothing else. No cancellation point. */
void datagram_leave_peer(int fd);

/* connect(2) with AF_UNSPEC. */
int datagram_disconnect(int fd, struct sock *sock);

/* Is there nothing to read, nor an error to be told? No cancellation point. */
bool datagram_is_empty(int fd);

/*
 * Let the next call on the socket tell of ECONNREFUSED: recv(2), poll(2), SO_ERROR, send(2).
 * Not where there is something to read, which would be lost.
 */
void datagram_plant_refusal(int fd);

/*
 * The name of the socket of this process that the program knows by an address. Slow.
 * Returns false when there is none.
 */
bool datagram_find_own(const struct endpoint *endpoint, sa_family_t family, struct target *ret);

/* Its own address: getsockname(2). */
struct endpoint datagram_local(const struct sock *sock);
