/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * send(2), sendto(2), sendmsg(2), sendmmsg(2). An address in them is the client's side of the
 * rules, as in connect(2). Where no rule has a say, these cost a look at one flag and the table.
 */

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "preload/aside.h"
#include "preload/attached.h"
#include "preload/claim.h"
#include "preload/client.h"
#include "preload/convert.h"
#include "preload/datagram-find.h"
#include "preload/datagram-many.h"
#include "preload/datagram-send.h"
#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/kernel.h"
#include "preload/mark.h"
#include "preload/moved-answer.h"
#include "preload/moved.h"
#include "preload/rule-set.h"
#include "preload/sock.h"
#include "preload/target.h"

/* Converted meanwhile, or to be sent from another socket. */
enum { IS_DATAGRAM = DATAGRAM_IS_CONVERTED, IS_ASIDE = DATAGRAM_GOES_ASIDE };

/* So often a message is sent that meets a socket which is another every time. */
#define TRIES 100

/* Where a message goes instead of where the program sends it. */
struct destination {
        const struct sockaddr *addr; /* NULL: the socket's peer */
        socklen_t length;
        int flags;
        struct sockaddr_storage buf;
};

static int use_address(struct destination *destination, const void *addr, socklen_t length)
{
        memcpy(&destination->buf, addr, length);
        destination->addr = (const struct sockaddr *)&destination->buf;
        destination->length = length;
        return 0;
}

static int use_peer(struct destination *destination)
{
        destination->addr = NULL;
        destination->length = 0;
        return 0;
}

/* TCP ignores an address on a connection; a Unix socket would refuse it. */
static bool is_connection(word w)
{
        const struct sock *sock = sock_of(w);

        return sock && sock->family != AF_UNIX && sock->type == SOCK_STREAM &&
               (WORD_KIND(w) == WORD_ACCEPTED || sock->kind == SOCK_CONNECTION ||
                sock->kind == SOCK_MOVED_PEER);
}

/* tcp(7): MSG_FASTOPEN connects and sends in one. */
static int open_fast(int fd, struct destination *destination)
{
        const int r = hook_connect(fd, destination->addr, destination->length);

        /* A socket that does not wait may be connected all the same. */
        if (r < 0 && (r != -EINPROGRESS || !is_connection(table_get(fd))))
                return r;
        destination->flags &= ~MSG_FASTOPEN;
        return use_peer(destination);
}

static int send_unruled(const struct inet_socket *inet)
{
        /* The kernel has no IP for us, whatever the address. */
        return inet_socket_is_standin(inet) ? -ENETUNREACH : 0;
}

/* Linux takes AF_UNSPEC for AF_INET in sends by UDP over IPv4. */
static bool read_address(const struct inet_socket *inet, const struct destination *destination,
                         struct endpoint *ret, bool *ret_ipv4)
{
        struct sockaddr_in in;

        if (destination->addr->sa_family != AF_UNSPEC)
                return endpoint_read(destination->addr, destination->length, ret, ret_ipv4);
        if (inet->family != AF_INET || inet->type != SOCK_DGRAM || destination->length < sizeof(in))
                return false;

        memcpy(&in, destination->addr, sizeof(in));
        in.sin_family = AF_INET;
        return endpoint_read((struct sockaddr *)&in, sizeof(in), ret, ret_ipv4);
}

