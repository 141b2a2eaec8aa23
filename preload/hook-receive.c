/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * recv(2), recvfrom(2), recvmsg(2), recvmmsg(2) on converted connections. TCP leaves the source
 * address empty, a Unix socket may fill in its peer's path. And a Unix peer can send descriptors,
 * which a program that speaks TCP would never close. A Unix socket has no queue of errors, and
 * answers MSG_ERRQUEUE with data.
 */

#include <netinet/in.h>
#include <string.h>

#include "preload/attached.h"
#include "preload/claim.h"
#include "preload/client.h"
#include "preload/datagram-many.h"
#include "preload/datagram-receive.h"
#include "preload/hook.h"
#include "preload/kernel.h"
#include "preload/mark.h"
#include "preload/moved-answer.h"
#include "preload/sock.h"

#define END_OF_STREAM 1

/* Of so many messages at once recvmmsg(2) can be called again. */
#define ROOMS 64

/*
 * What a Unix stream socket would answer otherwise than TCP, without a look at the data.
 * Returns a negative errno, END_OF_STREAM, or 0 to go on.
 */
static int check(int fd, struct sock *sock, word w, int flags)
{
        int r;

        if (flags & MSG_ERRQUEUE)
                return -EAGAIN;
        if (sock->type != SOCK_STREAM || WORD_KIND(w) != WORD_SOCK || sock->kind == SOCK_CONNECTION)
                return 0;

        if (sock->kind != SOCK_REFUSED)
                return -ENOTCONN;
        r = client_take_error(fd, sock);
        return r < 0 ? r : END_OF_STREAM;
}

/* A socket that came to us with a mark. It is looked at once, when an address would be told. */
static inline void adopt(int fd, const void *address)
{
        if (UNLIKELY(mark_may_be_inherited) && address && table_get(fd) == 0)
                (void)mark_look(fd);
}

/* Is there something to be done about a call? One look at the table for sockets that are not ours.
 */
static inline bool concerns_us(int fd, int flags, int *ret_check)
{
        word w = table_get(fd);
        struct sock *sock;

        *ret_check = 0;
        if (LIKELY(w == 0))
                return false;
        w = claim_await_datagram(fd, w);
        sock = sock_of(w);
        if (!sock || !sock_is_disguised(sock))
                return false;

        *ret_check = check(fd, sock, w, flags);
        return true;
}

static int answer(int r)
{
        return r == END_OF_STREAM ? 0 : hook_result(r);
}

/* tcp(7): MSG_TRUNC on a stream throws data away, and leaves the buffer as it is. */
static ssize_t __attribute__((noinline)) discard(int fd, size_t size, int flags)
{
        char nothing[1024];
        size_t done = 0;

        flags &= ~MSG_TRUNC;
        while (done < size) {
                const size_t rest = size - done;
                const ssize_t n =
                        next.recv(fd, nothing, rest < sizeof(nothing) ? rest : sizeof(nothing),
                                  done == 0 ? flags : flags | MSG_DONTWAIT);

                if (n <= 0)
                        return done > 0 ? (ssize_t)done : n;
                done += (size_t)n;
                if (flags & MSG_PEEK)
                        break;
        }

        return (ssize_t)done;
}

static bool is_discarded(int fd, int flags)
{
        /* Another thread may have closed it meanwhile. */
        const struct sock *sock = UNLIKELY(flags & MSG_TRUNC) ? sock_of(table_get(fd)) : NULL;

        return sock && sock->type == SOCK_STREAM;
}

/* A connection that came in, as most are, and nothing special: there is no need to look further. */
static inline bool is_ordinary(int fd, int flags)
{
        const word w = table_get(fd);

        return !(flags & (MSG_ERRQUEUE | MSG_TRUNC)) && WORD_KIND(w) != WORD_SOCK &&
               !(w & WORD_CLAIMED && word_is_inet(w));
}

