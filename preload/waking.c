/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wakes threads that wait for datagrams. See waking.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "preload/datagram.h"
#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/process.h"
#include "preload/table.h"
#include "preload/waking.h"

/* How long threads that wait have to notice: they are woken, and run, in a tenth of it. */
#define MOMENT_US 200

/*
 * Sockets whose readers were woken, and that are the old yet, in the lower half; the process whose
 * they are in the upper one. A child that was forked in between has none.
 */
static _Atomic uint64_t pending;

_Atomic unsigned waking_forks;

/* There is a datagram socket that no child has yet. */
static _Atomic bool has_new;

/* So many threads fork right now: what they are going to have with their children is not known. */
static _Atomic int forking;

/* Does another process have it, or may it? A shutdown would be the end of it there, too. */
static bool is_shared(const struct inet_socket *inet)
{
        if (inet->sock)
                return atomic_load(&inet->sock->forked);

        return !word_is_inet(inet->word) || table_get(inet->fd) & WORD_FORKED;
}

/* A duplicate of the socket, or -1. Listeners may have others who go on with the same. */
static int keep(const struct inet_socket *inet)
{
        if (inet->family == AF_UNIX || __libc_single_threaded ||
            (inet->sock && inet->sock->kind == SOCK_LISTENER && !datagram_may_be_ip(inet->sock)) ||
            is_shared(inet))
                return -1;

        return next.fcntl(inet->fd, F_DUPFD_CLOEXEC, 0);
}

static void count(int by)
{
        const uint64_t own = (uint64_t)process_id() << 32;
        uint64_t before = atomic_load(&pending), after;

        do
                after = (before >> 32 == own >> 32 ? before : own) + (uint64_t)(int64_t)by;
        while (!atomic_compare_exchange_weak(&pending, &before, after));
}

static bool is_pending(void)
{
        const uint64_t now = atomic_load(&pending);

        return (uint32_t)now > 0 && now >> 32 == (uint64_t)process_id();
}

/*
 * shutdown(2) says ENOTCONN of a UDP socket that is not connected, and wakes who waits all the
 * same: in recv(2), whose hooks look at the new socket then (waking_settle()), and in poll(2) or
 * select(2), which look at their descriptors once more when they are woken. They must find the old
 * socket there, or they would go on to wait for it: so they are given a moment.
 */
int waking_begin(const struct inet_socket *inet)
{
        int old;

        if (inet->type != SOCK_DGRAM)
                return -1;
        /* First, so that who forks waits for it: waking_fork_prepare(). */
        count(1);
        old = atomic_load(&forking) == 0 ? keep(inet) : -1;
        if (old < 0) {
                count(-1);
                return -1;
        }

        (void)kernel_shutdown(old, SHUT_RD);
        kernel_close(old);
        kernel_sleep_microseconds(MOMENT_US);
        return old;
}

void waking_end(int waking)
{
        if (waking >= 0)
                count(-1);
}

static void settle(int moments)
{
        for (int i = 0; i < moments && is_pending(); i++)
                kernel_sleep_microseconds(MOMENT_US);
}

void waking_settle(void)
{
        settle(100);
}

static void note_shared(int fd)
{
        _Atomic word *place = table_find(fd);
        word w = table_hold(fd);

        if (WORD_KIND(w) == WORD_SOCK)
                atomic_store(&sock_at(WORD_INDEX(w))->forked, true);
        table_drop(w);
        /* Also by a child that borrows our memory: it is about what both have. */
        while (word_is_inet(w) && w & WORD_DGRAM &&
               !atomic_compare_exchange_weak(place, &w, w | WORD_FORKED))
                ;
}

/* The others, of which a server may have thousands, need no system call. */
static bool is_unshared_datagram(int fd)
{
        const word w = table_hold(fd);
        const struct sock *sock = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w)) : NULL;
        const bool unshared =
                sock ? sock->type == SOCK_DGRAM && !atomic_load(&sock->forked)
                     : word_is_inet(w) && (w & (WORD_DGRAM | WORD_FORKED)) == WORD_DGRAM;

        table_drop(w);
        return unshared;
}

static void note_all_shared(void)
{
        if (atomic_exchange(&has_new, false))
                for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1))
                        note_shared(fd);
}

void waking_fork_prepare(void)
{
        atomic_fetch_add(&forking, 1);
        waking_forks++;
        note_all_shared();
        /* Longer than a busy machine keeps somebody from going on. */
        settle(5000);
}

void waking_fork_parent(void)
{
        /* What other threads have made meanwhile may have got there. */
        waking_forks++;
        note_all_shared();
        atomic_fetch_sub(&forking, 1);
}

void waking_fork_child(void)
{
        atomic_store(&forking, 0);
}

void waking_note_exec(void)
{
        const int saved = errno;

        if (atomic_load_explicit(&has_new, memory_order_relaxed))
                for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1))
                        if (is_unshared_datagram(fd) && !(next.fcntl(fd, F_GETFD) & FD_CLOEXEC))
                                note_shared(fd);
        errno = saved;
}

void waking_note_made(int fd, unsigned forks)
{
        atomic_store(&has_new, true);
        if (waking_forks != forks)
                note_shared(fd);
}
