/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converted datagram sockets. See datagram.h. */

#include <errno.h>
#include <string.h>

#include "preload/connection.h"
#include "preload/datagram.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/memory.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/peers.h"
#include "preload/process.h"
#include "preload/tie.h"
#include "rules/address.h"

/* Younger than the headers that distributions build with: since Linux 6.16. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* How long a receiver is waited for. */
#define PATIENCE_US 20000

/* What all receivers together may leave unread. The kernel doubles it, and gives less to many. */
#define ROOM (8 << 20)

#define CHUNK_SHIFT 6
#define CHUNK_SIZE  (1U << CHUNK_SHIFT)
#define CHUNKS      16384 /* as many as there are in sock.c */

static struct datagram **chunks; /* by the index of the sock */

struct datagram *datagram_of(const struct sock *sock)
{
        struct datagram **found = __atomic_load_n(&chunks, __ATOMIC_ACQUIRE);

        return __atomic_load_n(&found[sock->index >> CHUNK_SHIFT], __ATOMIC_ACQUIRE) +
               (sock->index & (CHUNK_SIZE - 1));
}

static struct datagram *map_chunk(const struct sock *sock)
{
        struct datagram **found = memory_share((void **)&chunks, CHUNKS * sizeof(*found));

        return found ? memory_share((void **)&found[sock->index >> CHUNK_SHIFT],
                                    CHUNK_SIZE * sizeof(struct datagram))
                     : NULL;
}

/* What the program has set, or would find. */
static void read_told(const struct inet_socket *inet, struct datagram *datagram)
{
        const bool converted = inet->sock && sock_is_datagram(inet->sock);
        socklen_t length = sizeof(datagram->told_timeout);

        if (converted) {
                datagram->told_timeout = datagram_of(inet->sock)->told_timeout;
                datagram->told_room = datagram_of(inet->sock)->told_room;
                return;
        }

        datagram->told_timeout = (struct timeval){0};
        (void)next.getsockopt(inet->fd, SOL_SOCKET, SO_SNDTIMEO, &datagram->told_timeout, &length);
        datagram->told_room = option_number(inet->fd, SO_SNDBUF);
}

int datagram_prepare(struct sock *sock, const struct inet_socket *inet)
{
        static const union correspondent nobody;
        struct datagram *datagram;

        if (peers_open() < 0 || !map_chunk(sock))
                return -ENOBUFS;

        /* Another thread may hold on to the one who had it before. */
        datagram = datagram_of(sock);
        (void)record_store(&datagram->peer, nobody.words);
        (void)record_store(&datagram->last, nobody.words);
        datagram->absent = datagram->has_sent = datagram->has_port = false;
        datagram->automatic = datagram->answered = datagram->asking = datagram->shut = false;
        datagram->asks = false;
        datagram->unsure = datagram->told_full = datagram->told_absent = false;
        datagram->slow = datagram->told_denied = false;
        datagram->made_by = process_id();
        datagram->tie = 0;
        datagram->asking_since = 0;
        datagram->zone = 0;
        datagram->unchecked = datagram->resting = 0;
        datagram->waited = 0;
        datagram->checked = UINT64_MAX;
        read_told(inet, datagram);
        return 0;
}

/*
 * What a socket may have without the right to more: wmem_max of socket(7), doubled. A socket of
 * systemd's may have more already (SendBuffer= of systemd.socket(5)), which must not be lost.
 */
