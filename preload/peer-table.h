/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table behind peers.h, for the files that are about it: who is found, and who is added.
 *
 * It lies in memory that forked children share. Readers go through the chains without a lock; each
 * entry has a version, which is odd while it is being written, and whoever finds that it has
 * changed has found nothing. Writers hold the lock. It is a number in the same memory, which says
 * who holds it since when, so that the others can tell when that one was killed or stopped.
 *
 * The number of a peer is its index, plus PEERS_MAX for each time that somebody who may still be
 * alive has been forgotten there: a late answer must not reach another one. The first 28,232 are
 * the ports of the loopback address, as the kernel would give them to local clients: programs that
 * serve local clients alone look for that address. So a place among these is used again as soon as
 * its socket is closed.
 */

#include <netinet/in.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "preload/peers.h"

#define PEER_PORT_FIRST 32768
#define PEER_PORTS      (60999 - PEER_PORT_FIRST + 1)

#define PEER_WORDS          14 /* of a name: a whole struct sockaddr_un */
#define PEER_ENDPOINT_WORDS 3
#define PEER_HEADS          PEERS_MAX
#define PEER_NOBODY         0  /* the place of PEER_NAMELESS is never a peer's */
#define PEER_STEPS          64 /* steps through a chain, or the list of the least recently used */

/*
 * In three lines of a processor's cache: with thousands of peers they are fetched for each
 * datagram. The first is all there is to see of a client with a name that the kernel has chosen.
 */
struct peer {
        alignas(64) _Atomic uint32_t version;
        _Atomic uint32_t next; /* in its chain, or PEER_NOBODY */
        _Atomic uint32_t used; /* the arrival at which it was last used */
        _Atomic uint32_t generation;
        uint32_t head, listed, older, newer; /* under the lock */
        struct peer_pace pace;
        _Atomic uint32_t length; /* of its name, in bytes */
        _Atomic bool has_endpoint;
        _Atomic uint64_t name[PEER_WORDS];
        /* Of the target of a rule, and of a socket of ours. */
        _Atomic uint64_t endpoint[PEER_ENDPOINT_WORDS];
};

struct peers {
        _Atomic uint64_t
                holder; /* of the lock: the lower half a process, the upper one when; or 0 */
        _Atomic uint32_t arrivals;
        _Atomic uint32_t fresh; /* the first place that was never used */
        _Atomic bool nameless;  /* one without a name was heard */
        uint32_t newest, oldest;
        uint32_t hand;                /* the next place of the loopback address to be asked about */
        int64_t noted;                /* when `before` was, in milliseconds */
        uint32_t before, long_before; /* arrivals by then, and by the time before */
        uint64_t seed;
        uint32_t first_port; /* of place 0 */
        _Atomic uint32_t heads[PEER_HEADS];
        struct peer peers[PEERS_MAX];
};

/*
 * The places are a power of two, PEERS_MAX where there is memory for them. Not in the table: a
 * child that has gone wrong could lead the others beyond its end.
 */
extern uint32_t peers_mask;

static inline uint32_t peer_mask(void)
{
        return __atomic_load_n(&peers_mask, __ATOMIC_RELAXED);
}

/* What is at a place. */
#define peer_at(table, place) (&(table)->peers[(place)&peer_mask()])

/* How many places of the loopback address there are. */
static inline uint32_t peer_local_places(void)
{
        return PEER_PORTS < peer_mask() ? PEER_PORTS : peer_mask() + 1;
}

/* The table, or NULL while there is none. */
struct peers *peer_table(void);

/*
 * A name as words, of which the number is returned: at least one. The rest of the last one is zero.
 */
size_t peer_words(const struct target *name, uint64_t ret[static PEER_WORDS]);

/* The head of the chain that a name is in. */
uint32_t peer_hash(const struct peers *peers, const uint64_t *words, size_t n);

/* The place of a name, or PEER_NOBODY. length: in bytes. */
uint32_t peer_find_name(const struct peers *peers, uint32_t head, const uint64_t *words, size_t n,
                        size_t length);

/* The same; who is not there is added. fd: the socket that has heard of it, or -1. */
uint32_t peer_find_or_add(struct peers *peers, int fd, uint32_t head, const uint64_t *words,
                          size_t n, size_t length);

/* What is read between the two is of one peer when the second says so; with acquire, that is. */
static inline uint32_t peer_begin(const struct peer *peer)
{
        return atomic_load_explicit(&peer->version, memory_order_acquire);
}

static inline bool peer_is_unchanged(const struct peer *peer, uint32_t version)
{
        return !(version & 1) &&
               atomic_load_explicit(&peer->version, memory_order_relaxed) == version;
}
