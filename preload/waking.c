/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes threads that wait for datagrams. See waking.h. */

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/sock.h"
#include "preload/waking.h"

/* How long threads that wait have to notice: they are woken, and run, in a tenth of it. */
#define MOMENT_US 200

static _Atomic int pending; /* sockets whose readers were woken, and that are the old yet */

/* A duplicate of the socket, or -1. Listeners may have others who go on with the same. */
static int keep(const struct inet_socket *inet)
{
        if (inet->type != SOCK_DGRAM || inet->family == AF_UNIX || __libc_single_threaded ||
            (inet->sock && inet->sock->kind == SOCK_LISTENER))
                return -1;

        return next.fcntl(inet->fd, F_DUPFD_CLOEXEC, 0);
}

/*
 * shutdown(2) says ENOTCONN of a UDP socket that is not connected, and wakes who waits all the
 * same: in recv(2), whose hooks look at the new socket then (waking_settle()), and in poll(2) or
 * select(2), which look at their descriptors once more when they are woken. They must find the old
 * socket there, or they would go on to wait for it: so they are given a moment.
 */
int waking_begin(const struct inet_socket *inet)
{
        const int old = keep(inet);

        if (old < 0)
                return -1;

        atomic_fetch_add(&pending, 1);
        (void)kernel_shutdown(old, SHUT_RD);
        kernel_close(old);
        kernel_sleep_microseconds(MOMENT_US);
        return old;
}

void waking_end(int waking)
{
        if (waking >= 0)
                atomic_fetch_sub(&pending, 1);
}

void waking_settle(void)
{
        for (int i = 0; i < 100 && atomic_load(&pending) > 0; i++)
                kernel_sleep_microseconds(MOMENT_US);
}
