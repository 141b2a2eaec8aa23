/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that is never given back. See memory.h. */

#include <stdalign.h>
#include <stdbool.h>

#include "preload/kernel.h"
#include "preload/memory.h"

static alignas(max_align_t) char page[2560];
static size_t used;

void *memory_map(size_t size)
{
        void *mapped;

        mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return mapped == MAP_FAILED ? NULL : mapped;
}

void *memory_take(size_t size)
{
        const size_t mask = alignof(max_align_t) - 1;
        if (size <= sizeof(page) - used) {
                void *taken = page + used;

                used = (used + size + mask) & ~mask;
                used = used < sizeof(page) ? used : sizeof(page);
                return taken;
        }

        return memory_map(size);
}

void *memory_share(void **place, size_t size)
{
        void *mapped, *there;

        there = __atomic_load_n(place, __ATOMIC_ACQUIRE);
        if (there)
                return there;

        mapped = memory_map(size);
        if (!mapped)
                return NULL;
        if (__atomic_compare_exchange_n(place, &there, mapped, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
                return mapped;

        (void)kernel_munmap(mapped, size);
        return there;
}