static int find_inet(const struct inet_socket *inet, struct destination *destination)
{
        struct sockaddr_storage addr;
        socklen_t length;
        struct endpoint asked;
        struct rule_query query;
        const struct rule *rule;
        struct target aside;
        bool is_ipv4;
        int r;

        if (!read_address(inet, destination, &asked, &is_ipv4))
                return 0;

        r = inet->type == SOCK_DGRAM ? datagram_convert(inet, &asked, is_ipv4, &aside) : 0;
        if (r == IS_ASIDE)
                (void)use_address(destination, &aside.address, aside.length);
        if (r != 0)
                return r;

        rule = rule_set_match(RULE_OUT, inet, &asked, is_ipv4, &query);
        if (!rule)
                return endpoint_is_nowhere(&asked) ? -EHOSTUNREACH : send_unruled(inet);
        if (rule->action == RULE_REJECT)
                return rule_set_reject(rule, &query);

        if (inet->type == SOCK_STREAM)
                return destination->flags & MSG_FASTOPEN ? open_fast(inet->fd, destination)
                                                         : send_unruled(inet);
        if (rule->action != RULE_INET || inet_socket_is_standin(inet))
                return send_unruled(inet);
        r = moved_address(rule, &asked, inet->family, &addr, &length);
        if (r < 0)
                return r;
        /* Linux takes the wildcard address for the loopback address. */
        if (endpoint_is_wildcard(&asked, inet->family))
                asked.address = endpoint_opposite(&asked, inet->family, 0).address;
        moved_answer_expect(&asked, (struct sockaddr *)&addr, length);
        return use_address(destination, &addr, length);
}

static int find_unix(const struct inet_socket *inet, struct destination *destination)
{
        struct rule_query query;
        struct target target;
        const struct rule *rule;
        int r;

        rule = rule_set_match_unix(RULE_OUT, inet, destination->addr, destination->length, &query);
        if (!rule || inet->type == SOCK_STREAM)
                return 0;
        if (rule->action == RULE_REJECT)
                return rule_set_reject(rule, &query);

        r = target_expand(rule, &query, &target);
        return r < 0 ? r : use_address(destination, &target.address, target.length);
}

/* TCP says so, and with a signal, where a Unix socket says ENOTCONN. */
static int not_connected(int fd, word w, int flags)
{
        int r;

        if (sock_at(WORD_INDEX(w))->type == SOCK_DGRAM)
                return -EDESTADDRREQ;

        r = client_take_error(fd, sock_at(WORD_INDEX(w)));
        if (r < 0)
                return r;
        if (!(flags & MSG_NOSIGNAL))
                (void)kernel_tgkill(getpid(), kernel_gettid(), SIGPIPE);

        return -EPIPE;
}

/* A converted socket that has no peer: of streams, or a datagram socket that stands for another. */
static bool is_unconnected(word w)
{
        const struct sock *sock = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w)) : NULL;

        return sock && sock_is_disguised(sock) && sock->kind != SOCK_CONNECTION &&
               !sock_is_datagram(sock);
}

/* It is a Unix socket in truth: the kernel would take other addresses than the program's. */
static int send_from_placeholder(const struct sock *sock, const struct sockaddr *addr)
{
        if (addr->sa_family == AF_UNIX)
                return sock->family == AF_INET ? -EAFNOSUPPORT : -EINVAL;
        if (addr->sa_family == AF_UNSPEC && sock->family == AF_INET6)
                return -EDESTADDRREQ;

        return sock->kind == SOCK_BLACKHOLE ? -ENETUNREACH : 0;
}

/*
 * Where does a message go that has an address? Returns 0, IS_DATAGRAM, IS_ASIDE or a negative
 * errno.
 */
static int find_destination(int fd, struct destination *destination)
{
        const word w = table_get(fd);
        const bool is_stream = is_unconnected(w) && sock_at(WORD_INDEX(w))->type == SOCK_STREAM;
        struct inet_socket inet;
        int r;

        if (WORD_KIND(w) == WORD_KEPT)
                return -EBADF;
        if (is_connection(w))
                return destination->flags & MSG_FASTOPEN ? -EISCONN : use_peer(destination);
        if (is_stream && destination->flags & MSG_FASTOPEN)
                return open_fast(fd, destination);
        if (destination->length < sizeof(sa_family_t))
                return 0;
        if (!is_stream && is_unconnected(w)) {
                r = send_from_placeholder(sock_at(WORD_INDEX(w)), destination->addr);
                if (r < 0)
                        return r;
        }
        if (destination->addr->sa_family == AF_UNIX)
                return rule_set.concerns_unix && inet_socket_find_unix(fd, &inet)
                               ? find_unix(&inet, destination)
                               : 0;

        if (is_stream)
                return not_connected(fd, w, destination->flags);
        if (inet_socket_find(fd, &inet))
                return find_inet(&inet, destination);

        /* Another thread has sent for the first time meanwhile. */
        return datagram_sock(table_get(fd)) ? IS_DATAGRAM : 0;
}

