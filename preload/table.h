/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptor table: what the shim knows about each descriptor number, in one 64-bit word.
 *
 * Hooks run in every thread and in signal handlers, so there is no lock. A word is read with three
 * loads and changed with one atomic exchange. Words lie in blocks that are mapped when a number in
 * their range is first tracked and never unmapped: a reader may hold a stale pointer for ever.
 *
 * The table belongs to the process as the kernel's descriptor table does. A child of vfork(2)
 * shares the one but not the other: see process.h. Everything that changes a word here does
 * nothing in such a child.
 *
 * A word says one of these (all zero: nothing is known, leave the descriptor alone):
 *
 *   WORD_INET    an IP socket that nobody has bound: a rule may apply to it. Its family, type and
 *                protocol are in the word.
 *   WORD_PLAIN   an IP socket that was bound or connected, and no rule wanted it; a Unix socket
 *                that was looked at and is none of ours; an epoll that there are notes about.
 *   WORD_SOCK    a converted socket: the word holds a reference to its struct sock (sock.h).
 *   WORD_ACCEPTED  a connection that came in through a converted listener and has nothing of its
 *                own but a peer's port: the word holds that, and a reference to the listener's
 *                struct sock. Eight bytes are all that a connection costs.
 *   WORD_KEPT    a descriptor of systemd's that waits for its bind (kept.h). The program does
 *                not know of it: its calls on that number answer EBADF.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef uint64_t word;

enum word_kind {
        WORD_NONE,
        WORD_INET,
        WORD_PLAIN,
        WORD_SOCK,
        WORD_ACCEPTED,
        WORD_KEPT,
};

#define WORD_KIND(w) ((enum word_kind)((w)&15))

/* WORD_INET, WORD_PLAIN */
#define WORD_IPV6        (UINT64_C(1) << 4)
#define WORD_DGRAM       (UINT64_C(1) << 5)
#define WORD_COPIED      (UINT64_C(1) << 6)  /* a dup() of it may be about */
#define WORD_EPOLLED     (UINT64_C(1) << 7)  /* registered in an epoll: see watch.h */
#define WORD_SET         (UINT64_C(1) << 8)  /* the program has set an option, or may have */
#define WORD_SET_SOCKET  (UINT64_C(1) << 9)  /* one of SOL_SOCKET */
#define WORD_CLIENT      (UINT64_C(1) << 10) /* bound against a rule, since it was connected */
#define WORD_ANY_PORT    (UINT64_C(1) << 11) /* bound to a port that the kernel has chosen */
#define WORD_CLAIMED     (UINT64_C(1) << 12) /* a thread is about to replace it: claim.h */
#define WORD_FORKED      (UINT64_C(1) << 13) /* of datagrams: a forked child has it as well */
#define WORD_PROTOCOL(w) ((int)((w) >> 16 & 0xffff))
/* The options that it has set, one bit for each place below OPTION_NOTED: option-table.h. */
#define WORD_NOTED(w)    ((uint32_t)((w) >> 32))
#define WORD_NOTE(place) (UINT64_C(1) << (32 + (place)))
/* flags: of those above that are not about what it is. */
static inline word word_inet(enum word_kind kind, int family, int type, int protocol, word flags)
{
        return (word)kind | (family == AF_INET6 ? WORD_IPV6 : 0) |
               (type == SOCK_DGRAM ? WORD_DGRAM : 0) | (word)(protocol & 0xffff) << 16 | flags;
}

/* Is it about one of IP's sockets? */
static inline bool word_is_inet(word w)
{
        return WORD_KIND(w) == WORD_INET || (WORD_KIND(w) == WORD_PLAIN && WORD_PROTOCOL(w) != 0);
}

/* WORD_SOCK, WORD_ACCEPTED, WORD_KEPT: which object */
#define WORD_INDEX(w)                 ((uint32_t)((w) >> 8 & 0xffffff))
#define WORD_OBJECT_MAKE(kind, index) ((word)(kind) | (word)(index) << 8)

/* WORD_ACCEPTED: what the program has set on the connection, and its peer's port */
#define WORD_NODELAY      (UINT64_C(1) << 4) /* TCP_NODELAY */
#define WORD_CORK         (UINT64_C(1) << 5) /* TCP_CORK */
#define WORD_STAMPED      (UINT64_C(1) << 6) /* carries a mark: see mark.h */
#define WORD_PEER_PORT(w) ((uint16_t)((w) >> 32 & 0xffff))
#define WORD_ACCEPTED_MAKE(index, flags, port)                                                     \
        (WORD_OBJECT_MAKE(WORD_ACCEPTED, index) | (flags) | (word)(port) << 32)

#define TABLE_BLOCK_SHIFT 9
#define TABLE_BLOCK_WORDS (1 << TABLE_BLOCK_SHIFT)
#define TABLE_BLOCKS      8192
#define TABLE_MAX         (TABLE_BLOCKS * TABLE_BLOCK_WORDS) /* four times Linux's fs.nr_open */

struct table_block {
        _Atomic word words[TABLE_BLOCK_WORDS];
};

/* Mapped when the first word is stored: a process without sockets has none. */
struct table {
        struct table_block *blocks[TABLE_BLOCKS];
};

extern struct table *table;

/* The place of a descriptor's word, or NULL when no word near it was ever set. */
static inline _Atomic word *table_find(int fd)
{
        struct table *root = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
        struct table_block *block;

        if (!root || (unsigned)fd >= TABLE_MAX)
                return NULL;

        block = __atomic_load_n(&root->blocks[fd >> TABLE_BLOCK_SHIFT], __ATOMIC_ACQUIRE);
        return block ? &block->words[fd & (TABLE_BLOCK_WORDS - 1)] : NULL;
}

/* The word of a descriptor, zero when nothing is known about it. */
static inline word table_get(int fd)
{
        _Atomic word *place = table_find(fd);

        return place ? atomic_load_explicit(place, memory_order_acquire) : 0;
}

/*
 * Make sure that a word can be stored for fd, so that table_put() can't fail later.
 * Errors: -ENOMEM; -EMFILE for a number beyond TABLE_MAX.
 */
int table_reserve(int fd);

/*
 * Store a word and release the one before it. The caller gives up what the new word holds. fd was
 * reserved, unless the word is zero.
 */
void table_put(int fd, word w);

/* Store a word and return the one before it, to be released by the caller. */
word table_exchange(int fd, word w);

/* Give up what a word that has left the place of fd holds, and what is noted about it. */
void table_release(int fd, word w);

/*
 * A second word for the same object, to be stored for another descriptor. w is held.
 * Returns 0 when the last descriptor of the object was closed meanwhile.
 */
word table_copy(word w);

/* Forget a descriptor that is about to be closed or that somebody else has just made. */
static inline void table_forget(int fd)
{
        if (__builtin_expect(table_get(fd) != 0, 0))
                table_put(fd, 0);
}

/* Replace a word if it is still the expected one; references are the caller's business. */
bool table_replace(int fd, word expected, word w);

/*
 * Return the word of a descriptor with a reference to its object held: another thread may close
 * the descriptor meanwhile. Give it back with table_drop().
 */
word table_hold(int fd);
void table_drop(word w);

/* The first tracked descriptor at or above fd, or -1. */
int table_next(int fd);
