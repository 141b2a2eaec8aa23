/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes waiting threads. See waiting.h. */

#include <stdatomic.h>
#include <stdbool.h>

#include "preload/kernel.h"
#include "preload/memory.h"
#include "preload/waiting.h"

#define PLACES 511 /* and the process's number: one page */

/* A thread id, and above it the index of a socket. */
#define NOTE(thread, index) ((uint64_t)(index) << 32 | (uint32_t)(thread))
#define NOTE_THREAD(note)   ((pid_t)((note)&0xffffffff))
#define NOTE_INDEX(note)    ((uint32_t)((note) >> 32))

/* The kernel empties the page in a child of fork(2), whose thread has another id, and is alone. */
struct page {
        _Atomic uint64_t process;
        _Atomic uint64_t notes[PLACES];
};

static struct page *page;

static struct page *find_page(void)
{
        struct page *found = __atomic_load_n(&page, __ATOMIC_ACQUIRE);

        if (found)
                return found;

        found = memory_share((void **)&page, sizeof(*found));
        if (found)
                (void)kernel_madvise(found, sizeof(*found), MADV_WIPEONFORK);
        return found;
}

/* The id of this thread: a system call for the first time in each process. */
static pid_t thread_id(struct page *of)
{
        static __thread pid_t known_process, known_thread;
        uint64_t process = atomic_load_explicit(&of->process, memory_order_relaxed);

        if (process == 0) {
                process = (uint64_t)getpid();
                atomic_store(&of->process, process);
        }
        if (known_process != (pid_t)process) {
                known_process = (pid_t)process;
                known_thread = kernel_gettid();
        }

        return known_thread;
}

static bool is_alive(pid_t thread)
{
        return kernel_tgkill(getpid(), thread, 0) == 0;
}

static bool take(_Atomic uint64_t *place, uint64_t before, uint64_t note)
{
        return atomic_compare_exchange_strong(place, &before, note);
}

int waiting_enter(uint32_t sock_index)
{
        struct page *of = find_page();
        uint64_t note;
        pid_t thread;

        if (!of)
                return -1;

        thread = thread_id(of);
        note = NOTE(thread, sock_index);

        /* Threads that were made one after the other find their places at once. */
        for (int i = 0; i < PLACES; i++) {
                const int place = (thread + i) % PLACES;

                const uint64_t old = atomic_load_explicit(&of->notes[place], memory_order_relaxed);

                /* A note of this thread's own is one that it has jumped away from. */
                if ((old == 0 || NOTE_THREAD(old) == thread) && take(&of->notes[place], old, note))
                        return place;
        }

        for (int place = 0; place < PLACES; place++) {
                const uint64_t old = atomic_load(&of->notes[place]);

                if (!is_alive(NOTE_THREAD(old)) && take(&of->notes[place], old, note))
                        return place;
        }

        return -1;
}

void waiting_leave(int place)
{
        if (place >= 0)
                atomic_store_explicit(&page->notes[place], 0, memory_order_release);
}

unsigned waiting_count(uint32_t sock_index)
{
        unsigned count = 0;

        if (!__atomic_load_n(&page, __ATOMIC_ACQUIRE))
                return 0;

        for (int place = 0; place < PLACES; place++) {
                const uint64_t note = atomic_load(&page->notes[place]);

                count += note != 0 && NOTE_INDEX(note) == sock_index && is_alive(NOTE_THREAD(note));
        }

        return count;
}
