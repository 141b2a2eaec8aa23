/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pthreads(7), cancellation. Hooks that have a descriptor of their own call close(2) and others
 * that are cancellation points: a thread that is cancelled there would leave it behind. So it is
 * not, for as long as they are at work; calls that are cancellation points act on a cancellation
 * that is pending before they begin.
 */

#include <pthread.h>

#include "preload/next.h"

/* Nothing was done: who has not asked for a socket yet has nothing to leave behind. */
#define CANCEL_AS_IT_WAS (-1)

/* Returns what cancel_restore() takes. */
static inline int cancel_disable(void)
{
        int before;

        if (!__atomic_load_n(&next_sockets_resolved, __ATOMIC_ACQUIRE))
                return CANCEL_AS_IT_WAS;
        (void)next.pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        return before;
}

static inline void cancel_restore(int before)
{
        int unused;

        if (before == CANCEL_AS_IT_WAS)
                return;
        (void)next.pthread_setcancelstate(before, &unused);
}
