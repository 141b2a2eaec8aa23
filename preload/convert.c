/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts sockets. See convert.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/convert.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/watch.h"

/* Not in every C library's headers. */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#define BUF_LOCK_SEND    1
#define BUF_LOCK_RECEIVE 2

static int get_option(int fd, int name)
{
        int value = 0;
        socklen_t length = sizeof(value);

        return next.getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? 0 : value;
}

static bool find_standin(int fd, word w, struct inet_socket *ret)
{
        struct sock *sock = sock_at(WORD_INDEX(w));

        if (sock->kind != SOCK_STANDIN)
                return false;

        *ret = (struct inet_socket){fd, w, sock->family, sock->type, sock->protocol, sock};
        return true;
}

bool inet_socket_find(int fd, struct inet_socket *ret)
{
        const word w = table_get(fd);
        int domain;

        switch (WORD_KIND(w)) {
        case WORD_SOCK:
                return find_standin(fd, w, ret);
        case WORD_INET:
        case WORD_PLAIN:
                if (WORD_PROTOCOL(w) == 0)
                        break;
                *ret = (struct inet_socket){
                        .fd = fd,
                        .word = w,
                        .family = w & WORD_IPV6 ? AF_INET6 : AF_INET,
                        .type = w & WORD_DGRAM ? SOCK_DGRAM : SOCK_STREAM,
                        .protocol = WORD_PROTOCOL(w),
                };
                return true;
        case WORD_NONE:
                break;
        default:
                return false;
        }

        /* Made before this program was executed, or sent by another: only the kernel knows. */
        domain = get_option(fd, SO_DOMAIN);
        if (domain != AF_INET && domain != AF_INET6)
                return false;
        *ret = (struct inet_socket){
                .fd = fd,
                .family = (sa_family_t)domain,
                .type = get_option(fd, SO_TYPE),
                .protocol = get_option(fd, SO_PROTOCOL),
        };
        return ret->type == SOCK_STREAM ||
               (ret->type == SOCK_DGRAM && ret->protocol == IPPROTO_UDP);
}

/* Which of the options that connections inherit has the program set? */
static struct sock_inherited find_inherited(int fd)
{
        struct timeval receive = {0}, send = {0};
        struct linger linger = {0};
        socklen_t length = sizeof(receive);
        const int locked = get_option(fd, SO_BUF_LOCK);

        (void)next.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, &length);
        length = sizeof(send);
        (void)next.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, &length);
        length = sizeof(linger);
        (void)next.getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length);

        return (struct sock_inherited){
                .keepalive = get_option(fd, SO_KEEPALIVE) != 0,
                .oobinline = get_option(fd, SO_OOBINLINE) != 0,
                .linger = linger.l_onoff != 0,
                .receive_timeout = receive.tv_sec != 0 || receive.tv_usec != 0,
                .send_timeout = send.tv_sec != 0 || send.tv_usec != 0,
                .receive_buffer = locked & BUF_LOCK_RECEIVE,
                .send_buffer = locked & BUF_LOCK_SEND,
        };
}

struct sock *convert_prepare(const struct inet_socket *inet, enum sock_kind kind)
{
        struct sock *sock;

        sock = sock_new();
        if (!sock)
                return NULL;

        sock->kind = kind;
        sock->family = inet->family;
        sock->type = inet->type;
        sock->protocol = inet->protocol;
        sock->inherited = find_inherited(inet->fd);
        if (inet->standin)
                sock->options = inet->standin->options;
        else {
                option_defaults(&sock->options);
                option_snapshot(inet->fd, &sock->options);
        }

        return sock;
}

/*
 * The passed socket outlives the service: what an earlier run has left on it is overwritten even
 * where this run has changed nothing.
 */
static void copy_socket_options(int from, int to, struct sock_inherited set)
{
        static const int names[] = {SO_KEEPALIVE, SO_LINGER,   SO_OOBINLINE,
                                    SO_RCVTIMEO,  SO_SNDTIMEO, SO_RCVLOWAT};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                option_copy(from, to, names[i]);
        if (set.receive_buffer)
                option_copy(from, to, SO_RCVBUF);
        if (set.send_buffer)
                option_copy(from, to, SO_SNDBUF);
}

/* Flags and owner of the open file, which dup3(2) replaces together with the socket. */
struct file_state {
        int status;
        struct f_owner_ex owner;
        int signal;
};

static struct file_state read_file_state(int fd)
{
        struct file_state state = {.status = next.fcntl(fd, F_GETFL)};

        if (state.status < 0)
                state.status = 0;
        if (next.fcntl(fd, F_GETOWN_EX, &state.owner) < 0)
                state.owner.pid = 0;
        state.signal = next.fcntl(fd, F_GETSIG);
        return state;
}

