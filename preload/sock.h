/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A converted socket: the IP socket that the program believes it has.
 *
 * Objects come from a pool that only grows and are found by a small index, so that a descriptor's
 * word (table.h) can name one. Their memory is type-stable: a thread that reads one while another
 * closes its last descriptor reads an old or a reused object, never unmapped memory. What must not
 * be wrong then takes a reference first (table_hold()).
 */

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "preload/option-table.h"
#include "preload/table.h"
#include "rules/rule.h"

enum sock_kind {
        /* A bound Unix socket at the program's number: systemd's, one that a rule with path= or
         * abstract= made, or one that a mark told us of. */
        SOCK_LISTENER,
        /* An IP socket of systemd's at the program's number: the kernel says all there is to say,
         * but for listen(). */
        SOCK_PASSED_IP,
        /* A socket that nobody can reach. The kernel has an unbound Unix datagram socket. */
        SOCK_BLACKHOLE,
        /* A Unix socket in place of an IP socket that the kernel refused to make. */
        SOCK_STANDIN,
        /* A connection that has more to remember than WORD_ACCEPTED has room for. */
        SOCK_CONNECTION,
        /* A datagram socket that has become a Unix socket since it sends or is connected to one. */
        SOCK_CLIENT,
        /* What a non-blocking connect that was refused leaves: a Unix socket of which poll(2)
         * tells the same, with the error that SO_ERROR tells. */
        SOCK_REFUSED,
        /* An IP socket that inet= has bound elsewhere: it tells the address that it was to have. */
        SOCK_MOVED,
        /* An IP socket that inet= has connected elsewhere: the same for its peer's address. */
        SOCK_MOVED_PEER,
        /* A listener after shutdown(2): systemd's own socket must not be shut down. */
        SOCK_SHUT,
};

/* An IP address and a port (host byte order). */
struct endpoint {
        struct rule_address address;
        uint16_t port;
};

/* What the program called a Unix socket of its own: rules with from-unix=, from-abstract=. */
struct unix_name {
        uint8_t length; /* of path; 0: none */
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

struct sock {
        _Atomic uint32_t refs;    /* words in the table, and hooks at work on it */
        _Atomic uint32_t open;    /* WORD_SOCK words alone */
        _Atomic pid_t claimed_by; /* by a thread of that process: see claim.h */
        uint32_t index;           /* of itself */
        uint32_t next_free;

        enum sock_kind kind;
        sa_family_t family; /* of the program's socket: AF_INET, AF_INET6 or AF_UNIX */
        int type;           /* SOCK_STREAM or SOCK_DGRAM */
        int protocol;       /* 0 for AF_UNIX alone */
        bool peer_credentials;
        bool passed;       /* SOCK_LISTENER: by systemd */
        bool removes_file; /* SOCK_LISTENER: its last closer does */
        bool outgoing;  /* SOCK_CONNECTION: by connect(2), and peer is what the program asked for */
        bool owns_port; /* the local port is to be given back: port.h */
        _Atomic bool ephemeral; /* the program has left the choice of the port to the kernel */
        _Atomic bool shared;    /* SOCK_LISTENER: other objects have the same kernel socket */
        _Atomic bool listening;
        _Atomic bool connecting;   /* the program does not know yet that it is connected */
        _Atomic int pending_error; /* SOCK_REFUSED: to be told once */
        _Atomic bool stamped;
        _Atomic bool watched; /* registered in an epoll, and noted: watch.h */
        _Atomic bool forked;  /* of datagrams: a child that was forked may have it, too */

        struct endpoint local;
        struct endpoint peer;  /* SOCK_CONNECTION; of datagram sockets see datagram.h */
        struct unix_name name; /* the local one, of a connection the peer's; family AF_UNIX */
        int kept;              /* SOCK_LISTENER, SOCK_PASSED_IP: see kept.h; or -1 */
        const struct rule
                *rule; /* that made a SOCK_LISTENER; NULL when it was passed or inherited */
        ino_t file;    /* the inode of its file, 0 when not known */

        unsigned inherited; /* see inherited.h */
        struct option_values options;
};

/* Keep the address that a program gave; length is one that it may have. */
void unix_name_set(struct unix_name *name, const struct sockaddr *addr, socklen_t length);

/*
 * Take an object from the pool: refs and open are 1, for the word that sock_word() makes; all else
 * is zero. Errors: NULL when there is no memory.
 */
struct sock *sock_new(void);

/* The word for a new object. It takes over the reference that sock_new() gave. */
static inline word sock_word(const struct sock *sock)
{
        return WORD_OBJECT_MAKE(WORD_SOCK, sock->index);
}

struct sock *sock_at(uint32_t index);

void sock_ref(struct sock *sock);
void sock_unref(struct sock *sock);

/* Take a reference unless the object is free. */
bool sock_try_ref(struct sock *sock);

/*
 * A descriptor more names the socket, or one less. The last one gives back what it was made of, and
 * then there is no coming back: sock_try_open() returns false.
 */
bool sock_try_open(struct sock *sock);
void sock_closed(struct sock *sock);

/*
 * May the program's descriptor become yet another socket? A datagram socket becomes one of IP
 * again, unless a rule has given it its address.
 */
static inline bool sock_may_become_another(const struct sock *sock)
{
        return sock->kind == SOCK_STANDIN || sock->kind == SOCK_REFUSED ||
               sock->kind == SOCK_CLIENT ||
               (sock->type == SOCK_DGRAM && sock->ephemeral && !sock->passed);
}

/* The listener or the connection itself: what a held word is about. NULL for other words. */
static inline struct sock *sock_of(word w)
{
        return WORD_KIND(w) == WORD_SOCK || WORD_KIND(w) == WORD_ACCEPTED ? sock_at(WORD_INDEX(w))
                                                                          : NULL;
}

/*
 * The error that is told of a socket that was refused: the first time the pending one, as a
 * negative errno; then 0. Other sockets have none.
 */
static inline int sock_take_error(struct sock *sock)
{
        return -atomic_exchange(&sock->pending_error, 0);
}

/* Ping sockets (icmp(7)) are datagram sockets, too, and no rule is about them. */
static inline bool protocol_has_datagrams(int protocol)
{
        return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* Is it a Unix socket that the program takes for an IP socket, so that the illusion is ours? */
static inline bool sock_is_disguised(const struct sock *sock)
{
        return sock->family != AF_UNIX && sock->kind != SOCK_PASSED_IP &&
               sock->kind != SOCK_MOVED && sock->kind != SOCK_MOVED_PEER;
}
