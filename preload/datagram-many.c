/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Receives and sends many datagrams at once. See datagram-many.h. */

#include <errno.h>
#include <string.h>

#include "preload/control.h"
#include "preload/datagram-find.h"
#include "preload/datagram-many.h"
#include "preload/datagram-receive.h"
#include "preload/datagram-send.h"
#include "preload/next.h"
#include "preload/pace.h"
#include "preload/peers.h"

/* At once: what is needed for each is on the stack, of which threads may have little. */
#define BATCH 16

/* What the kernel fills in for us. */
struct arrivals {
        struct mmsghdr messages[BATCH];
        struct target sources[BATCH];
        char control[BATCH][CONTROL_SIZE] __attribute__((aligned(8)));
};

static void prepare_arrivals(struct arrivals *arrivals, const struct mmsghdr *messages, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                const struct msghdr *msg = &messages[i].msg_hdr;

                arrivals->messages[i].msg_hdr = (struct msghdr){
                        .msg_name = &arrivals->sources[i].address,
                        .msg_namelen = sizeof(arrivals->sources[i].address),
                        .msg_iov = msg->msg_iov,
                        .msg_iovlen = msg->msg_iovlen,
                        .msg_control = msg->msg_control ? arrivals->control[i] : NULL,
                        .msg_controllen = msg->msg_control ? CONTROL_SIZE : 0,
                };
        }
}

/* Who is woken because his socket is replaced (waking.h) gets empty messages from nobody. */
static int without_wakes(int fd, const struct sock *sock, const struct arrivals *arrivals, int n)
{
        const struct mmsghdr *messages = arrivals->messages;

        if (n > 0 && messages[n - 1].msg_len == 0 && datagram_was_replaced(fd, sock))
                while (n > 0 && messages[n - 1].msg_len == 0 &&
                       messages[n - 1].msg_hdr.msg_namelen == 0)
                        n--;
        return n;
}

int datagram_receive_many(int fd, struct sock *sock, struct mmsghdr *messages, unsigned count,
                          int flags, struct timespec *timeout)
{
        struct arrivals arrivals;
        int n;

        if (count < 2 || !datagram_hears_all(sock))
                return 0;
        /* Without it the kernel waits for all of them. */
        if (count > BATCH && !(flags & (MSG_WAITFORONE | MSG_DONTWAIT)))
                return 0;

        count = count < BATCH ? count : BATCH;
        prepare_arrivals(&arrivals, messages, count);
        /* An error that is pending is for datagram_receive_message() to tell, or not. */
        n = NEXT(recvmmsg)(fd, arrivals.messages, count, flags | MSG_CMSG_CLOEXEC, timeout);
        if (n < 0)
                return errno == ECONNRESET ? 0 : -errno;
        n = without_wakes(fd, sock, &arrivals, n);

        for (int i = 0; i < n; i++) {
                struct msghdr *kernel = &arrivals.messages[i].msg_hdr;

                arrivals.sources[i].length = kernel->msg_namelen;
                messages[i].msg_len = (unsigned)datagram_finish_message(
                        fd, sock, arrivals.messages[i].msg_len, kernel, &arrivals.sources[i],
                        &messages[i].msg_hdr);
        }
        return n;
}

/* To a peer that takes what it is sent. Returns false where there is more to be considered. */
static bool find_ready_peer(int fd, const struct sock *sock, const struct msghdr *msg,
                            struct target *ret)
{
        const struct inet_socket inet = inet_socket_of(fd, sock_word(sock));
        struct endpoint endpoint;
        struct peer_pace *pace;
        uint64_t number;
        bool is_ipv4;

        if (!msg->msg_name ||
            !endpoint_read(msg->msg_name, msg->msg_namelen, &endpoint, &is_ipv4) ||
            (sock->family == AF_INET && ((struct sockaddr *)msg->msg_name)->sa_family != AF_INET) ||
            !datagram_find_peer(&inet, &endpoint, is_ipv4, ret, &number))
                return false;

        pace = peers_pace(number);
        return pace && atomic_load_explicit(&pace->resting, memory_order_relaxed) == 0;
}

/* Does it go out as it is? connected: the kernel knows where to. */
static bool prepare_departure(int fd, const struct sock *sock, bool connected,
                              const struct msghdr *msg, struct target *target, struct msghdr *ret)
{
        const struct outgoing out = outgoing_message(msg, 0);

        if (out.size > DATAGRAM_LONGEST_IPV4 || outgoing_is_segmented(sock, &out) ||
            (connected ? msg->msg_namelen > 0 : !find_ready_peer(fd, sock, msg, target)))
                return false;

        *ret = (struct msghdr){.msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen};
        if (!connected) {
                ret->msg_name = &target->address;
                ret->msg_namelen = target->length;
        }
        return true;
}

unsigned datagram_send_many(int fd, struct sock *sock, struct mmsghdr *messages, unsigned count,
                            int flags)
{
        struct datagram *datagram = datagram_of(sock);
        struct mmsghdr departures[BATCH];
        struct target targets[BATCH];
        struct endpoint unused;
        const bool connected = datagram_peer_head(sock, &unused) != CORRESPONDENT_NONE;
        size_t size = 0;
        unsigned n;
        int sent;

        if (flags & (MSG_OOB | MSG_MORE) || atomic_load(&datagram->absent) ||
            !pace_is_calm(datagram) || atomic_load(&datagram->automatic))
                return 0;

        for (n = 0; n < count && n < BATCH; n++)
                if (!prepare_departure(fd, sock, connected, &messages[n].msg_hdr, &targets[n],
                                       &departures[n].msg_hdr))
                        break;
        /* The first that can't be sent at once is looked at by itself. */
        sent = n > 1 ? NEXT(sendmmsg)(fd, departures, n, flags | MSG_DONTWAIT) : 0;
        if (sent <= 0)
                return 0;

        for (int i = 0; i < sent; i++) {
                messages[i].msg_len = departures[i].msg_len;
                size += departures[i].msg_len + PACE_OVERHEAD;
        }
        pace_sent(fd, datagram, NULL, size);
        return (unsigned)sent;
}
