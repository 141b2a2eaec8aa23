/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes the files of closed listeners. See departure.h. */

#include <errno.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/departure.h"
#include "preload/kernel.h"
#include "preload/memory.h"
#include "preload/process.h"
#include "preload/sock.h"
#include "preload/socket-file.h"

/* A page that the kernel empties in a child of fork(2). */
static _Atomic int *expected;

void departure_expect(void)
{
        _Atomic int *page = __atomic_load_n(&expected, __ATOMIC_ACQUIRE);

        if (!page) {
                page = memory_share((void **)&expected, sizeof(*page));
                if (!page)
                        return;
                (void)kernel_madvise((void *)page, sizeof(*page), MADV_WIPEONFORK);
        }
        atomic_store_explicit(page, 1, memory_order_relaxed);
}

bool departure_is_expected(void)
{
        const _Atomic int *page = __atomic_load_n(&expected, __ATOMIC_ACQUIRE);

        return page && atomic_load_explicit(page, memory_order_relaxed);
}

struct departure departure_of(int fd, word w)
{
        struct departure departure;
        const struct sock *sock;

        departure.removes = false;
        if (WORD_KIND(w) != WORD_SOCK)
                return departure;

        sock = sock_at(WORD_INDEX(w));
        if (!sock->removes_file || process_is_borrowed())
                return departure;

        departure.file = sock->file;
        departure.removes =
                target_of_socket(fd, &departure.target) && target_is_file(&departure.target);
        return departure;
}

/*
 * A thread that waits in poll(2) or select(2) for a listener holds the socket although another
 * thread has closed it meanwhile, and when the wait is over nobody calls us. Such departures are
 * looked at again later. A slot has one owner at a time, who does not wait for it, so that signal
 * handlers may come and go.
 *
 * Without other threads it is another process that has the socket. A child that has closed its copy
 * must not look again: in its sandbox it may not be allowed the system calls.
 */
enum { SLOT_FREE, SLOT_BUSY, SLOT_FULL };

#define SLOTS 16

static struct slot {
        _Atomic int state;
        pid_t pid;
        struct departure departure;
} * slots; /* SLOTS of them, once there is one */

static bool take_slot(size_t i, int state)
{
        return atomic_load(&slots[i].state) == state &&
               atomic_compare_exchange_strong(&slots[i].state, &state, SLOT_BUSY);
}

/* When there is no room, the next bind finds a dead socket to replace. */
static void remember(const struct departure *departure)
{
        if (!memory_share((void **)&slots, SLOTS * sizeof(*slots)))
                return;

        for (size_t i = 0; i < SLOTS; i++) {
                if (!take_slot(i, SLOT_FREE))
                        continue;
                slots[i].departure = *departure;
                slots[i].pid = getpid();
                atomic_store(&slots[i].state, SLOT_FULL);
                return;
        }
}

/* Remove the file, or remember it when somebody has the socket yet: a thread of ours, perhaps. */
static void finish(const struct departure *departure)
{
        const int saved = errno;
        struct stat st;

        socket_file_remove(&departure->target, departure->file);
        if (!__libc_single_threaded && kernel_lstat(departure->target.address.sun_path, &st) == 0 &&
            (departure->file == 0 || st.st_ino == departure->file))
                remember(departure);
        errno = saved;
}

void departure_look_again(void)
{
        for (size_t i = 0; __atomic_load_n(&slots, __ATOMIC_ACQUIRE) && i < SLOTS; i++) {
                struct departure departure;
                pid_t pid;

                if (!take_slot(i, SLOT_FULL))
                        continue;
                departure = slots[i].departure;
                pid = slots[i].pid;
                atomic_store(&slots[i].state, SLOT_FREE);
                if (pid == getpid())
                        finish(&departure);
        }
}

void departure_finish(const struct departure *departure)
{
        if (!departure->removes)
                return;

        departure_look_again();
        finish(departure);
}
