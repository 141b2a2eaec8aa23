/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who replaces a socket. See claim.h. */

#include <errno.h>
#include <stdatomic.h>

#include "preload/claim.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "preload/table.h"

/* So long, in microseconds, and so often the others wait: a busy machine may not let him run. */
#define MOMENT_US      200
#define TIMES_DATAGRAM 5000
#define TIMES_STREAM   100

/* The process in which something was claimed last: one that was forked meanwhile has the words, and
 * not the thread.
 */
static _Atomic pid_t claimer;

static bool is_inet(word w)
{
        return WORD_KIND(w) == WORD_INET || WORD_KIND(w) == WORD_PLAIN;
}

static bool is_claimed(word w)
{
        return is_inet(w) && w & WORD_CLAIMED && atomic_load(&claimer) == process_id();
}

/* Only options and notes may have come to the word. */
static bool is_still(const struct inet_socket *inet, word w)
{
        const word fixed = WORD_IPV6 | WORD_DGRAM | UINT64_C(0xffff) << 16;

        return is_inet(inet->word) ? is_inet(w) && ((w ^ inet->word) & fixed) == 0
                                   : w == inet->word;
}

int claim_take(const struct inet_socket *inet)
{
        const int most = inet->type == SOCK_DGRAM ? TIMES_DATAGRAM : TIMES_STREAM;
        word w;

        for (int i = 0; is_still(inet, w = table_get(inet->fd)); i++) {
                if (!is_inet(w) || process_is_borrowed() || i == most)
                        return 0;
                if (is_claimed(w)) {
                        kernel_sleep_microseconds(MOMENT_US);
                        continue;
                }
                atomic_store(&claimer, process_id());
                if (table_replace(inet->fd, w, w | WORD_CLAIMED))
                        return 0;
        }

        return -EBADF;
}

void claim_give_up(const struct inet_socket *inet)
{
        word w;

        do
                w = table_get(inet->fd);
        while (is_inet(w) && w & WORD_CLAIMED && !process_is_borrowed() &&
               !table_replace(inet->fd, w, w & ~WORD_CLAIMED));
}

void claim_await(int fd)
{
        for (int i = 0; i < TIMES_DATAGRAM && is_claimed(table_get(fd)); i++)
                kernel_sleep_microseconds(MOMENT_US);
}
