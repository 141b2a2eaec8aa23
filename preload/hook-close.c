/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * close(2), close_range(2), closefrom(3): what is closed is forgotten first, since another thread
 * may get the number in the very next moment. Descriptors of systemd's that wait for their bind
 * are spared: daemons close everything that they don't know.
 */

#include <limits.h>
#include <linux/close_range.h>
#include <sys/single_threaded.h>

#include "preload/cancel.h"
#include "preload/claim.h"
#include "preload/convert.h"
#include "preload/departure.h"
#include "preload/hook.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "preload/sock.h"

static void forget(int fd)
{
        struct claim claim;

        claim_to_close(fd, &claim);
        table_put(fd, 0);
        claim_closed(fd, &claim);
}

static int close_listener(int fd, const struct claim *claim, const struct departure *departure)
{
        const int before = cancel_disable();
        int r;

        table_put(fd, 0);
        claim_closed(fd, claim);
        r = next.close(fd);
        departure_finish(departure);
        cancel_restore(before);
        return r;
}

static bool removes_file(word w)
{
        return WORD_KIND(w) == WORD_SOCK && sock_at(WORD_INDEX(w))->removes_file;
}

static int close_tracked(int fd, word w)
{
        struct departure departure;
        struct claim claim;

        /* Who goes through /proc/self/fd finds it there, and gives up when it can't be closed. */
        if (WORD_KIND(w) == WORD_KEPT)
                return 0;
        /* Who is cancelled on the way would leave the file behind: it is before or after. */
        if (removes_file(w))
                next.pthread_testcancel();

        claim_to_close(fd, &claim);
        departure = departure_of(fd, table_get(fd));
        if (departure.removes)
                return close_listener(fd, &claim, &departure);

        /* Before the call, which is a cancellation point. */
        table_put(fd, 0);
        claim_closed(fd, &claim);
        return next.close(fd);
}

HOOK int close(int fd)
{
        const word w = table_get(fd);

        return LIKELY(w == 0) ? next.close(fd) : close_tracked(fd, w);
}

HOOK_ALIAS(__close, close);

/* Forget what lies in a range that is about to be closed. Nothing kept is in it. */
static void forget_range(unsigned first, unsigned last)
{
        if (first > INT_MAX)
                return;

        for (int fd = table_next((int)first); fd >= 0 && (unsigned)fd <= last;
             fd = table_next(fd + 1)) {
                const word w = table_get(fd);

                /* These have files that may have to go with them. */
                if (removes_file(w))
                        (void)close_tracked(fd, w);
                else
                        forget(fd);
                /* Looking for more would take long, and what is forgotten is open yet. */
                if ((unsigned)fd == last)
                        break;
        }
}

/* The first kept descriptor at or above fd, or -1. */
static int next_kept(unsigned first)
{
        int fd;

        if (first > INT_MAX)
                return -1;
        for (fd = table_next((int)first); fd >= 0; fd = table_next(fd + 1))
                if (WORD_KIND(table_get(fd)) == WORD_KEPT)
                        break;

        return fd;
}

static int close_gap(unsigned first, unsigned last, int flags)
{
        /* A thread that gets descriptors of its own closes them for itself alone. */
        if (!(flags & CLOSE_RANGE_CLOEXEC) &&
            (!(flags & CLOSE_RANGE_UNSHARE) || __libc_single_threaded))
                forget_range(first, last);

        return kernel_close_range(first, last, flags);
}

HOOK int close_range(unsigned first, unsigned last, int flags)
{
        /* What the kernel refuses closes nothing. */
        if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
                return kernel_close_range(first, last, flags);

        for (;;) {
                const int kept = next_kept(first);
                int r;

                if (kept < 0 || (unsigned)kept > last)
                        return close_gap(first, last, flags);

                r = first < (unsigned)kept ? close_gap(first, (unsigned)kept - 1, flags) : 0;
                if (r < 0 || (unsigned)kept == last)
                        return r;
                first = (unsigned)kept + 1;
        }
}

/*
 * The C library's closefrom(3) does not go through our close_range(). Where the kernel has none
 * (before 5.9), numbers are closed one by one up to the last that is kept.
 */
HOOK void closefrom(int lowest)
{
        const int saved = errno;
        int kept;

        if (lowest < 0)
                lowest = 0;

        while ((kept = next_kept((unsigned)lowest)) >= 0) {
                if (lowest < kept && close_gap((unsigned)lowest, (unsigned)kept - 1, 0) < 0)
                        for (int fd = lowest; fd < kept; fd++)
                                (void)next.close(fd);
                lowest = kept + 1;
        }

        forget_range((unsigned)lowest, UINT_MAX);
        NEXT(closefrom)(lowest);
        errno = saved;
}

static bool listeners_are_shared;

void hook_keep_listeners(void)
{
        __atomic_store_n(&listeners_are_shared, true, __ATOMIC_RELAXED);
}

/* A descriptor that is closed would be an error to the threads that go on to the last. */
static void leave_listener(int fd)
{
        const word w = table_hold(fd);

        if (removes_file(w)) {
                const struct inet_socket inet = inet_socket_of(fd, w);

                if (convert_to_blackhole(&inet, &inet.sock->local) < 0)
                        (void)close_tracked(fd, w);
        }
        table_drop(w);
}

void hook_close_listeners(void)
{
        int before;

        if (!departure_is_expected() || process_is_borrowed() ||
            __atomic_load_n(&listeners_are_shared, __ATOMIC_RELAXED))
                return;

        before = cancel_disable();
        for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1))
                leave_listener(fd);
        departure_look_again();
        cancel_restore(before);
}
