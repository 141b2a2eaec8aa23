/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * read(2), readv(2), write(2), writev(2): on converted datagram sockets they are recv(2) and
 * send(2) without flags.
 */

#include <limits.h>
#include <sys/uio.h>

#include "preload/claim.h"
#include "preload/datagram-receive.h"
#include "preload/datagram-send.h"
#include "preload/hook.h"
#include "preload/sock.h"

static ssize_t result(ssize_t n, int saved)
{
        if (n < 0)
                return hook_result((int)n);

        errno = saved;
        return n;
}

static ssize_t read_datagram(int fd, struct sock *sock, const struct iovec *iov, int count)
{
        struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
        const int saved = errno;
        const ssize_t n = datagram_receive_message(fd, sock, &msg, 0);

        return n == 0 && datagram_was_replaced(fd, sock) ? readv(fd, iov, count) : result(n, saved);
}

static ssize_t write_datagram(int fd, const struct outgoing *out)
{
        const int saved = errno;

        return result(datagram_send(fd, out, NULL, 0), saved);
}

HOOK ssize_t read(int fd, void *buf, size_t size)
{
        word w = table_get(fd);
        const int saved = errno;
        struct sock *sock;
        ssize_t n;

        if (LIKELY(w == 0))
                return next.read(fd, buf, size);

        w = claim_await_datagram(fd, w);
        sock = datagram_sock(w);
        if (sock && size > 0)
                n = result(datagram_receive(fd, sock, buf, size, 0, NULL, NULL), saved);
        else
                n = next.read(fd, buf, size);
        return n == 0 && size > 0 && datagram_was_replaced(fd, sock) ? read(fd, buf, size) : n;
}

HOOK_ALIAS(__read, read);

HOOK ssize_t write(int fd, const void *buf, size_t size)
{
        const word w = table_get(fd);

        if (LIKELY(w == 0))
                return next.write(fd, buf, size);
        if (datagram_sock(w))
                return write_datagram(fd, &(struct outgoing){buf, size, NULL, 0});

        return next.write(fd, buf, size);
}

HOOK_ALIAS(__write, write);

/* Without room, readv(2) leaves the datagram where it is. What is wrong is for the kernel to say.
 */
static bool has_room(const struct iovec *iov, int count)
{
        const struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};

        return count > 0 && count <= IOV_MAX && outgoing_message(&msg, 0).size > 0;
}

HOOK ssize_t readv(int fd, const struct iovec *iov, int count)
{
        struct sock *sock = datagram_sock(table_get(fd));
        ssize_t n;

        if (UNLIKELY(sock != NULL) && has_room(iov, count))
                return read_datagram(fd, sock, iov, count);

        n = NEXT(readv)(fd, iov, count);
        return UNLIKELY(n == 0) && has_room(iov, count) && datagram_was_replaced(fd, NULL)
                       ? readv(fd, iov, count)
                       : n;
}

HOOK ssize_t writev(int fd, const struct iovec *iov, int count)
{
        const struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
        struct outgoing out;

        if (LIKELY(!datagram_sock(table_get(fd))) || count < 0 || count > IOV_MAX)
                return NEXT(writev)(fd, iov, count);

        /* Nothing at all is nothing to the kernel; write(2) of nothing is an empty datagram. */
        out = outgoing_message(&msg, 0);
        return out.size == 0 ? 0 : write_datagram(fd, &out);
}

/* What the C library's headers call when they know the buffer's size. */
HOOK ssize_t __read_chk(int fd, void *buf, size_t size, size_t buf_size);

HOOK ssize_t __read_chk(int fd, void *buf, size_t size, size_t buf_size)
{
        if (size <= buf_size)
                return read(fd, buf, size);

        return NEXT(__read_chk)(fd, buf, size, buf_size);
}
