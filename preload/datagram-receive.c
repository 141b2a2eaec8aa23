/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Receives datagrams. See datagram-receive.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "preload/asked.h"
#include "preload/control.h"
#include "preload/datagram-receive.h"
#include "preload/departure.h"
#include "preload/endpoint.h"
#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/pace.h"
#include "preload/peers.h"
#include "preload/tie.h"
#include "rules/address.h"

/*
 * Is it the peer's? Others may have sent theirs before the socket was connected. The peer may have
 * bound its socket by another path than we have connected to.
 */
static bool is_from_peer(int fd, const struct sock *sock, const struct target *source)
{
        union correspondent peer;
        struct target name;

        datagram_peer(sock, &peer);
        if (peer.state == CORRESPONDENT_NAMELESS)
                return source->length <= sizeof(sa_family_t);

        return target_equal(source, &peer.target) ||
               (target_of_peer(fd, &name) && target_equal(source, &name));
}

static struct endpoint address_of(int fd, const struct sock *sock, struct target *source)
{
        const uint64_t number = peers_add(fd, source);

        pace_heard(peers_pace(number));
        return peers_endpoint(number, sock->family,
                              sock->family == AF_INET6 &&
                                      rule_address_is_mapped(&sock->local.address));
}

/* A forked child that serves: its end may be the socket's, as with accept(2). */
static inline void note_served(const struct sock *sock)
{
        if (sock->removes_file && !departure_is_expected())
                departure_expect();
}

/* Does the program hear of it, and from whom? */
static bool find_source(int fd, const struct sock *sock, struct target *source,
                        struct endpoint *ret)
{
        const struct datagram *datagram = datagram_of(sock);

        /* A path of 108 bytes: the kernel counts a NUL that it has no room for, and would not take
         * the name back as it tells it.
         */
        if (source->length > sizeof(source->address))
                source->length = sizeof(source->address);
        note_served(sock);
        if (datagram_peer_head(sock, ret) != CORRESPONDENT_NONE) {
                /* Its peer is not there, and others can say that they are. */
                if (datagram->automatic && atomic_load(&datagram->absent))
                        return false;
                if (is_from_peer(fd, sock, source))
                        return true;
                /* The kernel lets nobody else in. What was there before is heard, as with UDP. */
                if (datagram->automatic || atomic_load(&datagram->absent))
                        return false;
        }
        if (asked_find_source(fd, sock, source, ret)) {
                tie_answered(sock);
                return true;
        }
        if (datagram->automatic)
                return false;

        *ret = address_of(fd, sock, source);
        return true;
}

bool datagram_hears_all(const struct sock *sock)
{
        const struct datagram *datagram = datagram_of(sock);
        struct endpoint peer;

        /* While its server is away, others can send to a client, and are in the queue then. */
        if (datagram->automatic)
                return false;

        return datagram_peer_head(sock, &peer) == CORRESPONDENT_NONE ||
               !atomic_load(&datagram->absent);
}

/*
 * The error of a refusal: see datagram_plant_refusal(). One that is not connected is told of none:
 * there a peer has let go of us. Returns 0 when there is to be another try.
 */
static ssize_t failed(const struct sock *sock)
{
        struct endpoint unused;

        if (errno != ECONNRESET)
                return -errno;

        return datagram_peer_head(sock, &unused) == CORRESPONDENT_NONE ? 0 : -ECONNREFUSED;
}

/*
 * So many that are not heard a call throws away that does not wait: more than are in a queue, so
 * that what is left has come since, and epoll(7) tells of it.
 */
#define DROPS_MOST 4096

static bool is_shut(int fd)
{
        return kernel_events(fd, POLLRDHUP) & POLLRDHUP;
}

/* Was it no datagram at all? The socket was shut down, or is another by now. */
static bool is_end(int fd, const struct sock *sock, ssize_t n, socklen_t length)
{
        return n == 0 && length == 0 && (datagram_was_replaced(fd, sock) || is_shut(fd));
}

/* For how long does it wait for a datagram, in milliseconds? -1: for ever, or not at all. */
static int64_t patience_of(int fd)
{
        struct timeval timeout = {0};
        socklen_t length = sizeof(timeout);

        if (next.fcntl(fd, F_GETFL) & O_NONBLOCK ||
            next.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &length) < 0 ||
            (timeout.tv_sec == 0 && timeout.tv_usec == 0))
                return -1;
        return timeout.tv_sec * 1000 + timeout.tv_usec / 1000;
}

/* What a call has thrown away so far. */
struct dropped {
        int64_t end; /* when the program does not wait any longer; 0: not known yet */
        unsigned count;
};