static ssize_t receive_datagram(int fd, struct sock *sock, void *buf, size_t size, int flags,
                                struct sockaddr *addr, socklen_t *length)
{
        const int saved = errno;
        const ssize_t n = datagram_receive(fd, sock, buf, size, flags, addr, length);

        if (n == 0 && datagram_was_replaced(fd, sock))
                return recvfrom(fd, buf, size, flags, addr, length);
        if (n >= 0)
                errno = saved;
        return hook_result((int)n);
}

HOOK ssize_t recv(int fd, void *buf, size_t size, int flags)
{
        struct sock *sock;
        ssize_t n;
        int r;

        if (LIKELY(is_ordinary(fd, flags)) || !concerns_us(fd, flags, &r)) {
                n = next.recv(fd, buf, size, flags);
        } else {
                if (r != 0)
                        return answer(r);
                sock = datagram_sock(table_get(fd));
                if (sock)
                        return receive_datagram(fd, sock, buf, size, flags, NULL, NULL);
                n = is_discarded(fd, flags) ? discard(fd, size, flags)
                                            : next.recv(fd, buf, size, flags);
        }

        return UNLIKELY(n == 0) && datagram_was_replaced(fd, NULL) ? recv(fd, buf, size, flags) : n;
}

/* An IP socket: what it hears may be the answer to a datagram that a rule has moved. */
static inline bool expects_moved_answers(int fd)
{
        return UNLIKELY(atomic_load_explicit(&moved_answers_expected, memory_order_relaxed)) &&
               table_get(fd) != 0;
}

/* room: what the program had for the address, of which length bytes would have been needed. */
static void restore_source(struct sockaddr *addr, socklen_t room, socklen_t length)
{
        if (addr && length <= room)
                moved_answer_restore(addr, length);
}

/* room: before the call. Another thread may send by such a rule while this one waits. */
static ssize_t receive_plain(int fd, void *buf, size_t size, int flags, struct sockaddr *addr,
                             socklen_t *length, socklen_t room)
{
        const ssize_t n = next.recvfrom(fd, buf, size, flags, addr, length);

        if (UNLIKELY(room > 0) && n >= 0 && expects_moved_answers(fd))
                restore_source(addr, room, *length);
        return n;
}

HOOK ssize_t recvfrom(int fd, void *buf, size_t size, int flags, __SOCKADDR_ARG addr,
                      socklen_t *length)
{
        const socklen_t room = UNLIKELY(table_get(fd) != 0) && length ? *length : 0;
        struct sock *sock;
        ssize_t n;
        int r;

        adopt(fd, addr.__sockaddr__);
        if (LIKELY(!concerns_us(fd, flags, &r))) {
                n = receive_plain(fd, buf, size, flags, addr.__sockaddr__, length, room);
        } else {
                if (r != 0)
                        return answer(r);
                sock = datagram_sock(table_get(fd));
                if (sock)
                        return receive_datagram(fd, sock, buf, size, flags, addr.__sockaddr__,
                                                length);
                n = is_discarded(fd, flags) ? discard(fd, size, flags)
                                            : next.recvfrom(fd, buf, size, flags, NULL, NULL);
                if (n >= 0 && addr.__sockaddr__ && length)
                        *length = 0;
        }

        if (LIKELY(n != 0) || !datagram_was_replaced(fd, NULL))
                return n;
        if (length)
                *length = room;
        return recvfrom(fd, buf, size, flags, addr, length);
}

/* The forms that the C library's headers call when they know the buffer's size. */
HOOK ssize_t __recv_chk(int fd, void *buf, size_t size, size_t buf_size, int flags);
HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t buf_size, int flags,
                            __SOCKADDR_ARG addr, socklen_t *length);

HOOK ssize_t __recv_chk(int fd, void *buf, size_t size, size_t buf_size, int flags)
{
        if (size <= buf_size)
                return recv(fd, buf, size, flags);

        return NEXT(__recv_chk)(fd, buf, size, buf_size, flags);
}

HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t buf_size, int flags,
                            __SOCKADDR_ARG addr, socklen_t *length)
{
        if (size <= buf_size)
                return recvfrom(fd, buf, size, flags, addr, length);

        return NEXT(__recvfrom_chk)(fd, buf, size, buf_size, flags, addr.__sockaddr__, length);
}

/* All that a message has room for. */
static size_t size_of(const struct msghdr *msg)
{
        size_t size = 0;

        for (size_t i = 0; i < msg->msg_iovlen; i++)
                size += msg->msg_iov[i].iov_len;

        return size;
}

static ssize_t receive_converted(int fd, struct msghdr *msg, int flags)
{
        struct sock *sock = datagram_sock(table_get(fd));
        const struct msghdr before = *msg;
        void *name = msg->msg_name;
        const int saved = errno;
        ssize_t n;

        if (sock) {
                n = datagram_receive_message(fd, sock, msg, flags);
                if (n == 0 && datagram_was_replaced(fd, sock)) {
                        *msg = before;
                        return recvmsg(fd, msg, flags);
                }
                if (n >= 0)
                        errno = saved;
                return hook_result((int)n);
        }
        if (is_discarded(fd, flags)) {
                n = discard(fd, size_of(msg), flags);
                if (n >= 0)
                        msg->msg_namelen = msg->msg_controllen = 0;
                return n;
        }

        msg->msg_name = NULL;
        n = next.recvmsg(fd, msg, flags);
        msg->msg_name = name;
        if (n == 0 && datagram_was_replaced(fd, NULL)) {
                *msg = before;
                return recvmsg(fd, msg, flags);
        }
        if (n >= 0)
                attached_drop(msg);
        return n;
}

HOOK ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
        struct msghdr before;
        bool is_tracked;
        ssize_t n;
        int r;

        adopt(fd, msg ? msg->msg_name : NULL);
        if (UNLIKELY(concerns_us(fd, flags, &r)) && msg)
                return r != 0 ? answer(r) : receive_converted(fd, msg, flags);

        is_tracked = UNLIKELY(table_get(fd) != 0) && msg;
        if (is_tracked)
                before = *msg;
        n = next.recvmsg(fd, msg, flags);
        if (UNLIKELY(n == 0) && is_tracked && datagram_was_replaced(fd, NULL)) {
                *msg = before;
                return recvmsg(fd, msg, flags);
        }
        if (is_tracked && n >= 0 && expects_moved_answers(fd))
                restore_source(msg->msg_name, before.msg_namelen, msg->msg_namelen);
        if (UNLIKELY(n >= 0 && msg && msg->msg_controllen > 0))
                attached_note(fd, msg);
        return n;
}

/* The end of a stream would come again and again. */
static bool is_end(int fd, ssize_t size)
{
        return size == 0 && !datagram_sock(table_get(fd));
}

/*
 * One by one, where a single call would hand out addresses, or data that is to be thrown away. The
 * time is looked at after each message, as the kernel does, and what is left of it is told.
 */
static int receive_each(int fd, struct mmsghdr *messages, unsigned count, int flags,
                        struct timespec *timeout)
{
        const int saved = errno;
        const int64_t end = timeout ? kernel_milliseconds() + timeout->tv_sec * 1000 +
                                              timeout->tv_nsec / 1000000
                                    : 0;
        unsigned n;

        for (n = 0; n < count; n++) {
                const ssize_t size =
                        receive_converted(fd, &messages[n].msg_hdr, flags & ~MSG_WAITFORONE);
                const int64_t left = timeout ? end - kernel_milliseconds() : 1;

                if (size < 0 && n == 0)
                        return -1;
                if (size < 0)
                        break;
                messages[n].msg_len = (unsigned)size;
                if (timeout) {
                        timeout->tv_sec = left > 0 ? left / 1000 : 0;
                        timeout->tv_nsec = left > 0 ? left % 1000 * 1000000 : 0;
                }
                if (is_end(fd, size) || left <= 0)
                        return (int)n + 1;
                if (flags & MSG_WAITFORONE)
                        flags |= MSG_DONTWAIT;
        }

        errno = saved;
        return (int)n;
}