static int most_room(void)
{
        static _Atomic int most;
        const int known = atomic_load_explicit(&most, memory_order_relaxed), room = ROOM;
        int fd, found;

        if (known != 0)
                return known;
        fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return 0;
        (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        found = option_number(fd, SO_SNDBUF);
        kernel_close(fd);
        atomic_store_explicit(&most, found, memory_order_relaxed);
        return found;
}

static void make_room(int fd, struct datagram *datagram)
{
        const int room = ROOM;

        if (next.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0 &&
            option_number(fd, SO_SNDBUF) < most_room())
                (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        datagram->room = option_number(fd, SO_SNDBUF);
}

/* Who speaks to himself expects to be heard under the address that he has bound. */
static void note_own(int fd, const struct sock *sock)
{
        const struct endpoint told = connection_local(&sock->local, sock->family);
        struct target name;

        if (sock->kind == SOCK_LISTENER && !sock->passed && target_of_socket(fd, &name))
                peers_note_own(&name, &told);
}

static void limit_waiting(int fd)
{
        static const struct timeval patience = {0, PATIENCE_US};

        (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void datagram_untune(int fd, const struct sock *sock)
{
        const struct datagram *datagram = datagram_of(sock);
        /* The kernel doubles it. */
        const int room = datagram->told_room / 2;

        (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &datagram->told_timeout,
                              sizeof(datagram->told_timeout));
        if (option_number(fd, SO_SNDBUF) != datagram->told_room)
                (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

void datagram_tune(int fd, struct sock *sock)
{
        const int nothing = 0;

        limit_waiting(fd);
        (void)next.setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &nothing, sizeof(nothing));
        make_room(fd, datagram_of(sock));
}

void datagram_finish(int fd, struct sock *sock)
{
        const struct timeval *told = &datagram_of(sock)->told_timeout;

        /* The conversion has carried it over, to a passed socket in any case. */
        if (sock->passed || told->tv_sec != 0 || told->tv_usec != 0)
                limit_waiting(fd);
        note_own(fd, sock);
}

void datagram_leave_peer(int fd)
{
        const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

        (void)kernel_connect(fd, &nobody, sizeof(nobody));
}

int datagram_restore(int fd, struct sock *sock)
{
        const struct inet_socket inet = {.fd = fd};
        union correspondent peer = {.state = CORRESPONDENT_SOCKET};
        struct datagram *datagram;
        struct sockaddr_un un;
        socklen_t length = sizeof(un);

        if (datagram_prepare(sock, &inet) < 0)
                return -ENOBUFS;
        /* It hears whom the kernel lets in: to whom it has sent, only the program before knew. */
        datagram = datagram_of(sock);
        datagram->has_port = true;
        datagram->told_timeout = (struct timeval){0};
        datagram->room = option_number(fd, SO_SNDBUF);
        if (sock->peer.port == 0) {
                tie_inherit(sock);
                return 0;
        }

        peer.address = sock->peer.address;
        peer.port = sock->peer.port;
        if (next.getpeername(fd, (struct sockaddr *)&un, &length) == 0 && length <= sizeof(un)) {
                memcpy(&peer.target.address, &un, length);
                peer.target.length = length;
        } else
                peer.state = CORRESPONDENT_NAMELESS;
        datagram->absent = peer.state != CORRESPONDENT_SOCKET;
        (void)record_store(&datagram->peer, peer.words);
        return 0;
}

enum correspondent_state datagram_peer_head(const struct sock *sock, struct endpoint *ret)
{
        const struct record *record = &datagram_of(sock)->peer;
        union correspondent peer;

        /* As of most servers' sockets. */
        peer.words[0] = record_first(record);
        if (peer.state == CORRESPONDENT_NONE)
                return CORRESPONDENT_NONE;

        record_load(record, peer.words, CORRESPONDENT_HEAD);
        *ret = (struct endpoint){peer.address, (uint16_t)peer.port};
        return (enum correspondent_state)peer.state;
}

void datagram_peer(const struct sock *sock, union correspondent *ret)
{
        record_load(&datagram_of(sock)->peer, ret->words, RECORD_WORDS);
}

static void tell_unreached(struct datagram *datagram, const struct target *target, int error)
{
        const int level = error == EACCES       ? LOG_WARNING
                          : error == EPROTOTYPE ? LOG_NOTICE
                                                : LOG_INFO;

        if (log_level < level ||
            atomic_exchange(error == EACCES ? &datagram->told_denied : &datagram->told_absent,
                            true))
                return;

        if (error == EPROTOTYPE)
                target_tell_type(level, target, SOCK_DGRAM);
        else
                log_message(level, TARGET_TEXT(target),
                            error == EACCES ? ": cannot connect: " : ": nobody is there: ",
                            LOG_ERRNO(error));
}

int datagram_reach(int fd, const struct sock *sock, const struct target *target)
{
        int r;

        if (kernel_connect(fd, &target->address, target->length) == 0)
                return 0;

        r = errno;
        tell_unreached(datagram_of(sock), target, r);
        return r == EACCES ? -EACCES : -ECONNREFUSED;
}

void datagram_tell_unanswered(const struct target *peer)
{
        static atomic_bool told;

        if (log_level < LOG_NOTICE || peer->length <= sizeof(sa_family_t) || target_is_file(peer) ||
            atomic_exchange(&told, true))
                return;

        log_message(LOG_NOTICE, TARGET_TEXT(peer),
                    ": cannot be answered: gone, or in another network namespace");
}

bool datagram_is_empty(int fd)
{
        char byte;

        return kernel_receive(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
               errno == EAGAIN;
}

int datagram_connect(int fd, struct sock *sock, const union correspondent *correspondent)
{
        struct datagram *datagram = datagram_of(sock);
        struct endpoint before;
        int r = -ECONNREFUSED;

        atomic_store(&datagram->told_absent, false);
        atomic_store(&datagram->told_denied, false);
        if (correspondent->state == CORRESPONDENT_SOCKET)
                r = datagram_reach(fd, sock, &correspondent->target);
        if (r == -EACCES)
                return r;
        if (r < 0 && datagram_peer_head(sock, &before) != CORRESPONDENT_NONE)
                datagram_leave_peer(fd);

        tie_forget(sock);
        atomic_store(&datagram->absent, r < 0);
        if (!record_store(&datagram->peer, correspondent->words))
                return -EALREADY;
        atomic_store(&datagram->has_port, true);
        if (sock->kind == SOCK_LISTENER || sock->stamped)
                mark_write(fd, sock, 0);
        return 0;
}

int datagram_disconnect(int fd, struct sock *sock)
{
        static const union correspondent nobody;
        struct datagram *datagram = datagram_of(sock);
        struct endpoint before;

        tie_forget(sock);
        datagram_leave_peer(fd);
        if (datagram_peer_head(sock, &before) == CORRESPONDENT_NONE)
                return 0;

        atomic_store(&datagram->absent, false);
        if (!record_store(&datagram->peer, nobody.words))
                return -EALREADY;
        if (sock->owns_port)
                atomic_store(&datagram->has_port, false);
        if (sock->kind == SOCK_LISTENER || sock->stamped)
                mark_write(fd, sock, 0);
        return 0;
}

/*
 * The kernel has an error for a datagram socket whose peer was connected to it, and turns away from
 * it with a datagram unread: ECONNRESET, which we read as ECONNREFUSED.
 */
static void break_off(int fd, int other)
{
        const struct sockaddr unnamed = {.sa_family = AF_UNIX};
        struct target own, others;

        if (kernel_bind(other, &unnamed, sizeof(unnamed.sa_family)) < 0 ||
            !target_of_socket(other, &others) || !target_of_socket(fd, &own) ||
            kernel_connect(fd, &others.address, others.length) < 0)
                return;
        if (kernel_connect(other, &own.address, own.length) == 0)
                (void)kernel_send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        datagram_leave_peer(other);
}

void datagram_plant_refusal(int fd)
{
        int other;

        if (!datagram_is_empty(fd))
                return;

        other = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (other < 0)
                return;
        break_off(fd, other);
        kernel_close(other);
}

struct endpoint datagram_local(const struct sock *sock)
{
        struct endpoint local = sock->local, peer;

        if (sock->kind == SOCK_CLIENT && !atomic_load(&datagram_of(sock)->has_port))
                local.port = 0;
        if (datagram_peer_head(sock, &peer) != CORRESPONDENT_NONE &&
            endpoint_is_wildcard(&local, sock->family))
                return endpoint_opposite(&peer, sock->family, local.port);

        return local;
}

static bool has_address(word w, const struct endpoint *endpoint, sa_family_t family)
{
        const struct sock *sock = datagram_sock(w);
        struct endpoint local;

        if (!sock || sock->family != family || sock->local.port != endpoint->port)
                return false;

        local = connection_local(&sock->local, sock->family);
        return memcmp(&local.address, &endpoint->address, sizeof(local.address)) == 0;
}

bool datagram_find_own(const struct endpoint *endpoint, sa_family_t family, struct target *ret)
{
        for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1))
                if (has_address(table_get(fd), endpoint, family) && target_of_socket(fd, ret))
                        return true;

        return false;
}
