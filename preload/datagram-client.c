/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Datagram sockets of clients. See datagram-client.h. */

#include <errno.h>

#include "preload/cancel.h"
#include "preload/datagram-client.h"
#include "preload/departure.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/port.h"
#include "preload/process.h"
#include "preload/reply.h"
#include "rules/address.h"

static struct endpoint wildcard(sa_family_t family)
{
        struct endpoint endpoint = {0};

        if (family == AF_INET)
                endpoint.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});
        return endpoint;
}

/* What the client tells of itself. */
static struct sock *prepare_client(const struct inet_socket *inet, bool serves)
{
        struct endpoint buf;
        const struct endpoint *local = inet_socket_local(inet, &buf);
        struct sock *sock;

        sock = convert_prepare(inet, SOCK_CLIENT);
        if (!sock)
                return NULL;
        sock->local = local ? *local : wildcard(inet->family);
        sock->ephemeral =
                !local || (inet->sock ? inet->sock->ephemeral : (inet->word & WORD_ANY_PORT) != 0);
        if (datagram_prepare(sock, inet) < 0) {
                sock_unref(sock);
                return NULL;
        }
        datagram_of(sock)->automatic = !serves;
        datagram_of(sock)->has_port = local;
        if (!local) {
                sock->local.port = port_take();
                sock->owns_port = true;
        }
        return sock;
}

/* fd: a Unix socket without a name, which the caller closes. */
static int convert_to_client(const struct inet_socket *inet, const struct target *towards,
                             bool serves, int fd)
{
        struct reply_name name;
        struct sock *sock;
        int r;

        sock = prepare_client(inet, serves);
        if (!sock)
                return -ENOBUFS;

        r = reply_bind(fd, towards, &name);
        if (r == 0) {
                datagram_of(sock)->unsure = name.unsure;
                sock->removes_file = name.inode != 0;
                sock->file = name.inode;
                if (sock->removes_file)
                        departure_expect();
                datagram_tune(fd, sock);
                r = convert(inet, fd, sock, false);
                if (r < 0 && r != -EBADF)
                        r = -ENOBUFS;
                if (r < 0 && sock->removes_file)
                        (void)kernel_unlink(name.target.address.sun_path);
        }
        if (r < 0) {
                sock_unref(sock);
                return r;
        }

        datagram_finish(inet->fd, sock);
        log_message(LOG_INFO, "port ", LOG_NUMBER(sock->local.port), ": sending to ",
                    TARGET_TEXT(towards));
        return 0;
}

int datagram_make_client(const struct inet_socket *inet, const struct target *towards, bool serves)
{
        const int before = cancel_disable();
        const int fd = target_socket(towards, SOCK_DGRAM);
        int r = fd;

        if (fd >= 0) {
                r = convert_to_client(inet, towards, serves, fd);
                next.close(fd);
        }
        cancel_restore(before);
        return r;
}

/* What the one before it had, of which the program knows. */
static void take_over(int fd, struct sock *sock, struct sock *before)
{
        struct datagram *datagram = datagram_of(sock), *old = datagram_of(before);
        union correspondent peer;

        sock->ephemeral = before->ephemeral;
        sock->owns_port = before->owns_port;
        before->owns_port = false;
        atomic_store(&datagram->has_port, atomic_load(&old->has_port));
        atomic_store(&datagram->shut, atomic_load(&old->shut));
        atomic_store(&datagram->asks, atomic_load(&old->asks));

        datagram_peer(before, &peer);
        if (peer.state != CORRESPONDENT_NONE)
                (void)datagram_connect(fd, sock, &peer);
}

/* With another name; w: the word of fd, which is held. Returns false when it is what it was. */
static bool replace_client(int fd, word w, const struct target *target)
{
        struct sock *before = datagram_sock(w), *sock;
        const struct inet_socket inet = inet_socket_of(fd, w);
        word now;

        if (datagram_make_client(&inet, target, !atomic_load(&datagram_of(before)->automatic)) < 0)
                return false;

        /* Another thread may have closed it meanwhile. */
        now = table_hold(fd);
        sock = datagram_sock(now);
        if (sock && sock != before)
                take_over(fd, sock, before);
        table_drop(now);
        return sock != before;
}

bool datagram_rename(int fd, const struct sock *sock, const struct target *target)
{
        bool missing, renamed = false;
        word w;

        if (!atomic_load_explicit(&datagram_of(sock)->unsure, memory_order_relaxed) ||
            process_is_borrowed())
                return false;
        if (reply_is_near(target, &missing)) {
                atomic_store(&datagram_of(sock)->unsure, missing);
                return false;
        }

        w = table_hold(fd);
        if (datagram_sock(w) == sock) {
                /* Not once more when it fails. */
                atomic_store(&datagram_of(sock)->unsure, false);
                renamed = replace_client(fd, w, target);
        }
        table_drop(w);
        return renamed;
}
