/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends datagrams. See datagram-send.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "preload/aside.h"
#include "preload/claim.h"
#include "preload/datagram-client.h"
#include "preload/datagram-find.h"
#include "preload/datagram-send.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/option-table.h"
#include "preload/pace.h"
#include "preload/peers.h"
#include "preload/tie.h"
#include "rules/address.h"

/* What sends return besides: nobody is there any more; and it is to be sent from another socket. */
#define DATAGRAM_IS_LOST    (-4097)
#define DATAGRAM_IS_ANOTHER (-4098)

/* So often it is looked who the socket is, of which other threads make others. */
#define TRIES 100

/* Milliseconds after a receiver was waited for in vain. */
#define WAIT_AGAIN 200

struct outgoing outgoing_message(const struct msghdr *msg, int flags)
{
        struct outgoing out = {.msg = msg, .flags = flags};

        /* More than the kernel takes: sendmsg(2) says EMSGSIZE, and does not look at them. */
        if (msg->msg_iovlen > IOV_MAX)
                out.size = SIZE_MAX;
        for (size_t i = 0; out.size != SIZE_MAX && i < msg->msg_iovlen; i++)
                out.size += msg->msg_iov[i].iov_len;
        return out;
}

/*
 * Other threads may make of the socket what it is to be, and again something else.
 * before: what it was, which it is no more, or this thread has failed to make it another.
 */
static int look_again(int fd, const struct sock *before, int error)
{
        const struct sock *sock;
        word w;

        claim_await(fd);
        w = table_get(fd);
        sock = datagram_sock(w);
        if (sock && sock != before)
                return DATAGRAM_IS_ANOTHER;
        return word_is_inet(w) ? DATAGRAM_IS_IP : error;
}

static ssize_t transmit(int fd, const struct outgoing *out, const struct target *target, int flags)
{
        struct msghdr msg;

        if (!out->msg && target)
                return next.sendto(fd, out->buf, out->size, flags,
                                   (const struct sockaddr *)&target->address, target->length);
        if (!out->msg)
                return next.send(fd, out->buf, out->size, flags);

        /* What control messages say is about IP's packets, which there are none of. */
        msg = (struct msghdr){
                .msg_name = target ? (void *)&target->address : NULL,
                .msg_namelen = target ? target->length : 0,
                .msg_iov = out->msg->msg_iov,
                .msg_iovlen = out->msg->msg_iovlen,
        };
        return next.sendmsg(fd, &msg, flags);
}

ssize_t outgoing_transmit(int fd, const struct outgoing *out, const struct target *target)
{
        const ssize_t n = transmit(fd, out, target, out->flags);

        return n < 0 ? -errno : n;
}

/*
 * The socket has a timeout for sends of its own, so that a signal ends the waiting, which UDP's
 * senders don't expect.
 */
static ssize_t transmit_again(int fd, const struct outgoing *out, const struct target *target)
{
        return transmit(fd, out, target, out->flags | MSG_DONTWAIT);
}

/* Nobody is there: what a Unix socket says of that. */
bool outgoing_is_absence(int error)
{
        static const int errors[] = {ECONNREFUSED, ENOENT, ENOTCONN, ENOTDIR,  ELOOP,
                                     EPROTOTYPE,   EPERM,  EPIPE,    ENOTSOCK, EDESTADDRREQ};

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
                if (error == errors[i])
                        return true;

        return false;
}

/*
 * Why a datagram is lost is said once for each socket: a program that forwards logs would go on to
 * log that. UDP does not say it at all.
 */
static void tell_lost(int level, _Atomic bool *told, const struct target *target, int error)
{
        if (log_level >= level && !atomic_exchange(told, true))
                log_message(level, TARGET_TEXT(target), ": cannot send: ",
                            error == EAGAIN       ? "the receiver has no room"
                            : error == EPROTOTYPE ? "it is a stream socket"
                                                  : LOG_ERRNO(error));
}

