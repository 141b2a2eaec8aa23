/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dup(2), dup2(2), dup3(2), fcntl(2): a duplicate is tracked as what it is a duplicate of. */

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>

#include "preload/claim.h"
#include "preload/departure.h"
#include "preload/hook.h"
#include "preload/kept.h"
#include "preload/kernel.h"
#include "preload/mark.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/watch.h"

/*
 * A child of vfork that moves a connection to its standard input is about to execute a program
 * that will ask for its peer. The table is its parent's, so that the mark must tell: mark.h.
 */
static void stamp_for_exec(int fd, word w)
{
        struct sock *sock = sock_of(w);

        if (sock && sock_is_disguised(sock) && process_is_borrowed())
                mark_write(fd, sock, w);
}

/* fd, whose word w is held, was duplicated to copy. */
static void track_copy(int fd, word w, int copy)
{
        if (WORD_KIND(w) == WORD_INET || (WORD_KIND(w) == WORD_PLAIN && WORD_PROTOCOL(w) != 0)) {
                (void)table_replace(fd, w, w | WORD_COPIED);
                w |= WORD_COPIED;
                /* Registrations are the original's. */
                w &= ~WORD_EPOLLED;
        }

        /* Without memory for the word, it is an untracked descriptor, of which a mark may tell. */
        if (table_reserve(copy) < 0)
                return;
        table_put(copy, table_copy(w));
        stamp_for_exec(copy, w);
}

static int finish_copy(int fd, word w, int copy)
{
        const int saved = errno;

        if (copy >= 0) {
                if (w != 0)
                        track_copy(fd, w, copy);
                else
                        table_forget(copy);
        }
        table_drop(w);
        errno = saved;
        return copy;
}

HOOK int dup(int fd)
{
        const word w = table_hold(fd);

        if (WORD_KIND(w) == WORD_KEPT)
                return hook_result(-EBADF);

        return finish_copy(fd, w, next.dup(fd));
}

/*
 * What may go wrong before the descriptor at the target is closed?
 * ret_claim: for claim_closed() when it is.
 */
static int prepare_target(int fd, word w, int to, struct claim *ret_claim)
{
        *ret_claim = (struct claim){0};
        if (WORD_KIND(w) == WORD_KEPT)
                return -EBADF;
        if (fd == to || LIKELY(table_get(to) == 0) || next.fcntl(fd, F_GETFD) < 0)
                return 0;
        if (WORD_KIND(table_get(to)) == WORD_KEPT)
                return kept_yield(to);
        claim_to_close(to, ret_claim);
        if (WORD_KIND(table_get(to)) == WORD_SOCK && !process_is_borrowed())
                watch_remove(to);

        return 0;
}

/* w: of fd, and held. flags: as for dup3(2), or none at all. */
static int duplicate_to(int fd, word w, int to, const int *flags)
{
        const bool replaces = fd != to && table_get(to) != 0;
        struct departure departure;
        uint64_t signals;
        struct claim claim;
        int r;

        /* A handler that uses the target would wait for the thread that it has interrupted. */
        if (replaces)
                kernel_block_all_signals(&signals);
        r = prepare_target(fd, w, to, &claim);
        if (r == 0 && fd != to) {
                departure = departure_of(to, table_get(to));
                r = finish_copy(fd, w, flags ? next.dup3(fd, to, *flags) : next.dup2(fd, to));
                claim_closed(to, &claim);
        } else {
                departure.removes = false;
                table_drop(w);
                r = r < 0 ? hook_result(r)
                          : (flags ? next.dup3(fd, to, *flags) : next.dup2(fd, to));
        }
        if (replaces)
                (void)kernel_block_signals(SIG_SETMASK, &signals, NULL);
        if (r >= 0)
                departure_finish(&departure);
        return r;
}

HOOK int dup2(int fd, int to)
{
        const word w = table_hold(fd);

        if (LIKELY(w == 0 && table_get(to) == 0))
                return next.dup2(fd, to);

        return duplicate_to(fd, w, to, NULL);
}

HOOK_ALIAS(__dup2, dup2);

HOOK int dup3(int fd, int to, int flags)
{
        return duplicate_to(fd, table_hold(fd), to, &flags);
}

static int fcntl_any(int fd, int command, void *argument)
{
        const word w = table_get(fd);

        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);
        if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
                return finish_copy(fd, table_hold(fd), next.fcntl(fd, command, argument));

        return next.fcntl(fd, command, argument);
}

/* The argument is an int, a pointer or absent: as a pointer it arrives whole in every case. */
HOOK int fcntl(int fd, int command, ...)
{
        void *argument;
        va_list ap;

        va_start(ap, command);
        argument = va_arg(ap, void *);
        va_end(ap);

        return fcntl_any(fd, command, argument);
}

HOOK_ALIAS(__fcntl, fcntl);
HOOK_ALIAS(fcntl64, fcntl);
