/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts sockets. See convert.h. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/cancel.h"
#include "preload/claim.h"
#include "preload/convert.h"
#include "preload/datagram.h"
#include "preload/departure.h"
#include "preload/endpoint.h"
#include "preload/inherited.h"
#include "preload/kernel.h"
#include "preload/moved.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/process.h"
#include "preload/waking.h"
#include "preload/watch.h"
#include "rules/address.h"

struct inet_socket inet_socket_of(int fd, word w)
{
        struct sock *sock = sock_at(WORD_INDEX(w));

        return (struct inet_socket){.fd = fd,
                                    .word = w,
                                    .family = sock->family,
                                    .type = sock->type,
                                    .protocol = sock->protocol,
                                    .sock = sock};
}

/* Stand-ins, and what is an IP socket yet. */
static bool find_converted(int fd, word w, struct inet_socket *ret)
{
        *ret = inet_socket_of(fd, w);
        if (ret->sock->kind == SOCK_MOVED || ret->sock->kind == SOCK_MOVED_PEER) {
                ret->sock = NULL;
                return true;
        }

        return inet_socket_is_standin(ret);
}

static ino_t file_of(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

bool inet_socket_find(int fd, struct inet_socket *ret)
{
        const word w = table_get(fd);
        int domain;

        switch (WORD_KIND(w)) {
        case WORD_SOCK:
                return find_converted(fd, w, ret);
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
        domain = option_number(fd, SO_DOMAIN);
        if (domain != AF_INET && domain != AF_INET6)
                return false;
        *ret = (struct inet_socket){
                .fd = fd,
                .family = (sa_family_t)domain,
                .type = option_number(fd, SO_TYPE),
                .protocol = option_number(fd, SO_PROTOCOL),
        };
        ret->file = file_of(fd);
        return ret->type == SOCK_STREAM ||
               (ret->type == SOCK_DGRAM && protocol_has_datagrams(ret->protocol));
}

ino_t inet_socket_file(const struct inet_socket *inet)
{
        return file_of(inet->fd);
}

bool inet_socket_find_unix(int fd, struct inet_socket *ret)
{
        const word w = table_get(fd);

        if ((WORD_KIND(w) != WORD_NONE && (WORD_KIND(w) != WORD_PLAIN || WORD_PROTOCOL(w) != 0)) ||
            option_number(fd, SO_DOMAIN) != AF_UNIX)
                return false;

        *ret = (struct inet_socket){
                .fd = fd, .word = w, .family = AF_UNIX, .type = option_number(fd, SO_TYPE)};
        return ret->type == SOCK_STREAM || ret->type == SOCK_DGRAM;
}

const struct endpoint *inet_socket_local(const struct inet_socket *inet, struct endpoint *buf)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);

        if (inet->sock)
                return inet->sock->local.port == 0 ? NULL : &inet->sock->local;
        if (WORD_KIND(inet->word) == WORD_SOCK)
                return moved_local(inet->fd, sock_at(WORD_INDEX(inet->word)), buf) == 0 &&
                                       buf->port != 0
                               ? buf
                               : NULL;
        if (WORD_KIND(inet->word) == WORD_INET ||
            next.getsockname(inet->fd, (struct sockaddr *)&addr, &length) < 0 ||
            !endpoint_read((struct sockaddr *)&addr, length, buf, NULL))
                return NULL;

        return buf->port != 0 ? buf : NULL;
}

/* Has this process made it, and do we know all that was set on it, by this number alone? */
static bool is_known(const struct inet_socket *inet)
{
        return word_is_inet(inet->word) && !(inet->word & (WORD_SET | WORD_COPIED));
}

/* May the program have set an option of the socket level that the new socket has, too? */
static bool has_socket_options(const struct inet_socket *inet)
{
        return !is_known(inet) || inet->word & WORD_SET_SOCKET;
}

/* What getsockopt(2) says so far of options that the new socket does not have. */
static void fill_options(const struct inet_socket *inet, struct option_values *ret)
{
        if (inet->family == AF_UNIX)
                return;

        if (inet->sock)
                *ret = inet->sock->options;
        else if (is_known(inet) && (inet->protocol == IPPROTO_TCP || inet->protocol == IPPROTO_UDP))
                option_snapshot_noted(inet->fd, inet->family, inet->type, WORD_NOTED(inet->word),
                                      ret);
        else {
                option_defaults(ret);
                option_snapshot(inet->fd, ret);
        }
}

struct sock *inet_socket_object(const struct inet_socket *inet, enum sock_kind kind)
{
        struct sock *sock;

        sock = sock_new();
        if (!sock)
                return NULL;

        sock->kind = kind;
        sock->family = inet->family;
        sock->type = inet->type;
        sock->protocol = inet->protocol;
        return sock;
}

struct sock *convert_prepare(const struct inet_socket *inet, enum sock_kind kind)
{
        struct sock *sock;

        sock = inet_socket_object(inet, kind);
        if (!sock)
                return NULL;

        if (inet->name)
                sock->name = *inet->name;
        fill_options(inet, &sock->options);
        if (has_socket_options(inet))
                sock->inherited = inherited_find(inet->fd);
        return sock;
}

/* Options that Unix sockets have as well, and that connections don't need. */
void convert_copy_options(int from, int to)
{
        static const int names[] = {SO_REUSEADDR, SO_BROADCAST, SO_PRIORITY,
                                    SO_DONTROUTE, SO_TIMESTAMP, SO_TIMESTAMPNS};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (option_number(from, names[i]) != 0)
                        option_copy(from, to, names[i]);
}