static ssize_t undelivered(int fd, struct datagram *datagram, const struct outgoing *out,
                           const struct target *target, struct peer_pace *pace, bool by_rule,
                           int error)
{
        switch (error) {
        case EAGAIN:
                tell_lost(LOG_NOTICE, &datagram->told_full, target, error);
                pace_refused(fd, datagram, pace);
                return (ssize_t)out->size;
        case EACCES:
                tell_lost(by_rule ? LOG_WARNING : LOG_NOTICE, &datagram->told_denied, target,
                          error);
                return by_rule ? -EACCES : (ssize_t)out->size;
        default:
                if (!outgoing_is_absence(error))
                        return -error;
                if (pace && !by_rule && error == ECONNREFUSED)
                        datagram_tell_unanswered(target);
                /* Peers come and go. */
                tell_lost(!by_rule              ? LOG_DEBUG
                          : error == EPROTOTYPE ? LOG_NOTICE
                                                : LOG_INFO,
                          &datagram->told_absent, target, error);
                return (ssize_t)out->size;
        }
}

/*
 * For new receivers that don't read there is as much waiting as somebody makes sockets: all of them
 * together may have a tenth of the time.
 */
static bool may_wait_again(const struct datagram *datagram)
{
        const int64_t waited = atomic_load_explicit(&datagram->waited, memory_order_relaxed);

        return waited == 0 || kernel_milliseconds() - waited > WAIT_AGAIN;
}

/* From an unconnected socket. by_rule: it is the target of one, and no peer. */
static ssize_t deliver(int fd, const struct sock *sock, const struct outgoing *out,
                       const struct target *target, struct peer_pace *pace, bool by_rule)
{
        struct datagram *datagram = datagram_of(sock);
        const enum pace how = pace_of(fd, datagram, pace, out->size);
        bool waits;
        ssize_t n;

        if (how == PACE_DROP)
                return (ssize_t)out->size;
        if (by_rule && datagram_rename(fd, sock, target))
                return DATAGRAM_IS_ANOTHER;
        if (by_rule)
                tie_to(fd, sock, target);

        waits = how == PACE_SEND && may_wait_again(datagram);
        n = transmit(fd, out, target, out->flags | (waits ? 0 : MSG_DONTWAIT));
        if (n < 0 && errno == EAGAIN && waits)
                atomic_store_explicit(&datagram->waited, kernel_milliseconds(),
                                      memory_order_relaxed);
        /* ECONNRESET: left from a peer that it was connected with, or the last time's refusal. */
        if (n < 0 && (errno == EINTR || errno == ECONNRESET))
                n = transmit_again(fd, out, target);
        /* A Unix address is wrong for a socket that is IP's by now, or was a moment ago. */
        if (n < 0 && (errno == EAFNOSUPPORT || errno == EINVAL))
                return look_again(fd, NULL, -errno);
        if (n < 0)
                return undelivered(fd, datagram, out, target, pace, by_rule, errno);

        pace_sent(fd, datagram, pace, out->size);
        return n;
}

