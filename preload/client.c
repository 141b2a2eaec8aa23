/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connects to Unix sockets. See client.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "preload/client.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/port.h"
#include "preload/target.h"
#include "rules/address.h"

/* How long a listener whose queue is full is waited for: it drains within a few milliseconds. */
#define PATIENCE_MS 100

/* What connect(2) on an IP socket says instead. */
static int translate(int r, const struct target *target, int type)
{
        switch (r) {
        case -EPROTOTYPE:
                target_tell_type(LOG_NOTICE, target, type);
                return -ECONNREFUSED;
        case -ENOENT:
        case -ENOTDIR:
        case -ELOOP:
        case -ENOTSOCK:
        case -ENAMETOOLONG:
                log_message(LOG_INFO, TARGET_TEXT(target), ": nobody is there: ", LOG_ERRNO(-r));
                return -ECONNREFUSED;
        case -EACCES:
        case -EPERM:
                log_message(LOG_WARNING, TARGET_TEXT(target), ": cannot connect: ", LOG_ERRNO(-r));
                return -EACCES;
        case -ECONNREFUSED:
                log_message(LOG_INFO, TARGET_TEXT(target), ": nobody listens there");
                return r;
        case -EAGAIN:
                log_message(LOG_NOTICE, TARGET_TEXT(target), ": the queue is full");
                return -ETIMEDOUT;
        case -ENOMEM:
                return -ENOBUFS;
        default:
                return r;
        }
}

static int try_connect(int fd, const struct target *target)
{
        return kernel_connect(fd, &target->address, target->length) < 0 ? -errno : 0;
}

/*
 * In blocking mode, since a socket with O_NONBLOCK is only told that the queue is full, and can't
 * wait for its end. A signal does not end the waiting: nothing would go on behind the program's
 * back, as a TCP handshake does. It is so short that it is no cancellation point.
 */
static int connect_patiently(int fd, const struct target *target)
{
        static const struct timeval forever;
        const int64_t end = kernel_milliseconds() + PATIENCE_MS;
        int64_t rest = PATIENCE_MS;
        int r = -EAGAIN;

        (void)next.fcntl(fd, F_SETFL, 0);
        do {
                const struct timeval patience = {0, rest * 1000};

                (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
                r = try_connect(fd, target);
                rest = end - kernel_milliseconds();
        } while (r == -EINTR && rest > 0);
        (void)next.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof(forever));

        return r == -EINTR ? -EAGAIN : r;
}

/* While we wait, another thread may close the descriptor, and something else get its number. */
static int wait_and_connect(const struct inet_socket *inet, int fd, const struct target *target)
{
        const ino_t before = inet_socket_file(inet);
        const int r = connect_patiently(fd, target);

        return inet_socket_file(inet) == before ? r : -EBADF;
}

/* What the connection tells of itself. */
static struct sock *prepare(const struct inet_socket *inet, const struct endpoint *local,
                            const struct endpoint *asked)
{
        struct sock *sock;

        sock = convert_prepare(inet, SOCK_CONNECTION);
        if (!sock)
                return NULL;
        sock->outgoing = true;
        sock->peer = *asked;
        if (endpoint_is_wildcard(asked, inet->family))
                sock->peer.address = endpoint_opposite(asked, inet->family, 0).address;
        sock->local = endpoint_opposite(&sock->peer, inet->family, 0);
        if (local && !endpoint_is_wildcard(local, inet->family))
                sock->local = *local;
        sock->owns_port = !local || local->port == 0;
        sock->local.port = sock->owns_port ? port_take() : local->port;
        return sock;
}

/* What a socket tells that could not be connected. */
static struct sock *prepare_refused(const struct inet_socket *inet, const struct endpoint *local,
                                    int error)
{
        struct sock *sock;

        sock = convert_prepare(inet, SOCK_REFUSED);
        if (!sock)
                return NULL;
        if (local)
                sock->local = *local;
        else if (inet->family == AF_INET)
                sock->local.address = rule_address_from_ipv4(&(struct in_addr){INADDR_ANY});
        sock->ephemeral = inet->sock && inet->sock->ephemeral;
        sock->pending_error = error;
        sock->connecting = true;
        return sock;
}

static int replace(const struct inet_socket *inet, int fd, struct sock *sock)
{
        int r;

        if (!sock)
                return -ENOBUFS;
        r = convert(inet, fd, sock, false);
        if (r < 0) {
                sock_unref(sock);
                return r == -EBADF ? r : -ENOBUFS;
        }

        return 0;
}

/*
 * A socket that poll(2) tells of as of one that was refused: an error and the end of everything. It
 * is what a Unix socket's end becomes when the other one is closed with data that nobody has read.
 * Without the descriptors for it, one that was never connected has to do, which only hangs up.
 */
static int make_refused(int otherwise)
{
        int ends[2];

        if (kernel_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return otherwise;

        (void)next.send(ends[0], "", 1, MSG_NOSIGNAL);
        kernel_close(ends[1]);
        return ends[0];
}

static int replace_by_refused(const struct inet_socket *inet, const struct endpoint *local,
                              int error, int otherwise)
{
        const int fd = make_refused(otherwise);
        const int r = replace(inet, fd, prepare_refused(inet, local, error));

        if (fd != otherwise)
                kernel_close(fd);
        return r;
}

static bool is_nonblocking(int fd)
{
        return next.fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/*
 * fd: a Unix socket with O_NONBLOCK, which the caller closes.
 *
 * TCP never knows at once whether somebody is there: a program that does not want to wait is told
 * so (EINPROGRESS) and asks poll(2) and SO_ERROR for the outcome, which is there already.
 */
static int connect_and_convert(const struct inet_socket *inet, const struct endpoint *local,
                               const struct endpoint *asked, const struct target *target, int fd)
{
        const bool waits = !is_nonblocking(inet->fd);
        struct sock *sock;
        int r;

        r = try_connect(fd, target);
        if (r == -EAGAIN)
                r = wait_and_connect(inet, fd, target);
        r = r < 0 ? translate(r, target, inet->type) : 0;
        if (r < 0 && (waits || (r != -ECONNREFUSED && r != -ETIMEDOUT)))
                return r;
        if (r < 0)
                return replace_by_refused(inet, local, -r, fd) < 0 ? r : -EINPROGRESS;

        log_message(LOG_INFO, "port ", LOG_NUMBER(asked->port), ": connected to ",
                    TARGET_TEXT(target));
        sock = prepare(inet, local, asked);
        if (sock)
                sock->connecting = !waits;
        r = replace(inet, fd, sock);
        return r == 0 && !waits ? -EINPROGRESS : r;
}

int client_connect(const struct inet_socket *inet, const struct rule *rule,
                   const struct endpoint *local, const struct endpoint *asked,
                   const struct rule_query *query)
{
        struct target target;
        int fd, r;

        r = target_expand(rule, query, &target);
        if (r < 0)
                return r;
        fd = target_socket(&target, inet->type | SOCK_NONBLOCK);
        if (fd < 0)
                return fd;

        r = connect_and_convert(inet, local, asked, &target, fd);
        next.close(fd);
        return r;
}

int client_take_error(int fd, struct sock *sock)
{
        const int r = sock_take_error(sock);
        int ignored;

        /* The kernel's own has made poll(2) tell of an error: it is over with this one. */
        if (r < 0)
                (void)next.getsockopt(fd, SOL_SOCKET, SO_ERROR, &ignored,
                                      &(socklen_t){sizeof(ignored)});
        return r;
}