/* O_ASYNC comes last: it must not send a signal to nobody, or a wrong one. */
static void write_file_state(int fd, const struct file_state *state)
{
        if (state->owner.pid != 0)
                (void)next.fcntl(fd, F_SETOWN_EX, &state->owner);
        if (state->signal > 0)
                (void)next.fcntl(fd, F_SETSIG, state->signal);
        (void)next.fcntl(fd, F_SETFL, state->status & ~O_ASYNC);
        if (state->status & O_ASYNC)
                (void)next.fcntl(fd, F_SETFL, state->status);
}

/* Put a duplicate of with at fd, close-on-exec as fd is now. */
static int replace(int fd, int with)
{
        const int flags = next.fcntl(fd, F_GETFD);
        int r;

        if (flags < 0)
                return -errno;

        /* EBUSY: another thread's open(2) is about to get the number. EINTR is not the last word.
         */
        do
                r = next.dup3(with, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
        while (r < 0 && (errno == EBUSY || errno == EINTR));

        return r < 0 ? -errno : 0;
}

/* Is this another number for the socket that inet was? */
static bool is_copy(int other, const struct inet_socket *inet, const struct stat *before)
{
        const word w = table_get(other);
        struct stat st;

        if (other == inet->fd)
                return false;
        if (WORD_KIND(inet->word) == WORD_SOCK)
                return w == inet->word;

        return WORD_KIND(w) == WORD_INET && w & WORD_COPIED && fstat(other, &st) == 0 &&
               st.st_ino == before->st_ino && st.st_dev == before->st_dev;
}

/* The notes are the new socket's: the end of the old one must not take them along. */
static void keep_notes(int fd, word w)
{
        if (WORD_KIND(w) == WORD_SOCK)
                atomic_store(&sock_at(WORD_INDEX(w))->watched, false);
        else
                (void)table_replace(fd, w, w & ~WORD_EPOLLED);
}

/* Duplicates that the program made before are to become the new socket too. */
static void convert_copies(const struct inet_socket *inet, const struct stat *before, word w)
{
        for (int other = table_next(0); other >= 0; other = table_next(other + 1)) {
                if (!is_copy(other, inet, before))
                        continue;

                watch_suspend(other);
                if (replace(other, inet->fd) == 0) {
                        watch_resume(other);
                        keep_notes(other, table_get(other));
                        table_put(other, table_copy(w));
                }
        }
}

static bool may_have_copies(word w)
{
        return WORD_KIND(w) == WORD_SOCK || (WORD_KIND(w) == WORD_INET && w & WORD_COPIED);
}

static bool is_watched(const struct inet_socket *inet)
{
        if (WORD_KIND(inet->word) == WORD_SOCK)
                return atomic_load(&sock_at(WORD_INDEX(inet->word))->watched);

        return WORD_KIND(inet->word) == WORD_INET && inet->word & WORD_EPOLLED;
}

int convert(const struct inet_socket *inet, int with, struct sock *sock, bool shared)
{
        const bool copied = may_have_copies(inet->word), watched = is_watched(inet);
        struct file_state state;
        struct stat before;
        int r;

        r = table_reserve(inet->fd);
        if (r < 0)
                return r;
        if (copied && fstat(inet->fd, &before) < 0)
                return -errno;

        state = read_file_state(inet->fd);
        if (shared)
                state.status |= next.fcntl(with, F_GETFL) & O_NONBLOCK;
        copy_socket_options(inet->fd, with, sock->inherited);

        if (watched)
                watch_suspend(inet->fd);
        r = replace(inet->fd, with);
        if (r < 0) {
                if (watched)
                        watch_resume(inet->fd);
                return r;
        }

        write_file_state(inet->fd, &state);
        if (watched) {
                atomic_store(&sock->watched, true);
                watch_resume(inet->fd);
                keep_notes(inet->fd, inet->word);
        }
        if (copied)
                convert_copies(inet, &before, sock_word(sock));
        table_put(inet->fd, sock_word(sock));

        return 0;
}

/*
 * An unbound Unix datagram socket: it has no name that anybody could connect to, and it is never
 * readable and never hangs up, as a listener without clients. Every alternative (a socket that is
 * bound and unlinked, one shut down, a backlog of none) can be reached or wakes up poll(2).
 */
int convert_to_blackhole(const struct inet_socket *inet, const struct endpoint *local)
{
        struct sock *sock;
        int fd, r;

        sock = convert_prepare(inet, SOCK_BLACKHOLE);
        if (!sock)
                return -ENOBUFS;
        sock->local = *local;

        fd = next.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        r = fd < 0 ? -ENOBUFS : convert(inet, fd, sock, false);
        if (fd >= 0)
                next.close(fd);
        if (r < 0) {
                sock_unref(sock);
                return -ENOBUFS;
        }

        return 0;
}