static bool may_wait(int fd, int flags)
{
        return !(flags & MSG_DONTWAIT) && !(next.fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* The error of the last send to a peer that is not there, unless somebody was told meanwhile. */
static int take_refusal(int fd)
{
        int error = 0;
        socklen_t length = sizeof(error);

        return next.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0
                       ? -ECONNREFUSED
                       : 0;
}

static ssize_t send_to_absent(int fd, struct sock *sock, struct datagram *datagram,
                              const struct outgoing *out)
{
        union correspondent peer;

        datagram_peer(sock, &peer);
        if (peer.state != CORRESPONDENT_SOCKET)
                return (ssize_t)out->size;
        if (take_refusal(fd) < 0)
                return -ECONNREFUSED;
        if (datagram_rename(fd, sock, &peer.target))
                return DATAGRAM_IS_ANOTHER;

        if (datagram_reach(fd, sock, &peer.target) == 0) {
                atomic_store(&datagram->absent, false);
                if (transmit_again(fd, out, NULL) >= 0)
                        return (ssize_t)out->size;
        }

        datagram_plant_refusal(fd);
        return (ssize_t)out->size;
}

static ssize_t send_to_peer(int fd, struct sock *sock, struct datagram *datagram,
                            const struct outgoing *out)
{
        bool slow;
        ssize_t n;

        if (atomic_load_explicit(&datagram->absent, memory_order_relaxed))
                return send_to_absent(fd, sock, datagram, out);

        slow = atomic_load_explicit(&datagram->slow, memory_order_relaxed);
        n = transmit(fd, out, NULL, out->flags | (slow ? MSG_DONTWAIT : 0));
        if (n < 0 && errno == EINTR)
                n = transmit_again(fd, out, NULL);
        if (slow && n >= 0)
                atomic_store_explicit(&datagram->slow, false, memory_order_relaxed);
        if (n >= 0)
                return n;

        if (errno == EAGAIN && !may_wait(fd, out->flags))
                return -EAGAIN;
        if (errno == EAGAIN) {
                /* Not once more for the next one. */
                atomic_store_explicit(&datagram->slow, true, memory_order_relaxed);
                return (ssize_t)out->size;
        }
        if (errno == ECONNRESET)
                return -ECONNREFUSED;
        if (!outgoing_is_absence(errno))
                return -errno;

        atomic_store(&datagram->absent, true);
        return send_to_absent(fd, sock, datagram, out);
}

/* IP's own socket again, for what no rule is about; unless a rule has given it its address. */
static int send_elsewhere(int fd, const struct endpoint *asked)
{
        const word w = table_hold(fd);
        struct sock *sock = datagram_sock(w);
        int r = -ENETUNREACH;

        /* A peer that was forgotten can't be told from one that has gone. */
        if (sock && sock->kind == SOCK_LISTENER && peers_may_have(asked))
                r = DATAGRAM_IS_LOST;
        else if (endpoint_is_nowhere(asked))
                r = -EHOSTUNREACH;
        else if (sock && datagram_may_be_ip(sock)) {
                const struct inet_socket inet = inet_socket_of(fd, w);

                r = convert_back_bound(&inet);
        } else if (sock)
                log_message(LOG_INFO, "port ", LOG_NUMBER(asked->port),
                            ": no rule is about it, and the socket is none of IP");
        if (r != DATAGRAM_IS_LOST)
                r = r < 0 ? look_again(fd, sock, r) : DATAGRAM_IS_IP;
        table_drop(w);
        return r;
}

/* What UDP says of an address that is none of its own. Of IPv4, it takes AF_UNSPEC for AF_INET. */
static int read_address(sa_family_t family, const struct sockaddr *addr, socklen_t length,
                        struct endpoint *ret, bool *ret_ipv4)
{
        struct sockaddr_in in;

        if (length < sizeof(in) || length > sizeof(struct sockaddr_storage))
                return -EINVAL;
        if (family == AF_INET && addr->sa_family != AF_INET && addr->sa_family != AF_UNSPEC)
                return -EAFNOSUPPORT;

        memcpy(&in, addr, sizeof(in));
        in.sin_family = in.sin_family == AF_UNSPEC ? AF_INET : in.sin_family;
        return endpoint_read(addr->sa_family == AF_UNSPEC ? (struct sockaddr *)&in : addr, length,
                             ret, ret_ipv4)
                       ? 0
                       : -EINVAL;
}

static ssize_t send_to_address(int fd, struct sock *sock, struct datagram *datagram,
                               const struct outgoing *out, const struct sockaddr *addr,
                               socklen_t length)
{
        union correspondent to;
        struct endpoint asked, peer;
        uint64_t number;
        bool is_ipv4, connected;
        int r;

        r = read_address(sock->family, addr, length, &asked, &is_ipv4);
        if (r < 0)
                return r;
        if (asked.port == 0)
                return -EINVAL;
        if (endpoint_is_wildcard(&asked, sock->family))
                asked.address = endpoint_opposite(&asked, sock->family, 0).address;
        if (out->size > (is_ipv4 ? DATAGRAM_LONGEST_IPV4 : DATAGRAM_LONGEST_IPV6))
                return -EMSGSIZE;
        connected = datagram_peer_head(sock, &peer) != CORRESPONDENT_NONE;
        if (connected) {
                if (memcmp(&peer, &asked, sizeof(peer)) == 0)
                        return send_to_peer(fd, sock, datagram, out);
                if (atomic_load(&datagram->absent) && take_refusal(fd) < 0)
                        return -ECONNREFUSED;
        }

        r = datagram_find(fd, sock, &asked, is_ipv4, &to, &number);
        if (r == 0 && connected && datagram_may_be_ip(sock) && !endpoint_is_nowhere(&asked))
                return aside_send_ip(fd, sock, out, addr, length);
        if (r == 0)
                r = send_elsewhere(fd, &asked);
        if (r == DATAGRAM_IS_LOST)
                return (ssize_t)out->size;
        if (r < 0)
                return r;

        atomic_store_explicit(&datagram->has_port, true, memory_order_relaxed);
        if (to.state == CORRESPONDENT_NAMELESS)
                return (ssize_t)out->size;
        return deliver(fd, sock, out, &to.target, peers_pace(number), r == DATAGRAM_TO_TARGET);
}

/* UDP_SEGMENT, in a control message or set on the socket before it was converted; 0: none. */
static uint16_t segment_size(const struct sock *sock, const struct msghdr *msg)
{
        uint16_t size = (uint16_t)sock->options.value[OPTION_SEGMENT];

        if (!msg || !msg->msg_control)
                return size;
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
             cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg))
                if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == UDP_SEGMENT &&
                    cmsg->cmsg_len == CMSG_LEN(sizeof(size)))
                        memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
        return size;
}