/*
 * The sock of a converted datagram socket, or NULL. One that came to us with a mark is looked for
 * where there is an address that it can't have.
 */
static inline struct sock *find_datagram(int fd, const struct sockaddr *addr)
{
        if (UNLIKELY(mark_may_be_inherited) && addr && table_get(fd) == 0)
                (void)mark_look(fd);

        return datagram_sock(table_get(fd));
}

/* From a converted datagram socket. Returns false when it is one of IP now. */
static bool send_datagram(int fd, const struct outgoing *out, const struct sockaddr *addr,
                          socklen_t length, ssize_t *ret)
{
        const int saved = errno;
        const ssize_t n = datagram_send(fd, out, addr, length);

        if (n == DATAGRAM_IS_IP)
                return false;
        errno = saved;
        *ret = hook_result((int)n);
        return true;
}

static ssize_t send_aside(const struct outgoing *out, const struct destination *destination)
{
        struct target target = {.length = destination->length};
        const int saved = errno;
        ssize_t n;

        memcpy(&target.address, destination->addr, destination->length);
        n = aside_send_unix(&target, out);
        if (n >= 0)
                errno = saved;
        return hook_result((int)n);
}

HOOK ssize_t send(int fd, const void *buf, size_t size, int flags)
{
        /* Once: another thread may change it meanwhile. */
        const word w = table_get(fd);
        ssize_t n;

        if (UNLIKELY(w != 0) && is_unconnected(w))
                return hook_result(not_connected(fd, w, flags));
        if (UNLIKELY(datagram_sock(w) != NULL) &&
            send_datagram(fd, &(struct outgoing){buf, size, NULL, flags}, NULL, 0, &n))
                return n;

        return next.send(fd, buf, size, flags);
}

HOOK_ALIAS(__send, send);

/* As it is, but for the address and the flags. */
static ssize_t send_to_destination(int fd, const struct outgoing *out,
                                   const struct destination *destination)
{
        struct msghdr msg;

        if (!out->msg)
                return next.sendto(fd, out->buf, out->size, destination->flags, destination->addr,
                                   destination->length);

        msg = *out->msg;
        msg.msg_name = (void *)destination->addr;
        msg.msg_namelen = destination->length;
        return next.sendmsg(fd, &msg, destination->flags);
}

/*
 * An address of IP's is wrong for a Unix socket, and another thread may have made one of it since
 * there were so many conversions, and perhaps IP's own again, or be about to.
 */
static bool may_have_been_another(int fd, unsigned conversions)
{
        const word w = table_get(fd);

        return (errno == EINVAL || errno == EAFNOSUPPORT) &&
               (convert_count() != conversions || (word_is_inet(w) && w & WORD_CLAIMED)) &&
               (word_is_inet(w) || datagram_sock(w));
}

static ssize_t send_by_rule(int fd, const struct outgoing *out, const struct sockaddr *addr,
                            socklen_t length)
{
        const int saved = errno;
        ssize_t n;

        for (int i = 0; i < TRIES; i++) {
                struct destination to = {addr, length, out->flags, {0}};
                const unsigned conversions = convert_count();
                const int r = length > sizeof(to.buf) ? -EINVAL : find_destination(fd, &to);

                if (r < 0)
                        return hook_result(r);
                errno = saved;
                if (r == IS_DATAGRAM && send_datagram(fd, out, addr, length, &n))
                        return n;
                if (r == IS_ASIDE)
                        return send_aside(out, &to);
                n = send_to_destination(fd, out, &to);
                if (n >= 0 || !may_have_been_another(fd, conversions))
                        return n;
                claim_await(fd);
        }

        return n;
}

