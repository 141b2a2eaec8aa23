/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who replaces a socket. See claim.h. */

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "preload/claim.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/table.h"

/* So long, in microseconds, and so often the others wait: a busy machine may not let him run. */
#define MOMENT_US      200
#define TIMES_DATAGRAM 5000
#define TIMES_STREAM   100

/* The process in which a word was claimed last, or 0. */
static _Atomic pid_t claimer;

static void pause_for_moment(void)
{
        const int saved = errno;

        kernel_sleep_microseconds(MOMENT_US);
        errno = saved;
}

/* Who claims a converted socket. NULL for those of IP, whose words tell it themselves. */
static _Atomic pid_t *claim_of(word w)
{
        return WORD_KIND(w) == WORD_SOCK ? &sock_at(WORD_INDEX(w))->claimed_by : NULL;
}

/* Of a socket that may become another. w: held. */
static bool is_claimable(word w)
{
        const struct sock *sock = WORD_KIND(w) == WORD_SOCK ? sock_at(WORD_INDEX(w)) : NULL;

        return word_is_inet(w) ||
               (sock && sock->type == SOCK_DGRAM && sock_may_become_another(sock));
}

static bool is_claimed(word w)
{
        const _Atomic pid_t *by = claim_of(w);

        if (by)
                return atomic_load(by) == process_id();
        return word_is_inet(w) && w & WORD_CLAIMED && atomic_load(&claimer) == process_id();
}

/* Only options and notes may have come to the word. */
static bool is_still(const struct inet_socket *inet, word w)
{
        const word fixed = WORD_IPV6 | WORD_DGRAM | UINT64_C(0xffff) << 16;

        return word_is_inet(inet->word) ? word_is_inet(w) && ((w ^ inet->word) & fixed) == 0
                                        : w == inet->word;
}

/* Returns false when another thread was faster. */
static bool try_to_claim(int fd, word w)
{
        const pid_t self = process_id();
        _Atomic pid_t *by = claim_of(w);
        pid_t before;

        if (!by) {
                atomic_store(&claimer, self);
                return table_replace(fd, w, w | WORD_CLAIMED);
        }

        before = atomic_load(by);
        if (before == self || !atomic_compare_exchange_strong(by, &before, self))
                return false;
        if (table_get(fd) == w)
                return true;
        /* It has been replaced meanwhile. */
        atomic_store(by, 0);
        return false;
}

static void unclaim_word(int fd)
{
        word w = table_get(fd);

        while (word_is_inet(w) && w & WORD_CLAIMED && !table_replace(fd, w, w & ~WORD_CLAIMED))
                w = table_get(fd);
}

int claim_take(const struct inet_socket *inet)
{
        const int most = inet->type == SOCK_DGRAM ? TIMES_DATAGRAM : TIMES_STREAM;
        word w;

        for (int i = 0; is_still(inet, w = table_get(inet->fd)); i++) {
                if (!is_claimable(w) || process_is_borrowed() || i == most)
                        return 0;
                if (is_claimed(w))
                        pause_for_moment();
                else if (try_to_claim(inet->fd, w))
                        return 0;
        }

        return -EBADF;
}

/* Of converted sockets only the object knows, which has to be held to be asked. */
static bool may_be_datagram(word w)
{
        return word_is_inet(w) ? w & WORD_DGRAM : WORD_KIND(w) == WORD_SOCK;
}

/* A claim of an object is one of all its descriptors, which a handler may use. */
static void block_signals(struct claim *claim)
{
        if (claim->blocks)
                return;
        kernel_block_all_signals(&claim->signals);
        claim->blocks = true;
}

static void unblock_signals(const struct claim *claim)
{
        if (claim->blocks)
                (void)kernel_block_signals(SIG_SETMASK, &claim->signals, NULL);
}

void claim_to_close(int fd, struct claim *ret)
{
        ret->blocks = false;
        for (int i = 0; i < TIMES_DATAGRAM && may_be_datagram(table_get(fd)); i++) {
                const word w = table_hold(fd);
                const bool concerns_us =
                        may_be_datagram(w) && is_claimable(w) && !process_is_borrowed();

                if (concerns_us && WORD_KIND(w) == WORD_SOCK)
                        block_signals(ret);
                ret->w = w;
                if (concerns_us && !is_claimed(w) && try_to_claim(fd, w))
                        return;
                table_drop(w);
                if (!concerns_us)
                        break;
                pause_for_moment();
        }

        ret->w = 0;
        unblock_signals(ret);
        ret->blocks = false;
}

void claim_closed(int fd, const struct claim *claim)
{
        _Atomic pid_t *by = claim_of(claim->w);

        if (by)
                atomic_store(by, 0);
        else if (claim->w != 0)
                (void)table_replace(fd, claim->w | WORD_CLAIMED, claim->w);
        table_drop(claim->w);
        unblock_signals(claim);
}

bool claim_holds(const struct inet_socket *inet)
{
        const word w = table_get(inet->fd);

        return is_still(inet, w) && (!word_is_inet(w) || w & WORD_CLAIMED || process_is_borrowed());
}

void claim_give_up(const struct inet_socket *inet)
{
        _Atomic pid_t *by = claim_of(inet->word);

        if (process_is_borrowed())
                return;
        if (by)
                atomic_store(by, 0);
        else
                unclaim_word(inet->fd);
}

void claim_done(word before)
{
        /* Another thread has duplicated it meanwhile: there it goes on to be what it was. */
        if (WORD_KIND(before) == WORD_SOCK && atomic_load(&sock_at(WORD_INDEX(before))->open) > 0)
                atomic_store(claim_of(before), 0);
}

void claim_fork_child(void)
{
        if (atomic_exchange(&claimer, 0) == 0)
                return;

        for (int fd = table_next(0); fd >= 0; fd = table_next(fd + 1))
                unclaim_word(fd);
}

void claim_await(int fd)
{
        word w = table_get(fd);

        if (process_is_borrowed())
                return;
        for (int i = 0; i < TIMES_DATAGRAM && is_claimed(w); i++) {
                pause_for_moment();
                w = table_get(fd);
        }
}