bool outgoing_is_segmented(const struct sock *sock, const struct outgoing *out)
{
        const uint16_t size = segment_size(sock, out->msg);

        return size > 0 && out->size > size;
}

/* UDP over IPv6 takes an address of no family for none. */
static bool is_to_peer(sa_family_t family, const struct sockaddr *addr, socklen_t length)
{
        return family == AF_INET6 && length >= sizeof(addr->sa_family) &&
               length <= sizeof(struct sockaddr_storage) && addr->sa_family == AF_UNSPEC;
}

static ssize_t send_once(int fd, const struct outgoing *out, const struct sockaddr *addr,
                         socklen_t length)
{
        struct sock *sock = datagram_sock(table_get(fd));
        struct endpoint peer;

        if (!sock)
                return look_again(fd, NULL, -EBADF);
        /* The pieces of a datagram that is sent bit by bit would go out as many. */
        if (out->flags & (MSG_OOB | MSG_MORE))
                return -EOPNOTSUPP;
        if (out->size > DATAGRAM_LONGEST_IPV6)
                return -EMSGSIZE;
        /* So the kernel says of a device that can't do it, and programs send them one by one. */
        if (outgoing_is_segmented(sock, out))
                return -EIO;
        if (atomic_load_explicit(&datagram_of(sock)->shut, memory_order_relaxed))
                return -EPIPE;
        if (addr && !is_to_peer(sock->family, addr, length))
                return send_to_address(fd, sock, datagram_of(sock), out, addr, length);

        if (datagram_peer_head(sock, &peer) == CORRESPONDENT_NONE)
                return -EDESTADDRREQ;
        if (out->size > DATAGRAM_LONGEST_IPV4 && rule_address_is_mapped(&peer.address))
                return -EMSGSIZE;
        return send_to_peer(fd, sock, datagram_of(sock), out);
}

ssize_t datagram_send(int fd, const struct outgoing *out, const struct sockaddr *addr,
                      socklen_t length)
{
        for (int i = 0; i < TRIES; i++) {
                const ssize_t n = send_once(fd, out, addr, length);

                if (n != DATAGRAM_IS_ANOTHER)
                        return n;
        }

        return -ENOBUFS;
}
