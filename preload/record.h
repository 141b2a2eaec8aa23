/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A few words that belong together, read without a lock while another thread, or the thread that a
 * signal handler has interrupted, writes them.
 *
 * There are two copies. A writer fills in the one that is not in force, and then says that it is.
 * The lowest bit of the version says that there is a writer, the next one which copy is in force.
 * The upper half says which process that writer is: when another thread forks, he is there in the
 * child's memory, but not in the child.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/process.h"

#define RECORD_WORDS 18

struct record {
        _Atomic uint64_t version;
        _Atomic uint64_t words[2][RECORD_WORDS];
};

/* Read the first n words. */
static inline void record_load(const struct record *record, uint64_t *ret, size_t n)
{
        uint64_t version, after;

        do {
                version = atomic_load_explicit(&record->version, memory_order_acquire);
                for (size_t i = 0; i < n; i++)
                        ret[i] = atomic_load_explicit(&record->words[version >> 1 & 1][i],
                                                      memory_order_acquire);
                after = atomic_load_explicit(&record->version, memory_order_relaxed);
        } while (version >> 1 != after >> 1);
}

/* Read the first word alone: one that was in force a moment ago. */
static inline uint64_t record_first(const struct record *record)
{
        const uint64_t version = atomic_load_explicit(&record->version, memory_order_acquire);

        return atomic_load_explicit(&record->words[version >> 1 & 1][0], memory_order_relaxed);
}

/* Replace all words. Returns false when another is at it: what that one writes will stand. */
static inline bool record_store(struct record *record, const uint64_t *words)
{
        const uint64_t self = (uint64_t)process_id() << 32;
        uint64_t version = atomic_load_explicit(&record->version, memory_order_relaxed), own;

        if (version & 1 && version >> 32 == self >> 32)
                return false;
        own = self | (uint32_t)version | 1;
        if (!atomic_compare_exchange_strong(&record->version, &version, own))
                return false;

        for (size_t i = 0; i < RECORD_WORDS; i++)
                atomic_store_explicit(&record->words[~own >> 1 & 1][i], words[i],
                                      memory_order_release);
        atomic_store_explicit(&record->version, self | (uint32_t)(own + 1), memory_order_release);
        return true;
}
