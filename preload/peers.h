/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who sends datagrams to us: each Unix address gets a number, and with it an IP address and a port,
 * that are its own for as long as it is remembered.
 *
 * One table serves all sockets of a process, and of those that it forks: a server may answer from
 * another socket or another process than it was asked on, as TFTP's do and those with a process for
 * each processor. It holds PEERS_MAX peers; the least recently used is forgotten first, after those
 * whose socket is known to be closed.
 *
 * Finding a peer takes no lock. Adding one does, with signals blocked.
 */

#include <stdbool.h>
#include <stdint.h>

#include "preload/endpoint.h"
#include "preload/target.h"

#ifndef PEERS_MAX
#define PEERS_MAX 65536
#endif

/* Clients that have not bound their sockets have one number together. Answers can't reach them. */
#define PEER_NAMELESS UINT64_C(0)

/*
 * Make the table, so that it is shared with the children that are forked from now on.
 * Async-signal-safe. Errors: -ENOBUFS.
 */
int peers_open(void);

/*
 * The number of a peer that has sent a datagram to fd; it is remembered from now on.
 * name: as the kernel has told it; what is behind it is overwritten.
 * Without memory, or when another process has died in the middle: PEER_NAMELESS.
 */
uint64_t peers_add(int fd, struct target *name);

/*
 * The address of a number in a family. mapped: an IPv6 socket that is bound to an IPv4-mapped
 * address.
 */
struct endpoint peers_endpoint(uint64_t number, sa_family_t family, bool mapped);

struct peers;
struct peer_pace;

extern struct peers *peers_table; /* see peer-table.h */

/* Is there a table? Nobody has to look for a peer otherwise. */
static inline bool peers_exist(void)
{
        return __atomic_load_n(&peers_table, __ATOMIC_RELAXED) != NULL;
}

/*
 * The peer at an address. ret_number: to be given to pace.h.
 * ret: its name; a length of zero for PEER_NAMELESS.
 * Returns false when the address is nobody's whom we remember.
 */
bool peers_find(const struct endpoint *endpoint, struct target *ret, uint64_t *ret_number);

/* May that have been the address of a peer? */
bool peers_may_have(const struct endpoint *endpoint);

/*
 * The same by the port alone, for those whom a client has heard as another port of its server.
 */
bool peers_find_port(uint16_t port, struct target *ret, uint64_t *ret_number);

/*
 * A datagram socket of this process has that name, and the program knows it by that address: as a
 * peer it has the same.
 */
void peers_note_own(const struct target *name, const struct endpoint *endpoint);

/*
 * The targets of rules have places in the table as well: the address that the program has last sent
 * to in a family, for each Unix address that it was led to. See asked.h. The first returns its
 * number, the second how it takes what it is sent.
 */
uint64_t peers_note_target(const struct target *target, sa_family_t family,
                           const struct endpoint *endpoint);
bool peers_find_target(const struct target *target, sa_family_t family, struct endpoint *ret,
                       struct peer_pace **ret_pace);

/* How a peer takes what it is sent: see pace.h. Times are in milliseconds, and wrap around. */
struct peer_pace {
        _Atomic uint16_t era;       /* of the socket, in which the following was noted */
        _Atomic uint16_t owed;      /* what it was not seen to read, in units of pace.c */
        _Atomic uint32_t level;     /* bytes that were unread in all after it was sent the last */
        _Atomic uint32_t resting;   /* until then nothing is sent; 0: it is not */
        _Atomic uint16_t patience;  /* for how long the next time */
        _Atomic bool heard, proved; /* it has asked since; it was seen to read the last */
};

/* Of a number that was just found. NULL for PEER_NAMELESS. */
struct peer_pace *peers_pace(uint64_t number);