/*
 * A passed socket outlives the service: what an earlier run has left on it is overwritten even
 * where this run has changed nothing.
 */
static void copy_options(const struct inet_socket *inet, int with, const struct sock *sock)
{
        unsigned set = 0;

        if (sock && sock->kept >= 0)
                set = inherited_complete(sock->inherited);
        else if (has_socket_options(inet))
                set = sock ? sock->inherited : inherited_find(inet->fd);
        /* How they send is datagram_tune()'s, and no business of the socket before or after. */
        if ((sock && sock_is_datagram(sock)) || (inet->sock && sock_is_datagram(inet->sock)))
                set = inherited_but_sending(set);
        inherited_copy(inet->fd, with, set);
        if (has_socket_options(inet))
                convert_copy_options(inet->fd, with);
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

        return WORD_KIND(w) == WORD_KIND(inet->word) && w & WORD_COPIED && fstat(other, &st) == 0 &&
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

/* What the table says of the socket from now on. sock: NULL for a fresh IP socket. */
static word word_for(const struct inet_socket *inet, const struct sock *sock)
{
        return sock ? sock_word(sock)
                    : word_inet(inet->flags & WORD_ANY_PORT ? WORD_PLAIN : WORD_INET, inet->family,
                                inet->type, inet->protocol, inet->flags | WORD_SET);
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
        if (WORD_KIND(w) == WORD_SOCK)
                return atomic_load(&sock_at(WORD_INDEX(w))->open) > 1;

        return (WORD_KIND(w) == WORD_INET || WORD_KIND(w) == WORD_PLAIN) && w & WORD_COPIED;
}

void convert_names(const struct inet_socket *inet, word w)
{
        struct stat st;

        if (!may_have_copies(inet->word) || fstat(inet->fd, &st) < 0)
                return;

        for (int other = table_next(0); other >= 0; other = table_next(other + 1))
                if (is_copy(other, inet, &st))
                        table_put(other, table_copy(w));
}

/* May it become another socket once more, or outlive its last descriptor? See watch.h. */
static bool needs_notes(const struct sock *sock)
{
        return !sock || sock->kept >= 0 || sock_may_become_another(sock);
}

static bool is_watched(const struct inet_socket *inet)
{
        if (WORD_KIND(inet->word) == WORD_SOCK)
                return atomic_load(&sock_at(WORD_INDEX(inet->word))->watched);

        return (WORD_KIND(inet->word) == WORD_INET || WORD_KIND(inet->word) == WORD_PLAIN) &&
               inet->word & WORD_EPOLLED;
}

/*
 * Somebody may close what the table does not know, or does not know any more, since it is being
 * closed: the kernel tells what has the number.
 */
static bool is_same_file(const struct inet_socket *inet)
{
        return inet->file == 0 || file_of(inet->fd) == inet->file;
}

static void check_number(const struct inet_socket *inet, int with)
{
        if (inet->file != 0 && file_of(inet->fd) != file_of(with))
                table_forget(inet->fd);
}

static _Atomic unsigned conversions;

unsigned convert_count(void)
{
        return conversions;
}

/* before: what is at the number, if duplicates of it are to be replaced as well. */
static int put(const struct inet_socket *inet, int with, struct sock *sock,
               const struct file_state *state, const struct stat *before)
{
        const bool watched = is_watched(inet);
        const word w = word_for(inet, sock);
        const unsigned forks = waking_forks;
        word held;
        int old, r;

        r = claim_take(inet);
        if (r < 0)
                return r;
        held = table_hold(inet->fd);
        if (watched)
                watch_suspend(inet->fd);
        old = waking_begin(inet);
        r = claim_holds(inet) && is_same_file(inet) ? replace(inet->fd, with) : -EBADF;
        if (r < 0) {
                claim_give_up(inet);
                table_drop(held);
                waking_end(old);
                if (watched)
                        watch_resume(inet->fd);
                return r;
        }

        write_file_state(inet->fd, state);
        if (watched) {
                watch_resume(inet->fd);
                keep_notes(inet->fd, table_get(inet->fd));
                if (!needs_notes(sock))
                        watch_forget(inet->fd);
                else if (sock)
                        atomic_store(&sock->watched, true);
        }
        if (before)
                convert_copies(inet, before, w);
        table_put(inet->fd, watched && !sock ? w | WORD_EPOLLED : w);
        claim_done(held);
        table_drop(held);
        check_number(inet, with);
        conversions++;
        if (inet->type == SOCK_DGRAM)
                waking_note_made(inet->fd, forks);
        waking_end(old);
        return 0;
}

/* A handler that sends from a datagram socket must not interrupt who has claimed it. */
static int put_unsignalled(const struct inet_socket *inet, int with, struct sock *sock,
                           const struct file_state *state, const struct stat *before)
{
        uint64_t signals;
        int r;

        if (inet->type != SOCK_DGRAM)
                return put(inet, with, sock, state, before);

        kernel_block_all_signals(&signals);
        r = put(inet, with, sock, state, before);
        (void)kernel_block_signals(SIG_SETMASK, &signals, NULL);
        return r;
}

int convert(const struct inet_socket *inet, int with, struct sock *sock, bool shared)
{
        const bool copied = may_have_copies(inet->word);
        struct file_state state;
        struct departure departure;
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
        copy_options(inet, with, sock);
        departure = departure_of(inet->fd, inet->word);

        r = put_unsignalled(inet, with, sock, &state, copied ? &before : NULL);
        if (r == 0)
                departure_finish(&departure);
        return r;
}
