/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2), and sends that carry an address: the client side of the rules. Where no rule has a
 * say in them, these cost a look at one flag.
 */

#include <netinet/in.h>
#include <string.h>

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/rule-set.h"
#include "preload/sock.h"
#include "preload/watch.h"

/*
 * May the program reach this address with this descriptor?
 * Returns 0 or a negative errno.
 */
static int check(int fd, const struct sockaddr *addr, socklen_t length)
{
        struct inet_socket inet;
        struct endpoint endpoint;
        struct rule_query query;
        const struct rule *rule;
        bool is_ipv4;

        /* AF_UNSPEC dissolves a connection. */
        if (!endpoint_read(addr, length, &endpoint, &is_ipv4) || addr->sa_family == AF_UNSPEC ||
            !inet_socket_find(fd, &inet))
                return 0;

        rule = rule_set_match(RULE_OUT, &inet, &endpoint, is_ipv4, &query);
        if (rule && rule->action == RULE_REJECT)
                return -rule->reject_errno;

        /* The kernel has no IP for us, whatever the address. */
        return inet.standin ? -ENETUNREACH : 0;
}

/* Is there anything to decide? Stand-ins must not reach the kernel with an IP address. */
static inline bool has_a_say(int fd, const struct sockaddr *addr)
{
        return addr && (rule_set.concerns_out || WORD_KIND(table_get(fd)) >= WORD_SOCK);
}

static bool is_listener(word w)
{
        const struct sock *sock = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w)) : NULL;

        return sock && sock->type == SOCK_STREAM &&
               (sock->kind == SOCK_LISTENER || sock->kind == SOCK_PASSED_IP);
}

/* connect(AF_UNSPEC) makes a TCP listener an unbound socket again: not systemd's. */
static int dissolve_listener(int fd)
{
        const word w = table_hold(fd);
        const int r = is_listener(w) ? hook_shut_listener(fd, w) : -EBADF;

        table_drop(w);
        return r;
}

/* A socket that has a connection is none that a rule for binds could still want. */
static void note_connected(int fd, word w)
{
        const int saved = errno;

        /* While connect(2) waited, another thread may have put something else at the number. */
        if (table_replace(fd, w, (w & ~(word)(WORD_EPOLLED | 15)) | WORD_PLAIN) && w & WORD_EPOLLED)
                watch_forget(fd);
        errno = saved;
}

HOOK int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t length)
{
        const int saved = errno;
        const word w = table_get(fd);
        int r;

        if (UNLIKELY(has_a_say(fd, addr.__sockaddr__))) {
                r = check(fd, addr.__sockaddr__, length);
                if (r < 0)
                        return hook_result(r);
                if (WORD_KIND(w) == WORD_KEPT)
                        return hook_result(-EBADF);
                if (addr.__sockaddr__->sa_family == AF_UNSPEC && is_listener(w)) {
                        r = dissolve_listener(fd);
                        errno = saved;
                        return hook_result(r);
                }
                if (addr.__sockaddr__->sa_family == AF_UNSPEC)
                        return next.connect(fd, addr.__sockaddr__, length);
                if ((WORD_KIND(w) == WORD_SOCK && sock_is_unix(sock_at(WORD_INDEX(w)))) ||
                    WORD_KIND(w) == WORD_ACCEPTED)
                        return hook_result(-EISCONN);
        }

        r = next.connect(fd, addr.__sockaddr__, length);
        if (UNLIKELY(WORD_KIND(w) == WORD_INET) && (r == 0 || errno == EINPROGRESS))
                note_connected(fd, w);
        return r;
}

HOOK_ALIAS(__connect, connect);

/* TCP ignores an address on a connection; a Unix socket would refuse it. */
static bool is_connection(int fd)
{
        const word w = table_get(fd);

        return WORD_KIND(w) == WORD_ACCEPTED ||
               (WORD_KIND(w) == WORD_SOCK && sock_at(WORD_INDEX(w))->kind == SOCK_CONNECTION);
}

HOOK ssize_t sendto(int fd, const void *buf, size_t size, int flags, __CONST_SOCKADDR_ARG addr,
                    socklen_t length)
{
        if (UNLIKELY(has_a_say(fd, addr.__sockaddr__))) {
                const int r = check(fd, addr.__sockaddr__, length);

                if (r < 0)
                        return hook_result(r);
                if (is_connection(fd))
                        return next.sendto(fd, buf, size, flags, NULL, 0);
        }

        return next.sendto(fd, buf, size, flags, addr.__sockaddr__, length);
}

/*
 * Connections that are sent to another process (node's cluster does) have to tell it who they are:
 * mark.h.
 */
static void mark_sent_connections(const struct msghdr *msg)
{
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
             cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg)) {
                if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
                    cmsg->cmsg_len < CMSG_LEN(0))
                        continue;
                for (size_t at = CMSG_LEN(0); at + sizeof(int) <= cmsg->cmsg_len;
                     at += sizeof(int)) {
                        int fd;

                        memcpy(&fd, (const char *)cmsg + at, sizeof(fd));
                        mark_write_connection(fd);
                }
        }
}

static ssize_t sendmsg_any(int fd, const struct msghdr *msg, int flags)
{
        if (UNLIKELY(msg && has_a_say(fd, msg->msg_name))) {
                const int r = check(fd, msg->msg_name, msg->msg_namelen);

                if (r < 0)
                        return hook_result(r);
                if (is_connection(fd)) {
                        struct msghdr nameless = *msg;

                        nameless.msg_name = NULL;
                        nameless.msg_namelen = 0;
                        return next.sendmsg(fd, &nameless, flags);
                }
        }
        if (UNLIKELY(msg && msg->msg_controllen > 0))
                mark_sent_connections(msg);

        return next.sendmsg(fd, msg, flags);
}

HOOK ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
        return sendmsg_any(fd, msg, flags);
}

/* One by one, without their addresses: a connection's messages are rarely sent this way. */
static int send_nameless(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
        unsigned sent;

        for (sent = 0; sent < count; sent++) {
                const ssize_t n = sendmsg_any(fd, &messages[sent].msg_hdr, flags);

                if (n < 0)
                        return sent > 0 ? (int)sent : -1;
                messages[sent].msg_len = (unsigned)n;
        }

        return (int)sent;
}

/* The first message that may not be sent ends the call, as an error in sendmmsg(2) does. */
HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
        unsigned allowed;

        if (UNLIKELY(messages && is_connection(fd)))
                return send_nameless(fd, messages, count, flags);

        for (allowed = 0; messages && allowed < count; allowed++) {
                const struct msghdr *msg = &messages[allowed].msg_hdr;
                int r;

                if (UNLIKELY(msg->msg_controllen > 0))
                        mark_sent_connections(msg);
                if (LIKELY(!has_a_say(fd, msg->msg_name)))
                        continue;
                r = check(fd, msg->msg_name, msg->msg_namelen);
                if (r < 0 && allowed == 0)
                        return hook_result(r);
                if (r < 0)
                        break;
        }

        return NEXT(sendmmsg)(fd, messages, messages ? allowed : count, flags);
}