HOOK ssize_t sendto(int fd, const void *buf, size_t size, int flags, __CONST_SOCKADDR_ARG addr,
                    socklen_t length)
{
        const struct outgoing out = {buf, size, NULL, flags};
        ssize_t n;

        if (UNLIKELY(find_datagram(fd, addr.__sockaddr__) != NULL) &&
            send_datagram(fd, &out, addr.__sockaddr__, length, &n))
                return n;
        if (UNLIKELY(hook_has_a_say(fd, addr.__sockaddr__)))
                return send_by_rule(fd, &out, addr.__sockaddr__, length);
        if (!addr.__sockaddr__)
                return send(fd, buf, size, flags);

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
                if (!attached_has_descriptors(cmsg) || cmsg->cmsg_len < CMSG_LEN(0))
                        continue;
                for (size_t at = CMSG_LEN(0); at + sizeof(int) <= cmsg->cmsg_len;
                     at += sizeof(int)) {
                        int fd;

                        memcpy(&fd, (const char *)cmsg + at, sizeof(fd));
                        mark_write_connection(fd);
                }
        }
}

static bool send_datagram_message(int fd, const struct msghdr *msg, int flags, ssize_t *ret)
{
        const struct outgoing out = outgoing_message(msg, flags);

        return send_datagram(fd, &out, msg->msg_namelen > 0 ? msg->msg_name : NULL,
                             msg->msg_namelen, ret);
}

static ssize_t sendmsg_any(int fd, const struct msghdr *msg, int flags)
{
        word w;
        ssize_t n;

        if (UNLIKELY(find_datagram(fd, msg ? msg->msg_name : NULL) != NULL) && msg &&
            send_datagram_message(fd, msg, flags, &n))
                return n;
        w = table_get(fd);
        if (UNLIKELY(msg && msg->msg_controllen > 0))
                mark_sent_connections(msg);
        if (UNLIKELY(msg && hook_has_a_say(fd, msg->msg_name))) {
                const struct outgoing out = outgoing_message(msg, flags);
                const socklen_t most = sizeof(struct sockaddr_storage);

                return send_by_rule(fd, &out, msg->msg_name,
                                    msg->msg_namelen < most ? msg->msg_namelen : most);
        }
        if (UNLIKELY(w != 0) && msg && !msg->msg_name && is_unconnected(w))
                return hook_result(not_connected(fd, w, flags));

        return next.sendmsg(fd, msg, flags);
}

HOOK ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
        return sendmsg_any(fd, msg, flags);
}

/* Is there a message that does not go out as it is? */
static bool needs_looking_at(int fd, const struct mmsghdr *messages, unsigned count)
{
        if (is_unconnected(table_get(fd)) ||
            find_datagram(fd, count > 0 ? messages->msg_hdr.msg_name : NULL))
                return true;

        for (unsigned i = 0; i < count; i++)
                if (messages[i].msg_hdr.msg_controllen > 0 ||
                    hook_has_a_say(fd, messages[i].msg_hdr.msg_name))
                        return true;

        return false;
}

/* One by one: the first that fails ends the call, and is told only when none came before it. */
HOOK int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
        const int saved = errno;
        unsigned sent;

        if (LIKELY(!messages || !needs_looking_at(fd, messages, count)))
                return NEXT(sendmmsg)(fd, messages, count, flags);

        for (sent = 0; sent < count;) {
                struct sock *sock = datagram_sock(table_get(fd));
                const unsigned many =
                        sock ? datagram_send_many(fd, sock, messages + sent, count - sent, flags)
                             : 0;
                ssize_t n;

                sent += many;
                if (many > 0)
                        continue;
                n = sendmsg_any(fd, &messages[sent].msg_hdr, flags);
                if (n < 0 && sent == 0)
                        return -1;
                if (n < 0)
                        break;
                messages[sent++].msg_len = (unsigned)n;
        }

        errno = saved;
        return (int)sent;
}