static int receive_many(int fd, struct mmsghdr *messages, unsigned count, int flags,
                        struct timespec *timeout)
{
        const int saved = errno;
        struct sock *sock = datagram_sock(table_get(fd));
        const int n = sock ? datagram_receive_many(fd, sock, messages, count, flags, timeout) : 0;

        if (n == 0)
                return receive_each(fd, messages, count, flags, timeout);
        if (n > 0)
                errno = saved;
        return hook_result(n);
}

static socklen_t least_room(const struct mmsghdr *messages, unsigned count)
{
        socklen_t room = sizeof(struct sockaddr_storage);

        for (unsigned i = 0; i < count; i++)
                if (messages[i].msg_hdr.msg_namelen < room)
                        room = messages[i].msg_hdr.msg_namelen;
        return room;
}

static bool is_valid(const struct timespec *timeout)
{
        return !timeout ||
               (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec < 1000000000);
}

/* What the program had room for, which is to be told again when the call is made once more. */
struct rooms {
        socklen_t name[ROOMS];
        size_t control[ROOMS];
        unsigned count; /* 0: of more messages than that nothing is noted */
};

/* Returns how many messages are to be asked for: fewer may come in any case, unless all are waited
 * for.
 */
static unsigned note_rooms(struct rooms *rooms, const struct mmsghdr *messages, unsigned count,
                           int flags)
{
        if (count > ROOMS && flags & (MSG_WAITFORONE | MSG_DONTWAIT))
                count = ROOMS;
        rooms->count = count <= ROOMS ? count : 0;
        for (unsigned i = 0; i < rooms->count; i++) {
                rooms->name[i] = messages[i].msg_hdr.msg_namelen;
                rooms->control[i] = messages[i].msg_hdr.msg_controllen;
        }
        return count;
}

/*
 * Who is woken because his socket is replaced (waking.h) gets empty messages from nobody: they are
 * taken off n. Returns true when there were no others, and the call is to be made again.
 */
static bool forget_wakes(int fd, const struct rooms *rooms, struct mmsghdr *messages, int *n)
{
        if (rooms->count == 0 || messages[*n - 1].msg_len > 0 || !datagram_was_replaced(fd, NULL))
                return false;

        while (*n > 0 && messages[*n - 1].msg_len == 0 &&
               (!messages[*n - 1].msg_hdr.msg_name || messages[*n - 1].msg_hdr.msg_namelen == 0)) {
                --*n;
                messages[*n].msg_hdr.msg_namelen = rooms->name[*n];
                messages[*n].msg_hdr.msg_controllen = rooms->control[*n];
        }
        return *n == 0;
}

HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                  struct timespec *timeout)
{
        struct rooms rooms;
        socklen_t room = 0;
        int n, r;

        adopt(fd, messages && count > 0 ? messages->msg_hdr.msg_name : NULL);
        if (UNLIKELY(concerns_us(fd, flags, &r)) && messages) {
                if (r == 0 && !is_valid(timeout))
                        r = -EINVAL;
                return r != 0 ? answer(r) : receive_many(fd, messages, count, flags, timeout);
        }

        if (UNLIKELY(table_get(fd) != 0) && messages) {
                room = least_room(messages, count);
                count = note_rooms(&rooms, messages, count, flags);
                n = NEXT(recvmmsg)(fd, messages, count, flags, timeout);
                if (n > 0 && forget_wakes(fd, &rooms, messages, &n))
                        return recvmmsg(fd, messages, count, flags, timeout);
        } else {
                n = NEXT(recvmmsg)(fd, messages, count, flags, timeout);
        }

        for (int i = 0; room > 0 && i < n && expects_moved_answers(fd); i++)
                restore_source(messages[i].msg_hdr.msg_name, room, messages[i].msg_hdr.msg_namelen);
        for (int i = 0; i < n; i++)
                if (UNLIKELY(messages[i].msg_hdr.msg_controllen > 0))
                        attached_note(fd, &messages[i].msg_hdr);
        return n;
}
