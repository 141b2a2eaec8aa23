/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps room in the send buffer. See pace.h. */

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/pace.h"

/* So many are sent without a look to one who was heard: it lives, and wants an answer. */
#define PACE_HEARD 2

/* So many more are sent to a receiver that has read one. */
#define CREDIT 16

/* Milliseconds: a receiver that does not read is left alone for so long, at first and at most. */
#define PATIENCE_FIRST 10
#define PATIENCE_LAST  10000

/* Milliseconds between two receivers that are waited for in vain. */
#define PAUSE 10

/* How often a receiver is given the processor, or a fifth of a millisecond, to read. */
#define LOOKS 20

static int unread(int fd)
{
        int bytes = 0;

        return next.ioctl(fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/* The last of the room is for those who were never found not to read. */
static bool is_crowded(const struct datagram *datagram, const struct peer_pace *pace)
{
        return atomic_load_explicit(&datagram->crowded, memory_order_relaxed) &&
               atomic_load_explicit(&pace->patience, memory_order_relaxed) > 0;
}

enum pace pace_of(int fd, struct datagram *datagram, struct peer_pace *pace)
{
        const bool congested = atomic_load_explicit(&datagram->congested, memory_order_relaxed);
        int64_t resting;
        uint32_t credit;

        if (!pace)
                return PACE_SEND;
        resting = atomic_load_explicit(&pace->resting, memory_order_relaxed);
        if (!congested && resting == 0)
                return PACE_SEND;
        if (!congested)
                return PACE_TRY;

        credit = atomic_load_explicit(&pace->credit, memory_order_relaxed);
        if (credit > 0 && !is_crowded(datagram, pace)) {
                atomic_store_explicit(&pace->credit, credit - 1, memory_order_relaxed);
                return PACE_TRY;
        }
        if (resting < atomic_load_explicit(&datagram->resting, memory_order_relaxed))
                resting = atomic_load_explicit(&datagram->resting, memory_order_relaxed);
        if (resting == 0 || kernel_milliseconds() >= resting)
                return PACE_TRY;
        /* Those who did not read may have begun to. */
        if (unread(fd) > datagram->room / 2)
                return PACE_DROP;
        atomic_store_explicit(&datagram->congested, false, memory_order_relaxed);
        return PACE_TRY;
}

void pace_heard(struct peer_pace *pace)
{
        if (pace && atomic_load_explicit(&pace->credit, memory_order_relaxed) < PACE_HEARD)
                atomic_store_explicit(&pace->credit, PACE_HEARD, memory_order_relaxed);
}

static void rest(struct peer_pace *pace, int64_t now)
{
        uint32_t patience = atomic_load_explicit(&pace->patience, memory_order_relaxed) * 2;

        patience = patience < PATIENCE_FIRST  ? PATIENCE_FIRST
                   : patience > PATIENCE_LAST ? PATIENCE_LAST
                                              : patience;
        atomic_store_explicit(&pace->patience, patience, memory_order_relaxed);
        atomic_store_explicit(&pace->resting, now + patience, memory_order_relaxed);
}

static void forgive(struct peer_pace *pace)
{
        if (atomic_load_explicit(&pace->resting, memory_order_relaxed) == 0)
                return;
        atomic_store_explicit(&pace->patience, 0, memory_order_relaxed);
        atomic_store_explicit(&pace->resting, 0, memory_order_relaxed);
}

/* before: what was unread just now. */
static bool is_read(int fd, int before)
{
        for (int i = 0; i < LOOKS; i++) {
                if (i < LOOKS / 2)
                        kernel_yield();
                else
                        kernel_sleep_microseconds(200);
                if (unread(fd) < before)
                        return true;
        }

        return false;
}

/* Three quarters of the room are used, or have been, and a half is yet. */
static bool is_congested(const struct datagram *datagram, int used)
{
        return used > datagram->room / 4 * 3 ||
               (atomic_load_explicit(&datagram->congested, memory_order_relaxed) &&
                used > datagram->room / 2);
}

static void look(int fd, struct datagram *datagram, struct peer_pace *pace)
{
        const int used = unread(fd);
        const bool congested = is_congested(datagram, used);
        int64_t now;

        atomic_store_explicit(&datagram->unchecked, 0, memory_order_relaxed);
        atomic_store_explicit(&datagram->congested, congested, memory_order_relaxed);
        atomic_store_explicit(&datagram->crowded, used > datagram->room / 8 * 7,
                              memory_order_relaxed);
        if (!congested || !pace ||
            (atomic_load_explicit(&pace->credit, memory_order_relaxed) > 0 &&
             !is_crowded(datagram, pace)))
                return;

        if (is_read(fd, used)) {
                forgive(pace);
                atomic_store_explicit(&pace->credit, CREDIT, memory_order_relaxed);
                return;
        }
        now = kernel_milliseconds();
        rest(pace, now);
        atomic_store_explicit(&datagram->resting, now + PAUSE, memory_order_relaxed);
}

void pace_sent(int fd, struct datagram *datagram, struct peer_pace *pace, size_t size)
{
        const uint32_t charge = (uint32_t)size + PACE_OVERHEAD;
        const int saved = errno;
        uint32_t unchecked;

        if (pace && !atomic_load_explicit(&datagram->congested, memory_order_relaxed))
                forgive(pace);

        unchecked = atomic_load_explicit(&datagram->unchecked, memory_order_relaxed) + charge;
        atomic_store_explicit(&datagram->unchecked, unchecked, memory_order_relaxed);
        if (unchecked < (uint32_t)datagram->room / 8 &&
            !atomic_load_explicit(&datagram->congested, memory_order_relaxed))
                return;

        look(fd, datagram, pace);
        errno = saved;
}

void pace_refused(int fd, struct datagram *datagram, struct peer_pace *pace)
{
        const int saved = errno;

        if (is_congested(datagram, unread(fd)))
                atomic_store_explicit(&datagram->congested, true, memory_order_relaxed);
        if (pace)
                rest(pace, kernel_milliseconds());
        errno = saved;
}
