/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * recv(2), recvfrom(2), recvmsg(2), recvmmsg(2) on converted connections. TCP leaves the source
 * address empty, a Unix socket may fill in its peer's path. And a Unix peer can send descriptors,
 * which a program that speaks TCP would never close. A Unix socket has no queue of errors, and
 * answers MSG_ERRQUEUE with data.
 */

#include <string.h>

#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/sock.h"

static inline bool is_converted(int fd)
{
        const struct sock *sock = sock_of(table_get(fd));

        return UNLIKELY(sock != NULL) && sock_is_unix(sock);
}

/* Does the program ask for errors where there can be none? */
static inline bool asks_for_errors(int fd, int flags)
{
        return UNLIKELY(flags & MSG_ERRQUEUE) && is_converted(fd);
}

HOOK ssize_t recv(int fd, void *buf, size_t size, int flags)
{
        if (asks_for_errors(fd, flags))
                return hook_result(-EAGAIN);

        return next.recv(fd, buf, size, flags);
}

HOOK ssize_t recvfrom(int fd, void *buf, size_t size, int flags, __SOCKADDR_ARG addr,
                      socklen_t *length)
{
        ssize_t n;

        if (asks_for_errors(fd, flags))
                return hook_result(-EAGAIN);
        if (LIKELY(!addr.__sockaddr__ || !length || !is_converted(fd)))
                return next.recvfrom(fd, buf, size, flags, addr.__sockaddr__, length);

        n = next.recvfrom(fd, buf, size, flags, NULL, NULL);
        if (n >= 0)
                *length = 0;
        return n;
}

/* The forms that the C library's headers call when they know the buffer's size. */
HOOK ssize_t __recv_chk(int fd, void *buf, size_t size, size_t buf_size, int flags);
HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t buf_size, int flags,
                            __SOCKADDR_ARG addr, socklen_t *length);

HOOK ssize_t __recv_chk(int fd, void *buf, size_t size, size_t buf_size, int flags)
{
        if (asks_for_errors(fd, flags))
                return hook_result(-EAGAIN);

        return NEXT(__recv_chk)(fd, buf, size, buf_size, flags);
}

HOOK ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t buf_size, int flags,
                            __SOCKADDR_ARG addr, socklen_t *length)
{
        ssize_t n;

        if (asks_for_errors(fd, flags))
                return hook_result(-EAGAIN);
        if (LIKELY(!addr.__sockaddr__ || !length || !is_converted(fd)))
                return NEXT(__recvfrom_chk)(fd, buf, size, buf_size, flags, addr.__sockaddr__,
                                            length);

        n = NEXT(__recvfrom_chk)(fd, buf, size, buf_size, flags, NULL, NULL);
        if (n >= 0)
                *length = 0;
        return n;
}

/* Descriptors have arrived: nothing old may be met at their numbers. */
static void take_descriptors(const struct cmsghdr *cmsg, bool close_them)
{
        const size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < count; i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
                table_forget(fd);
                if (close_them)
                        next.close(fd);
        }
}

static bool has_descriptors(const struct cmsghdr *cmsg)
{
        return cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS;
}

static void forget_received(struct msghdr *msg)
{
        const int saved = errno;

        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
                if (has_descriptors(cmsg)) {
                        take_descriptors(cmsg, false);
                        __atomic_store_n(&mark_may_be_inherited, true, __ATOMIC_RELAXED);
                }
        errno = saved;
}

/* Close the descriptors that came with a message, and close the gap that their header leaves. */
static void drop_descriptors(struct msghdr *msg)
{
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

        while (cmsg) {
                struct cmsghdr *after = CMSG_NXTHDR(msg, cmsg);
                const size_t rest = after ? msg->msg_controllen - (size_t)((char *)after -
                                                                           (char *)msg->msg_control)
                                          : 0;

                if (!has_descriptors(cmsg)) {
                        cmsg = after;
                        continue;
                }

                take_descriptors(cmsg, true);
                if (after)
                        memmove(cmsg, after, rest);
                msg->msg_controllen = (size_t)((char *)cmsg - (char *)msg->msg_control) + rest;
                cmsg = after ? cmsg : NULL;
        }
}

static void finish(struct msghdr *msg)
{
        const int saved = errno;

        msg->msg_namelen = 0;
        if (msg->msg_control && msg->msg_controllen > 0)
                drop_descriptors(msg);
        errno = saved;
}

HOOK ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
        void *name;
        ssize_t n;

        if (LIKELY(!is_converted(fd)) || !msg) {
                n = next.recvmsg(fd, msg, flags);
                if (UNLIKELY(n >= 0 && msg && msg->msg_controllen > 0))
                        forget_received(msg);
                return n;
        }

        if (flags & MSG_ERRQUEUE)
                return hook_result(-EAGAIN);

        name = msg->msg_name;
        msg->msg_name = NULL;
        n = next.recvmsg(fd, msg, flags);
        msg->msg_name = name;
        if (n >= 0)
                finish(msg);
        return n;
}

HOOK int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                  struct timespec *timeout)
{
        const bool converted = is_converted(fd);
        int n;

        if (asks_for_errors(fd, flags))
                return hook_result(-EAGAIN);

        n = NEXT(recvmmsg)(fd, messages, count, flags, timeout);

        for (int i = 0; i < n; i++) {
                struct msghdr *msg = &messages[i].msg_hdr;

                if (UNLIKELY(converted))
                        finish(msg);
                else if (UNLIKELY(msg->msg_controllen > 0))
                        forget_received(msg);
        }
        return n;
}