static bool may_not_wait(int fd, int flags)
{
        return flags & MSG_DONTWAIT || next.fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/*
 * What the program does not hear is thrown away, if it was only looked at. That must not prolong
 * the time for which it waits by more than once as much: strangers could keep it waiting for ever.
 * Returns 0 when there is to be another try, or a negative errno.
 */
static int drop(int fd, int flags, struct dropped *dropped)
{
        const int64_t now = flags & MSG_DONTWAIT ? 0 : kernel_milliseconds();
        char byte;
        int r;

        if (flags & MSG_PEEK)
                (void)next.recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);
        if (++dropped->count % DROPS_MOST == 0 && may_not_wait(fd, flags))
                return -EAGAIN;
        if (flags & MSG_DONTWAIT)
                return 0;
        if (dropped->end == 0) {
                const int64_t patience = patience_of(fd);

                dropped->end = patience < 0 ? INT64_MAX : now + patience;
        }
        if (dropped->end == INT64_MAX)
                return 0;
        if (dropped->end <= now)
                return -EAGAIN;
        r = kernel_wait(fd, POLLIN, dropped->end - now);
        return r > 0 ? 0 : r == 0 ? -EAGAIN : -errno;
}

/*
 * Unix sockets take datagrams that are longer than UDP has any. Programs don't reckon with those,
 * and could not send them back: they get as much as UDP can have.
 */
static ssize_t cut(const struct sock *sock, ssize_t n)
{
        const bool is_ipv6 =
                sock->family == AF_INET6 && !rule_address_is_mapped(&sock->local.address);
        const ssize_t longest = is_ipv6 ? DATAGRAM_LONGEST_IPV6 : DATAGRAM_LONGEST_IPV4;

        return n < longest ? n : longest;
}

ssize_t datagram_receive(int fd, struct sock *sock, void *buf, size_t size, int flags,
                         struct sockaddr *addr, socklen_t *length)
{
        struct target source;
        struct endpoint from;
        struct dropped dropped = {0};
        ssize_t n;

        if (!addr && datagram_hears_all(sock)) {
                n = next.recv(fd, buf, size, flags);
                note_served(sock);
                if (n >= 0)
                        return cut(sock, n);
                n = failed(sock);
                if (n < 0)
                        return n;
        }

        do {
                source.length = sizeof(source.address);
                n = next.recvfrom(fd, buf, size, flags, (struct sockaddr *)&source.address,
                                  &source.length);
                if (n < 0) {
                        n = failed(sock);
                        if (n < 0)
                                return n;
                        continue;
                }
                if (is_end(fd, sock, n, source.length)) {
                        if (addr && length && !datagram_was_replaced(fd, sock))
                                *length = 0;
                        return 0;
                }
                if (find_source(fd, sock, &source, &from))
                        break;
                n = drop(fd, flags, &dropped);
                if (n < 0)
                        return n;
        } while (true);

        if (addr && length && (int)*length < 0)
                return -EINVAL;
        if (addr && length)
                endpoint_write(&from, sock->family, addr, length);
        return cut(sock, n);
}

static void give_source(const struct sock *sock, const struct endpoint *from, struct msghdr *msg)
{
        socklen_t length = msg->msg_namelen;

        if (!msg->msg_name)
                return;
        endpoint_write(from, sock->family, msg->msg_name, &length);
        msg->msg_namelen = length;
}

/* n: the length that the kernel has told. Returns what the program is told. */
static ssize_t give_message(const struct sock *sock, const struct endpoint *from, ssize_t n,
                            struct msghdr *kernel, struct msghdr *ret)
{
        const ssize_t length = cut(sock, n);

        if (length < n)
                kernel->msg_flags |= MSG_TRUNC;
        give_source(sock, from, ret);
        control_merge(sock, kernel, ret);
        return length;
}

ssize_t datagram_receive_message(int fd, struct sock *sock, struct msghdr *msg, int flags)
{
        char control[CONTROL_SIZE] __attribute__((aligned(8)));
        struct target source;
        struct endpoint from;
        struct msghdr kernel;
        struct dropped dropped = {0};
        ssize_t n;

        do {
                kernel = (struct msghdr){
                        .msg_name = &source.address,
                        .msg_namelen = sizeof(source.address),
                        .msg_iov = msg->msg_iov,
                        .msg_iovlen = msg->msg_iovlen,
                        .msg_control = msg->msg_control ? control : NULL,
                        .msg_controllen = msg->msg_control ? sizeof(control) : 0,
                };
                n = next.recvmsg(fd, &kernel, flags | MSG_CMSG_CLOEXEC);
                if (n < 0) {
                        n = failed(sock);
                        if (n < 0)
                                return n;
                        continue;
                }
                if (is_end(fd, sock, n, kernel.msg_namelen)) {
                        control_discard(&kernel);
                        msg->msg_namelen = 0;
                        msg->msg_controllen = 0;
                        return 0;
                }
                source.length = kernel.msg_namelen;
                if (find_source(fd, sock, &source, &from))
                        break;
                control_discard(&kernel);
                n = drop(fd, flags, &dropped);
                if (n < 0)
                        return n;
        } while (true);

        return give_message(sock, &from, n, &kernel, msg);
}

ssize_t datagram_finish_message(int fd, struct sock *sock, ssize_t n, struct msghdr *kernel,
                                struct target *source, struct msghdr *ret)
{
        struct endpoint from;

        /* The socket may have been connected meanwhile: with UDP, too, that one would be heard. */
        if (!find_source(fd, sock, source, &from))
                from = address_of(fd, sock, source);
        return give_message(sock, &from, n, kernel, ret);
}
