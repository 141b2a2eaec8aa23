/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hands out memory at the start of the process. See memory.h. Called by the constructor alone. */

#include <stdalign.h>
#include <sys/mman.h>

#include "preload/memory.h"

static alignas(max_align_t) char page[2560];
static size_t used;

void *memory_take(size_t size)
{
        const size_t mask = alignof(max_align_t) - 1;
        void *mapped;

        if (size <= sizeof(page) - used) {
                void *taken = page + used;

                used = (used + size + mask) & ~mask;
                used = used < sizeof(page) ? used : sizeof(page);
                return taken;
        }

        mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return mapped == MAP_FAILED ? NULL : mapped;
}
